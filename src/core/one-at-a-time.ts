/** Does the work one at a time: whoever asks while it is being done gets the time after, together with all others who do. */
export function oneAtATime<Result>(work: () => Promise<Result>): () => Promise<Result> {
  let running: Promise<Result> | null = null;
  let next: Promise<Result> | null = null;
  const start = (): Promise<Result> => {
    const now = work().finally(() => {
      if (running === now) running = null;
    });
    running = now;
    return now;
  };
  const startNext = (): Promise<Result> => {
    next = null;
    return start();
  };
  return () => {
    if (running === null) return start();
    next ??= running.then(startNext, startNext);
    return next;
  };
}
