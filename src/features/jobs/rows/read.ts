import { AppError } from '../../../contract/errors.ts';
import { LINE_BYTES_MAX } from '../../../contract/job-rows.ts';
import { parseLine, textLines } from '../../../wire/jsonl.ts';
import type { RawRow, RowCheck } from './row.ts';
import type { IncomingRow } from './take-in.ts';

/** Requests of a JSON body: each has the line that it would have in JSONL. */
export function* arrayRows(requests: readonly unknown[]): Generator<RawRow, void> {
  for (const [index, value] of requests.entries()) yield { line: index + 1, index, read: () => value, columns: null };
}

/** Requests of a JSONL body, ours or lines of OpenAI's batches. */
export async function* jsonlRows(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<RawRow, void> {
  let index = 0;
  for await (const line of textLines(bytes, LINE_BYTES_MAX)) {
    yield { line: line.line, index, read: () => parseLine(line), columns: null };
    index++;
  }
}

/** So many mistakes are told at once; who made more has made them all over. */
const MISTAKES_MAX = 20;

/** Requests as they can be taken in. Where something is wrong with one, nothing goes on, but the rest is read, so that all that is wrong is told at once. */
export async function* checkedRows(rows: AsyncIterable<RawRow> | Iterable<RawRow>, check: RowCheck): AsyncGenerator<IncomingRow, void> {
  const mistakes: AppError[] = [];
  for await (const row of rows) {
    try {
      const checked = check(row);
      if (mistakes.length === 0) yield { line: row.line, columns: row.columns, ...checked };
    } catch (thrown) {
      if (!(thrown instanceof AppError)) throw thrown;
      mistakes.push(thrown);
      if (mistakes.length === MISTAKES_MAX) break;
    }
  }
  if (mistakes.length > 0) throw all(mistakes);
}

/** The first of them, which knows of the others. */
function all(mistakes: readonly AppError[]): AppError {
  const [first] = mistakes;
  if (!first) return new AppError('INVALID_VALUE');
  const errors = mistakes.map(({ code, message, parts }) => ({ line: parts.details?.['line'], field: parts.field ?? null, code, message }));
  return new AppError(first.code, { ...first.parts, message: first.message, details: { ...first.parts.details, errors } });
}
