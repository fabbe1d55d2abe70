import { type App, EVERY_PROJECT } from '../../../app.ts';
import { type Outcome, readOutcomes } from './store.ts';

const PAGE_FIRST = 16;
const PAGE_MAX = 1000;
/** Of answers in one page, so that a job of long ones needs no more memory than one of short ones. */
const PAGE_CHARS = 100_000;

/**
 * Every outcome of a job in the order of lines, in pages: neither we nor the database hold more than one of them, and a reader who is slow holds no
 * connection meanwhile. Who may see the job is asked before.
 */
export function eachOutcome(app: Pick<App, 'inProject'>, job: { readonly id: string }): AsyncGenerator<readonly Outcome[], void> {
  return inPages(
    (place) => app.inProject(EVERY_PROJECT, (db) => readOutcomes(db, job.id, place)),
    ({ response }) => response?.length ?? 0,
  );
}

type Place = { readonly after: number; readonly limit: number };

/** Rows of a job in the order of lines, in pages that are the smaller the longer their rows are. */
export async function* inPages<Row extends { readonly line: number }>(
  read: (place: Place) => Promise<readonly Row[]>,
  charsOf: (row: Row) => number,
): AsyncGenerator<readonly Row[], void> {
  let limit = PAGE_FIRST;
  for (let after = 0; ;) {
    const page = await read({ after, limit });
    const last = page.at(-1);
    if (last === undefined) return;
    yield page;
    if (page.length < limit) return;
    after = last.line;
    const chars = page.reduce((sum, row) => sum + charsOf(row), 0);
    limit = Math.max(1, Math.min(PAGE_MAX, limit * 4, Math.floor((limit * PAGE_CHARS) / Math.max(1, chars))));
  }
}
