import { sql } from 'kysely';
import type { App } from '../../app.ts';
import { orAborted } from '../../core/or-aborted.ts';

/** One round trip to the database, or the signal's reason. */
export async function pingDatabase(app: Pick<App, 'db'>, signal: AbortSignal): Promise<void> {
  await orAborted(sql`select 1`.execute(app.db), signal);
}
