type Timer = { readonly after: (ms: number, run: () => void) => () => void };

/**
 * Runs again and again, each time `ms` after the one before ended, however it ended; `run` tells of its own failures. The answer stops it, and
 * resolves when no run is under way any more: who says a last word for what was kept up by it waits for that.
 */
export function every(clock: Timer, ms: number, run: () => Promise<void>): () => Promise<void> {
  let cancel: (() => void) | null = null;
  let stopped = false;
  let last = Promise.resolve();
  const again = (): void => {
    if (stopped) return;
    cancel = clock.after(ms, () => {
      last = run().then(again, again);
    });
  };
  again();
  return () => {
    stopped = true;
    cancel?.();
    return last;
  };
}
