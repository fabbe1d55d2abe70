import { type App, EVERY_PROJECT } from '../../app.ts';
import { deletedSince, deleteOwned } from './store.ts';

/** Longer than any call goes on, and than the hour between two of these. */
const LOOK_BACK_MS = 86_400_000;

/** Calls that were on their way when their project was deleted are written down when they end: takes away what came after the deletion. */
export async function purgeDeletedProjects(app: Pick<App, 'inProject' | 'clock'>): Promise<void> {
  const ids = await app.inProject(EVERY_PROJECT, (db) => deletedSince(db, new Date(app.clock.now() - LOOK_BACK_MS)));
  for (const id of new Set(ids)) await app.inProject(id, (db) => deleteOwned(db, id));
}
