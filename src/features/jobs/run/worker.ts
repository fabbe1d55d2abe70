import { type App, EVERY_PROJECT } from '../../../app.ts';
import { every } from '../../../core/every.ts';
import { beatWorker, dismissWorker, registerWorker } from './store.ts';

/** This process as one that runs rows: what it claims is its own as long as it says that it lives. */
export type Worker = {
  /** Another one after it was taken for dead. */
  readonly id: () => string;
  /** Joins, if it has not yet. */
  readonly join: () => Promise<void>;
  /** Gives back what it has left, and is no worker any more. */
  readonly leave: () => Promise<void>;
};

type Needs = Pick<App, 'inProject' | 'clock' | 'log' | 'newId' | 'config'> & {
  /** What was claimed under this id belongs to others. */
  readonly onBuried: (id: string) => void;
};

const BEATS_PER_LEASE = 3;

export function createWorker(needs: Needs): Worker {
  const leaseS = needs.config().settings.jobLeaseS;
  let id = needs.newId('work');
  let joining: Promise<void> | null = null;
  let stopBeating = null as (() => Promise<void>) | null;

  const beat = async (): Promise<void> => {
    if (await needs.inProject(EVERY_PROJECT, (db) => beatWorker(db, id, leaseS))) return;
    const buried = id;
    id = needs.newId('work');
    await needs.inProject(EVERY_PROJECT, (db) => registerWorker(db, id, leaseS));
    needs.log.warning('this worker was silent for so long that the others took it for dead; its rows of jobs are theirs', { worker: buried, now: id });
    needs.onBuried(buried);
  };
  const beatOn = (): void => {
    stopBeating = every(needs.clock, (leaseS * 1000) / BEATS_PER_LEASE, () =>
      beat().catch((cause: unknown) => needs.log.debug('the sign of life of a worker did not reach the database', { reason: String(cause) })),
    );
  };
  return {
    id: () => id,
    join() {
      joining ??= needs
        .inProject(EVERY_PROJECT, (db) => registerWorker(db, id, leaseS))
        .then(beatOn)
        .catch((cause: unknown) => {
          joining = null;
          throw cause;
        });
      return joining;
    },
    async leave() {
      if (joining === null) return;
      await joining;
      // One that is under way would find nobody of this name afterwards, and join anew.
      await stopBeating?.();
      await needs.inProject(EVERY_PROJECT, (db) => dismissWorker(db, id));
    },
  };
}
