import { AppError } from '../../../contract/errors.ts';
import { LINE_BYTES_MAX } from '../../../contract/job-rows.ts';
import { isRecord } from '../../../core/json-schema-parts.ts';
import type { Template } from '../../../core/template.ts';
import { csvDecoder, type CsvRecord } from '../../../wire/csv-reader.ts';
import { parseLine } from '../../../wire/jsonl.ts';
import { type ColumnUse, columnUses } from './columns.ts';
import type { RawRow } from './row.ts';

/** A table whose header is read: what its columns are is known before any of its rows. */
export type Table = { readonly columns: readonly string[]; readonly rows: () => AsyncGenerator<RawRow, void> };

type Opening = {
  readonly endpoint: string;
  readonly template: Template | null;
  /** Of the query: which column is what. */
  readonly map: string | undefined;
  /** Those of tables that came before, whose places stay theirs. */
  readonly columnsBefore: readonly string[];
};

export async function openTable(bytes: AsyncIterable<Uint8Array>, opening: Opening): Promise<Table> {
  const records = csvRecords(bytes);
  const head = await records.next();
  if (head.done) throw new AppError('INVALID_VALUE', { message: 'The table is empty: its first line must be the names of its columns', details: { line: 1 } });
  const header = head.value.fields.map((name) => name.trim());
  const uses = columnUses(header, opening);
  const columns = [...new Set([...opening.columnsBefore, ...header])];
  const places = columns.map((name) => header.indexOf(name));

  async function* rows(): AsyncGenerator<RawRow, void> {
    let index = 0;
    for await (const record of records) {
      const { line, fields } = record;
      yield { line, index, read: () => requestOf(record, { uses, header, opening }), columns: places.map((place) => fields[place] ?? '') };
      index++;
    }
  }
  return { columns, rows };
}

async function* csvRecords(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<CsvRecord, void> {
  const decoder = csvDecoder(LINE_BYTES_MAX);
  for await (const piece of bytes) yield* decoder.push(piece);
  yield* decoder.end();
}

type Reading = { readonly uses: readonly (ColumnUse | null)[]; readonly header: readonly string[]; readonly opening: Opening };

/** A record as the request that it stands for. */
function requestOf({ line, fields }: CsvRecord, { uses, header, opening }: Reading): unknown {
  if (fields.length !== header.length) {
    const message = `Line ${line} has ${fields.length} fields, and the header names ${header.length} columns`;
    throw new AppError('INVALID_VALUE', { message, details: { line, received: fields.length, expected: header.length } });
  }
  const request: Record<string, unknown> = { custom_id: String(line) };
  const parameters: Record<string, unknown> = {};
  const said = new Map<string, string>();
  for (const [place, use] of uses.entries()) {
    const text = fields[place] ?? '';
    if (use === null || text === '') continue;
    if (use.kind === 'custom_id') request['custom_id'] = text;
    else if (use.kind === 'body') request['body'] = parseLine({ line, text });
    else if (use.kind === 'parameter') parameters[use.name] = typed(text, use.schema);
    else said.set(use.kind, text);
  }
  if (opening.template) return { ...request, input: said.get('input'), parameters };
  return 'body' in request ? request : { ...request, body: bodyOf(opening.endpoint, said) };
}

/** What there is to say in a table, in the words of the endpoint. */
function bodyOf(endpoint: string, said: ReadonlyMap<string, string>): Record<string, unknown> {
  const [input, system, model] = [said.get('input') ?? '', said.get('system'), said.get('model')];
  const named = model === undefined ? {} : { model };
  const asked = [{ role: 'user', content: input }];
  if (endpoint === '/v1/chat/completions') return { ...named, messages: [...(system === undefined ? [] : [{ role: 'system', content: system }]), ...asked] };
  if (endpoint === '/v1/messages') return { ...named, ...(system === undefined ? {} : { system }), messages: asked };
  if (endpoint === '/v1/completions') return { ...named, prompt: input };
  return { ...named, ...(system === undefined ? {} : { instructions: system }), input };
}

/** A text as the parameter that it is to be; what does not fit stays a text, and is refused as such. */
function typed(text: string, schema: unknown): unknown {
  const type = isRecord(schema) ? schema['type'] : undefined;
  if ((type === 'number' || type === 'integer') && text.trim() !== '' && Number.isFinite(Number(text))) return Number(text);
  if (type === 'boolean' && /^(?:true|false)$/i.test(text.trim())) return /true/i.test(text);
  if (type === 'array' || type === 'object') return parsed(text);
  return text;
}

function parsed(text: string): unknown {
  try {
    return parseLine({ line: 0, text });
  } catch {
    return text;
  }
}
