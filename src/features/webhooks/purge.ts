import { type App, EVERY_PROJECT } from '../../app.ts';
import { removeOld } from './store.ts';

const KEPT_MS = 30 * 86_400_000;

/** What was told a month ago goes. */
export async function purgeWebhooks({ inProject, clock }: Pick<App, 'inProject' | 'clock'>): Promise<void> {
  await inProject(EVERY_PROJECT, (db) => removeOld(db, new Date(clock.now() - KEPT_MS)));
}
