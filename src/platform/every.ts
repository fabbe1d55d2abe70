import type { Clock } from '../app.ts';

/** Runs again and again, each time `ms` after the one before ended, however it ended; the answer stops it. `run` tells of its own failures. */
export function every(clock: Pick<Clock, 'after'>, ms: number, run: () => Promise<void>): () => void {
  let cancel: (() => void) | null = null;
  let stopped = false;
  const again = (): void => {
    if (stopped) return;
    cancel = clock.after(ms, () => void run().then(again, again));
  };
  again();
  return () => {
    stopped = true;
    cancel?.();
  };
}
