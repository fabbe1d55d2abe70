import { BATCH_ROWS_MAX, type BatchError } from '../../../contract/batches.ts';
import { AppError } from '../../../contract/errors.ts';
import { parseLine, type TextLine, textLines } from '../../../wire/jsonl.ts';
import type { IncomingRow } from '../rows/take-in.ts';

/** What is wrong with the input of a batch, as far as it was looked at. */
export class InputErrors extends Error {
  readonly errors: readonly BatchError[];

  constructor(errors: readonly BatchError[]) {
    super('the input of a batch cannot be taken in');
    this.errors = errors;
  }
}

export type InputFacts = {
  readonly endpoint: string;
  /** Throws an AppError where there is no such model. */
  readonly assertModel: (model: string) => void;
};

/** More would be read by nobody. */
const ERRORS_MAX = 100;
/** As long as any body: a request may hold images. */
const LINE_BYTES_MAX = 10 * 1024 * 1024;
const CUSTOM_ID_CHARS_MAX = 256;

type Line = Readonly<Record<string, unknown>>;
type Reading = InputFacts & { readonly customIds: Set<string>; readonly models: Map<string, BatchError | null>; readonly errors: BatchError[] };

/**
 * The requests of an input file. With the first mistake no more of them are handed on, the rest is looked through for others, and at the end all
 * are thrown. Answers the models that they name.
 */
export async function* inputRows(pieces: AsyncIterable<Uint8Array>, facts: InputFacts): AsyncGenerator<IncomingRow, ReadonlySet<string>> {
  const reading: Reading = { ...facts, customIds: new Set(), models: new Map(), errors: [] };
  const { errors } = reading;
  try {
    for await (const line of textLines(pieces, LINE_BYTES_MAX)) {
      const row = rowOf(reading, line);
      if (errors.length >= ERRORS_MAX) break;
      if (row !== null && errors.length === 0) yield row;
    }
  } catch (thrown) {
    // A line that cannot be read as text.
    if (!(thrown instanceof AppError)) throw thrown;
    errors.push({ code: 'invalid_json_line', line: Number(thrown.parts.details?.['line']), message: thrown.message, param: null });
  }
  if (errors.length === 0 && reading.customIds.size === 0)
    errors.push({ code: 'empty_file', line: null, message: 'The input file has no requests.', param: null });
  if (errors.length > 0) throw new InputErrors(errors);
  return new Set(reading.models.keys());
}

function rowOf(reading: Reading, text: TextLine): IncomingRow | null {
  const { line } = text;
  const refuse = (code: string, message: string, param: string | null): null => {
    reading.errors.push({ code, line, message, param });
    return null;
  };
  const value = jsonOf(text);
  if (value instanceof AppError) return refuse('invalid_json_line', value.message, null);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return refuse('invalid_json_line', `Line ${line} is no JSON object.`, null);
  const row = value as Line;
  for (const param of ['custom_id', 'method', 'url', 'body']) {
    if (row[param] === undefined || row[param] === null || row[param] === '')
      return refuse('missing_required_parameter', `Missing required parameter: '${param}'.`, param);
  }
  const { custom_id: customId, method, url, body } = row;
  if (typeof customId !== 'string' || !isName(customId)) {
    return refuse('invalid_custom_id', `A custom_id is one line of up to ${CUSTOM_ID_CHARS_MAX} visible characters.`, 'custom_id');
  }
  if (method !== 'POST') return refuse('invalid_method', `The method must be POST, not ${shown(method)}.`, 'method');
  if (url !== reading.endpoint) return refuse('mismatched_url', `The URL ${shown(url)} is not the endpoint of the batch, ${reading.endpoint}.`, 'url');
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return refuse('invalid_type', 'The body must be an object.', 'body');
  if ((body as Line)['stream'] === true) return refuse('invalid_value', 'stream cannot be true in a batch: its answers are kept whole.', 'body.stream');
  if ((body as Line)['background'] === true) return refuse('invalid_value', 'background cannot be true in a batch.', 'body.background');
  if (reading.customIds.has(customId))
    return refuse('duplicate_custom_id', `The custom_id ${shown(customId)} stands on a line before this one too.`, 'custom_id');
  reading.customIds.add(customId);
  if (reading.customIds.size > BATCH_ROWS_MAX) {
    // Nothing behind it can make it better.
    if (reading.customIds.size > BATCH_ROWS_MAX + 1) return null;
    return refuse('too_many_requests', `A batch has up to ${BATCH_ROWS_MAX} requests; line ${line} holds one more.`, null);
  }
  const wrong = modelError(reading, (body as Line)['model']);
  return wrong ? refuse(wrong.code, wrong.message, wrong.param) : { line, customId, body };
}

function jsonOf(text: TextLine): unknown {
  try {
    return parseLine(text);
  } catch (thrown) {
    if (thrown instanceof AppError) return thrown;
    throw thrown;
  }
}

/** Asked once for each model, and told for each line. */
function modelError({ models, assertModel }: Reading, model: unknown): BatchError | null {
  if (model === undefined) return null;
  if (typeof model !== 'string' || model === '') return { code: 'invalid_type', line: null, message: 'The model must be a text.', param: 'body.model' };
  const known = models.get(model);
  if (known !== undefined) return known;
  const wrong = refusalOf(() => assertModel(model));
  models.set(model, wrong);
  return wrong;
}

function refusalOf(run: () => void): BatchError | null {
  try {
    run();
    return null;
  } catch (thrown) {
    if (!(thrown instanceof AppError)) throw thrown;
    return { code: thrown.code === 'MODEL_NOT_FOUND' ? 'model_not_found' : 'invalid_model', line: null, message: thrown.message, param: 'body.model' };
  }
}

function isName(text: string): boolean {
  return text.trim() !== '' && [...text].length <= CUSTOM_ID_CHARS_MAX && !/\p{C}|\p{Zl}|\p{Zp}/u.test(text);
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? '').slice(0, 100);
}
