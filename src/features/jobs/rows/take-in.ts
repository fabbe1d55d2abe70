import { AppError } from '../../../contract/errors.ts';
import { JOB_ROWS_MAX, ROWS_A_CALL_MAX } from '../../../contract/job-rows.ts';
import { type Db, type JobRow, updateJob } from '../store.ts';
import { findTaken, insertRequests, type Piece } from './store.ts';

/** A request as it comes in. `line` is that of what it came in, for errors; the job counts its requests itself. */
export type IncomingRow = { readonly line: number; readonly customId: string; readonly body: object; readonly columns?: readonly string[] | null };

const PIECE_ROWS = 1000;
/** Small ones are garbage sooner: a piece of a million characters keeps twice the memory. */
const PIECE_CHARS = 250_000;

/**
 * Adds requests to a job that the caller's transaction has locked, behind those that it has: all of them, or none, because what is thrown here ends
 * the transaction. Answers how many they were. While the database takes one piece, the next one is read.
 */
export async function takeIn(db: Db, job: JobRow, rows: AsyncIterable<IncomingRow>): Promise<number> {
  const lines = new Map<string, number>();
  const before = job.total_requests;
  let piece = newPiece(before);
  let taking: Promise<void> = Promise.resolve();
  for await (const row of rows) {
    const known = lines.get(row.customId);
    if (known !== undefined) throw repeated(row, lines.size, { first_line: known });
    lines.set(row.customId, row.line);
    if (lines.size > ROWS_A_CALL_MAX) throw tooMany(row, ROWS_A_CALL_MAX, 'in one call');
    if (before + lines.size > JOB_ROWS_MAX) throw tooMany(row, JOB_ROWS_MAX, 'in one job');
    if (add(piece, row)) {
      await taking;
      taking = take(db, job, { piece, lines });
      // It is waited for with the next piece; until then nobody is to take it for unheard.
      taking.catch(() => undefined);
      piece = newPiece(before + lines.size);
    }
  }
  await taking;
  await take(db, job, { piece, lines });
  if (lines.size > 0) await updateJob(db, job.id, { total_requests: before + lines.size });
  return lines.size;
}

type FillingPiece = Piece & { readonly customIds: string[]; readonly bodies: string[]; readonly columns: string[]; chars: number };

function newPiece(after: number): FillingPiece {
  return { after, customIds: [], bodies: [], columns: [], chars: 0 };
}

/** Says whether it is full. */
function add(piece: FillingPiece, { customId, body, columns = null }: IncomingRow): boolean {
  const text = JSON.stringify(body);
  const table = columns === null ? '' : JSON.stringify(columns);
  piece.customIds.push(customId);
  piece.bodies.push(text);
  piece.columns.push(table);
  piece.chars += text.length + table.length;
  return piece.bodies.length >= PIECE_ROWS || piece.chars >= PIECE_CHARS;
}

type Taking = { readonly piece: Piece; readonly lines: ReadonlyMap<string, number> };

async function take(db: Db, job: JobRow, { piece, lines }: Taking): Promise<void> {
  if (piece.customIds.length === 0) return;
  const inserted = await insertRequests(db, job, piece);
  if (inserted === piece.customIds.length) return;
  const taken = await findTaken(db, job.id, piece);
  if (taken === null) throw new Error(`of ${piece.customIds.length} requests ${inserted} came into the job, and none was there before`);
  const index = piece.after - job.total_requests + piece.customIds.indexOf(taken.customId);
  throw repeated({ customId: taken.customId, line: lines.get(taken.customId) ?? 0 }, index, { request: taken.line });
}

function repeated({ customId, line }: Pick<IncomingRow, 'customId' | 'line'>, index: number, there: { first_line: number } | { request: number }): AppError {
  const where = 'first_line' in there ? `on line ${there.first_line} too` : `in the job already, as its request ${there.request}`;
  return new AppError('CONFLICT', {
    message: `Line ${line}: the custom_id ${JSON.stringify(customId.slice(0, 100))} stands ${where}`,
    field: `requests[${index}].custom_id`,
    details: { line, custom_id: customId, ...there },
  });
}

function tooMany({ line }: IncomingRow, max: number, where: string): AppError {
  return new AppError('PAYLOAD_TOO_LARGE', {
    message: `Line ${line}: there can be ${max} requests ${where} and no more`,
    details: { line, max_requests: max },
  });
}
