import type { App } from '../app.ts';
import { messageOf } from './postgres/database-start-error.ts';
import { ensurePartitionsAround } from './postgres/partitions.ts';

const HOUR_MS = 3_600_000;

/**
 * What is to be done in the database now and every hour, and what else every hour. The first time is waited for, since nothing can be written
 * before it.
 */
export async function startHousekeeping(app: Pick<App, 'db' | 'clock' | 'log'>, chores: readonly (() => Promise<void>)[]): Promise<() => void> {
  await ensurePartitionsAround(app.db, app.clock.now());
  const keepHouse = async (): Promise<void> => {
    await ensurePartitionsAround(app.db, app.clock.now());
    for (const chore of chores) await chore();
  };
  let cancel: (() => void) | null = null;
  const again = (): void => {
    cancel = app.clock.after(HOUR_MS, () => {
      keepHouse()
        .catch((error: unknown) => app.log.warning('the hourly housekeeping failed and is tried again in an hour', { reason: messageOf(error) }))
        .finally(again);
    });
  };
  again();
  return () => cancel?.();
}
