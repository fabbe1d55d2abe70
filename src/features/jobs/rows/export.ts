import { type App, EVERY_PROJECT } from '../../../app.ts';
import type { OutcomeListQuery } from '../../../contract/job-rows.ts';
import { outputText } from '../../../core/job-output.ts';
import { usdOf, usdText } from '../../../core/money.ts';
import type { Reply } from '../../../http/route.ts';
import { csvRecord, type CsvValue } from '../../../wire/csv.ts';
import type { JobRow } from '../store.ts';
import { eachOutcome, inPages } from './outcomes.ts';
import { type Outcome, readTable, type TableRow } from './store.ts';

type Format = NonNullable<OutcomeListQuery['format']>;
type Wanted = { readonly format: Format; readonly status: OutcomeListQuery['status'] };
/** A head, which may be nothing, and then pages of text. */
type Text = { readonly head: string; readonly pages: AsyncGenerator<string, void> };

const TYPES = { jsonl: 'application/jsonl; charset=utf-8', csv: 'text/csv; charset=utf-8; header=present', merged: 'text/csv; charset=utf-8; header=present' };

/** All outcomes of a job, as long as they are: they are sent in pieces. */
export function exportOutcomes(app: Pick<App, 'inProject'>, job: JobRow, { format, status }: Wanted): Reply {
  const { head, pages } = TEXTS[format](app, job, status);
  return {
    headers: { 'content-type': TYPES[format], 'content-disposition': `attachment; filename="${job.id}.${format === 'jsonl' ? 'jsonl' : 'csv'}"` },
    async stream(sink) {
      if (head !== '') await sink.write(head);
      for await (const page of pages) await sink.write(page);
    },
  };
}

const TEXTS: Readonly<Record<Format, (app: Pick<App, 'inProject'>, job: JobRow, status: Wanted['status']) => Text>> = {
  jsonl: (app, job, status) => ({ head: '', pages: texts(eachOutcome(app, job), (outcome) => (isWanted(outcome, status) ? jsonLine(outcome) : '')) }),
  csv(app, job, status) {
    const pages = texts(eachOutcome(app, job), (outcome) => (isWanted(outcome, status) ? csvLine(job, outcome) : ''));
    return { head: csvRecord(CSV_COLUMNS), pages };
  },
  merged(app, job, status) {
    const columns = job.columns ?? [];
    const names = job.columns === null ? ['custom_id'] : columns;
    return {
      head: csvRecord([...names, ...MERGED_COLUMNS]),
      pages: texts(tableRows(app, job), (row) => (isWanted(row.outcome, status) ? mergedLine(job, row) : '')),
    };
  },
};

function isWanted(outcome: Outcome | null, status: Wanted['status']): boolean {
  return status === undefined || (outcome !== null && statusOf(outcome.error) === status);
}

async function* texts<Row>(pages: AsyncGenerator<readonly Row[], void>, write: (row: Row) => string): AsyncGenerator<string, void> {
  for await (const page of pages) yield page.map(write).join('');
}

/** The answer goes as it is kept, on one line: to read and write it again would be most of the work. */
function jsonLine({ response, error, cost_nano_usd: cost, saved_nano_usd: saved, created_at: at, ...outcome }: Outcome): string {
  const { line, custom_id, status_code, request_id, model, provider, input_tokens, output_tokens, retry_count } = outcome;
  const before = JSON.stringify({ line, custom_id, status: statusOf(error), status_code, request_id });
  const tokens = { input_tokens, output_tokens, cost_usd: usdOf(cost), saved_usd: usdOf(saved), retry_count, created_at: at.toISOString() };
  const after = JSON.stringify({ error, model, provider, ...tokens });
  // A line end in the text of JSON is space between its words.
  return `${before.slice(0, -1)},"response":${response?.replaceAll(/[\r\n]/g, ' ') ?? 'null'},${after.slice(1)}\n`;
}

function statusOf(error: Outcome['error']): 'completed' | 'failed' {
  return error === null ? 'completed' : 'failed';
}

const CSV_COLUMNS = [
  'custom_id',
  'status',
  'status_code',
  'output',
  'error_code',
  'error_message',
  'model',
  'provider',
  'input_tokens',
  'output_tokens',
  'cost_usd',
  'saved_usd',
  'retry_count',
  'request_id',
  'created_at',
];

function csvLine({ endpoint }: JobRow, outcome: Outcome): string {
  return csvRecord([
    outcome.custom_id,
    statusOf(outcome.error),
    outcome.status_code,
    said(endpoint, outcome),
    outcome.error?.code ?? null,
    outcome.error?.message ?? null,
    outcome.model,
    outcome.provider,
    outcome.input_tokens,
    outcome.output_tokens,
    exact(outcome.cost_nano_usd),
    exact(outcome.saved_nano_usd),
    outcome.retry_count,
    outcome.request_id,
    outcome.created_at.toISOString(),
  ]);
}

const MERGED_COLUMNS = ['output', 'status', 'error', 'tokens', 'cost'];

/** The table that came in, with what came of it; of requests that came otherwise, their ids stand for it. */
function mergedLine({ endpoint, columns }: JobRow, { custom_id: customId, columns: cells, outcome }: TableRow): string {
  const given: CsvValue[] = columns === null ? [customId] : columns.map((name, place) => cells?.[place] ?? (name === 'custom_id' ? customId : ''));
  if (outcome === null) return csvRecord([...given, null, 'waiting', null, null, null]);
  const { error } = outcome;
  const tokens = outcome.input_tokens + outcome.output_tokens;
  return csvRecord([...given, said(endpoint, outcome), statusOf(error), error && `${error.code}: ${error.message}`, tokens, exact(outcome.cost_nano_usd)]);
}

function said(endpoint: string, { response, error }: Outcome): string | null {
  return error === null && response !== null ? outputText(endpoint, JSON.parse(response) as unknown) : null;
}

/** A table is added up elsewhere: not a millionth of a cent is lost in it. */
function exact(nanoUsd: number): string {
  return usdText(BigInt(nanoUsd));
}

function tableRows(app: Pick<App, 'inProject'>, job: JobRow): AsyncGenerator<readonly TableRow[], void> {
  return inPages(
    (place) => app.inProject(EVERY_PROJECT, (db) => readTable(db, job.id, place)),
    ({ columns, outcome }) => (outcome?.response?.length ?? 0) + (columns?.reduce((sum, cell) => sum + cell.length, 0) ?? 0),
  );
}
