/**
 * For how long one of several keys is left alone at a model, after the provider said that its rate is used up there. It is no breaker: the
 * provider is well, and says when to come back. Where it does not, it is a second, and twice that each time that it says so again.
 */
export type KeyRest = {
  readonly leftMs: (nowMs: number) => number;
  readonly limited: (retryAfterMs: number | null, nowMs: number) => void;
  readonly answered: (nowMs: number) => void;
};

const REST_MIN_MS = 1000;
const REST_MAX_MS = 30_000;
/** A provider that asks for more than an hour is asked once in between whether it meant it. */
const ASKED_MAX_MS = 60 * 60_000;

export function createKeyRest(): KeyRest {
  let untilMs = 0;
  let inARow = 0;
  return {
    leftMs: (nowMs) => Math.max(0, untilMs - nowMs),
    limited(retryAfterMs, nowMs) {
      // A hundred calls that are limited together are one event.
      if (nowMs >= untilMs) inARow++;
      const restMs = retryAfterMs === null ? Math.min(REST_MAX_MS, REST_MIN_MS * 2 ** (inARow - 1)) : Math.min(ASKED_MAX_MS, retryAfterMs);
      untilMs = Math.max(untilMs, nowMs + restMs);
    },
    answered(nowMs) {
      // What was begun before the rest says nothing of the rate after it.
      if (nowMs >= untilMs) inARow = 0;
    },
  };
}
