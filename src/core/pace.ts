/**
 * How many rows of jobs may go at a time to a provider, or under the limits of a caller. As soon as it is said that they are too many it is half of
 * them, after the pause that was asked for, and then one more for each round that goes well.
 */
export type Pace = {
  /** Milliseconds until a row may begin; 0 where it may now, Infinity where one has to end first. */
  readonly waitMs: (nowMs: number) => number;
  readonly began: () => void;
  readonly ended: () => void;
  readonly answered: () => void;
  /** Nothing is to be had until then, as was known before. */
  readonly rests: (pauseMs: number, nowMs: number) => void;
  /** They were too many, and it may be tried again after `pauseMs`. */
  readonly limited: (pauseMs: number, nowMs: number) => void;
};

export function createPace(): Pace {
  let allowed = Infinity;
  let running = 0;
  let pausedUntil = 0;
  const rests = (pauseMs: number, nowMs: number): void => {
    pausedUntil = Math.max(pausedUntil, nowMs + pauseMs);
  };
  return {
    waitMs: (nowMs) => (nowMs < pausedUntil ? pausedUntil - nowMs : running < Math.floor(allowed) ? 0 : Infinity),
    began: () => void running++,
    ended: () => void running--,
    answered() {
      allowed += 1 / allowed;
    },
    rests,
    limited(pauseMs, nowMs) {
      // Rows that were under way at the first 429 get one too: that is no news.
      if (nowMs >= pausedUntil) allowed = Math.max(1, Math.floor(Math.min(allowed, running) / 2));
      rests(pauseMs, nowMs);
    },
  };
}
