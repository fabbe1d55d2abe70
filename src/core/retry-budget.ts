import { add, moveTo, rateWindow } from './rate-window.ts';

/**
 * How many of the calls to one place may be tried again: a tenth of those that came in the last minute, so that a provider that is down gets no more
 * than 1.1 times the traffic that it would have anyway. Where there are fewer than a hundred calls a minute, it is ten: three calls that each try again
 * three times are no storm.
 */
export type RetryBudget = {
  /** A call was sent that is not a retry. */
  readonly call: (nowMs: number) => void;
  /** Takes one retry out of it, where there is one. */
  readonly take: (nowMs: number) => boolean;
};

const WINDOW_MS = 60_000;
const SHARE = 0.1;
const RETRIES_MIN = 10;

export function createRetryBudget(): RetryBudget {
  const calls = rateWindow();
  const retries = rateWindow();
  return {
    call(nowMs) {
      moveTo(calls, WINDOW_MS, nowMs);
      add(calls, WINDOW_MS, { nowMs, weight: 1 });
    },
    take(nowMs) {
      moveTo(calls, WINDOW_MS, nowMs);
      moveTo(retries, WINDOW_MS, nowMs);
      if (retries.spent + 1 > Math.max(RETRIES_MIN, calls.spent * SHARE)) return false;
      add(retries, WINDOW_MS, { nowMs, weight: 1 });
      return true;
    },
  };
}
