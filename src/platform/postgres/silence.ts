import type { Clock } from '../../app.ts';

/**
 * Tells a database that takes its time from one that has gone without a word: its process stands still, its machine is off, a firewall has
 * forgotten us. Work that is not done after a moment makes us ask whether anybody is there. If not, all who wait hear of it, and who comes
 * later is not kept waiting until somebody is there again.
 */
export type SilenceWatch = {
  /** The outcome of the work, or SilentError. While nobody is there, the work is not begun. */
  readonly wait: <T>(work: () => Promise<T>) => Promise<T>;
};

export class SilentError extends Error {
  constructor() {
    super('the database does not answer');
  }
}

type Needs = {
  readonly clock: Pick<Clock, 'after' | 'monotonic'>;
  /** Resolves when somebody is there, and rejects soon when not. */
  readonly ask: () => Promise<void>;
  /** From then on nobody is asked any more. */
  readonly over: () => boolean;
  readonly onSilent: () => void;
};

const ASK_AFTER_MS = 250;
const ASK_AGAIN_MS = 250;
/** While somebody is there and the work only takes its time. */
const LOOK_EACH_MS = 1000;

export function createSilenceWatch({ clock, ask, over, onSilent }: Needs): SilenceWatch {
  const waiting = new Set<() => void>();
  let silent = false;
  let asking = false;
  let askedAt = Number.NEGATIVE_INFINITY;
  let workedAt = Number.NEGATIVE_INFINITY;

  const heard = (answered: boolean): void => {
    asking = false;
    if (!answered && !silent) onSilent();
    silent = !answered;
    if (!silent) return;
    for (const giveUp of waiting) giveUp();
    clock.after(ASK_AGAIN_MS, askNow);
  };
  const askNow = (): void => {
    if (asking || over()) return;
    asking = true;
    askedAt = clock.monotonic();
    // On a machine that has too much to do the question may starve, while work is done: then somebody is there.
    const starved = (): boolean => workedAt > askedAt;
    void ask()
      .then(() => true, starved)
      .then(heard);
  };
  const noted = alsoRun(() => {
    workedAt = clock.monotonic();
  });
  return {
    wait(work) {
      if (silent) return Promise.reject(new SilentError());
      return new Promise((resolve, reject) => {
        const look = (): void => {
          // A database that has too much to do is not helped by being asked by each who waits.
          if (clock.monotonic() - askedAt >= ASK_AGAIN_MS) askNow();
          cancel = clock.after(LOOK_EACH_MS, look);
        };
        let cancel = clock.after(ASK_AFTER_MS, look);
        const done = (): void => {
          cancel();
          waiting.delete(giveUp);
        };
        const giveUp = (): void => {
          done();
          reject(new SilentError());
        };
        waiting.add(giveUp);
        work().then(noted(resolve), reject).finally(done);
      });
    },
  };
}

function alsoRun(run: () => void): <T>(resolve: (result: T) => void) => (result: T) => void {
  return (resolve) => (result) => {
    run();
    resolve(result);
  };
}
