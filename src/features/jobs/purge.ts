import { type App, EVERY_PROJECT } from '../../app.ts';
import { dropJob, listDeleted } from './store.ts';
import { dropRows } from './rows/store.ts';

const PIECE_ROWS = 10_000;

/** Takes the rows of deleted jobs away, in pieces, so that nobody waits for a million of them; then the jobs, once nothing of them runs any more. */
export async function purgeDeletedJobs(app: Pick<App, 'inProject'>): Promise<void> {
  const every = <Result>(run: Parameters<typeof app.inProject<Result>>[1]): Promise<Result> => app.inProject(EVERY_PROJECT, run);
  for (const id of await every(listDeleted)) {
    while ((await every((db) => dropRows(db, id, PIECE_ROWS))) > 0);
    await every((db) => dropJob(db, id));
  }
}
