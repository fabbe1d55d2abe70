import type { Clock } from '../src/app.ts';

/** A clock that stands still until a test moves it. */
export type ManualClock = Clock & {
  /** Moves on, and runs what falls due on the way, in order. */
  readonly advance: (ms: number) => Promise<void>;
};

export function manualClock(startMs = Date.UTC(2026, 0, 1)): ManualClock {
  let elapsedMs = 0;
  const timers = new Set<{ readonly atMs: number; readonly run: () => void }>();
  const after: Clock['after'] = (ms, run) => {
    const timer = { atMs: elapsedMs + ms, run };
    timers.add(timer);
    return () => timers.delete(timer);
  };

  return {
    now: () => startMs + elapsedMs,
    monotonic: () => elapsedMs,
    after,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) reject(signal.reason);
        const cancel = after(ms, resolve);
        signal?.addEventListener('abort', () => {
          cancel();
          reject(signal.reason);
        });
      }),
    async advance(ms) {
      const untilMs = elapsedMs + ms;
      for (;;) {
        await settle();
        const due = [...timers].filter((timer) => timer.atMs <= untilMs).toSorted((a, b) => a.atMs - b.atMs)[0];
        if (!due) break;
        timers.delete(due);
        elapsedMs = Math.max(elapsedMs, due.atMs);
        due.run();
      }
      elapsedMs = untilMs;
      await settle();
    },
  };
}

/** Lets everything that is already resolved run. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  await new Promise((resolve) => setImmediate(resolve));
}
