import type { App } from '../app.ts';
import { messageOf } from './postgres/database-start-error.ts';
import { ensurePartitionsAround } from './postgres/partitions.ts';
import { enforceRetention, type RetentionDays } from './postgres/retention.ts';

type Needs = Pick<App, 'db' | 'clock' | 'log'> & { readonly retention: () => RetentionDays };
type Chore = () => Promise<void>;

/** Not in the seconds in which everything else starts too. */
const FIRST_MS = 60_000;
const HOUR_MS = 3_600_000;

/**
 * Places for rows that are to come, made now and every hour, and waited for the first time, since nothing can be written before it; then, every hour
 * too, what is to go, and what else is to be done. One that fails keeps none of the others from its turn.
 */
export async function startHousekeeping({ db, clock, log, retention }: Needs, chores: readonly Chore[]): Promise<() => void> {
  const makePlace = (): Promise<void> => ensurePartitionsAround(db, clock.now());
  const letGo = async (): Promise<void> => {
    const gone = await enforceRetention(db, retention(), clock.now());
    if (gone.length > 0) log.info('what was kept long enough is gone', { tables: gone });
  };
  await makePlace();
  const keepHouse = async (): Promise<void> => {
    for (const chore of [makePlace, letGo, ...chores]) {
      await chore().catch((error: unknown) => log.warning('the hourly housekeeping failed and is tried again in an hour', { reason: messageOf(error) }));
    }
  };
  let cancel: (() => void) | null = null;
  let stopped = false;
  const after = (ms: number): void => {
    if (!stopped) cancel = clock.after(ms, () => void keepHouse().then(() => after(HOUR_MS)));
  };
  after(FIRST_MS);
  return () => {
    stopped = true;
    cancel?.();
  };
}
