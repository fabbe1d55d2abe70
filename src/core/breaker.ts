/**
 * Takes a place that keeps failing out of use, and lets one call at a time try whether it is well again. The time comes in with every question.
 *
 * Closed, everybody may pass. After FAILURES_MAX failures with no good answer between them it is open: one call may pass when the wait is over, and
 * the next when that one has ended. The first piece of an answer closes it; one more failure opens it again, with twice the wait, until an answer has
 * come to its end. What was begun before it opened changes nothing any more: a hundred calls that fail together are one event, not a hundred.
 */
export type Breaker = {
  /** Null where nobody may pass now. The last resort need not wait: there is nowhere else to go. It is one call at a time all the same. */
  readonly enter: (nowMs: number, more?: { readonly lastResort?: boolean }) => Pass | null;
  readonly look: (nowMs: number) => BreakerView;
};

/** One attempt's way through. */
export type Pass = {
  /** The first piece is there. */
  readonly answered: (nowMs: number) => void;
  /** The attempt is over. `unknown` is what proves nothing: a caller who left, a limit of our rate, a key that is bad. The first time counts. */
  readonly over: (outcome: Outcome, nowMs: number) => void;
};
export type Outcome = 'well' | 'failed' | 'unknown';

export type BreakerView = {
  /** `probing`: it is open, and one call is trying it. */
  readonly state: 'closed' | 'open' | 'probing';
  /** When it came to be closed or open; null where it has never been anything but closed. */
  readonly sinceMs: number | null;
  /** Until the next call may try it; 0 where one may. */
  readonly waitMs: number;
  readonly failuresInARow: number;
};

export const FAILURES_MAX = 5;
const WAIT_MIN_MS = 1000;
const WAIT_MAX_MS = 30_000;

export function createBreaker(): Breaker {
  let failuresInARow = 0;
  let isOpen = false;
  let sinceMs: number | null = null;
  let waitMs = WAIT_MIN_MS;
  let probeAtMs = 0;
  let probe: Pass | null = null;
  /** How often it has opened: passes of an earlier time are out of date. */
  let opened = 0;

  const close = (nowMs: number): void => {
    if (!isOpen) return;
    isOpen = false;
    sinceMs = nowMs;
  };
  const fail = (nowMs: number): void => {
    failuresInARow++;
    if (failuresInARow < FAILURES_MAX) return;
    waitMs = failuresInARow > FAILURES_MAX ? Math.min(WAIT_MAX_MS, waitMs * 2) : WAIT_MIN_MS;
    // A place that fails its probe has been away since it opened.
    if (!isOpen) sinceMs = nowMs;
    isOpen = true;
    probeAtMs = nowMs + waitMs;
    opened++;
  };

  const pass = (): Pass => {
    const of = opened;
    let isOver = false;
    const self: Pass = {
      answered(nowMs) {
        if (of !== opened || isOver) return;
        if (probe === self) probe = null;
        close(nowMs);
      },
      over(outcome, nowMs) {
        if (isOver) return;
        isOver = true;
        if (probe === self) probe = null;
        if (of !== opened || outcome === 'unknown') return;
        if (outcome === 'failed') fail(nowMs);
        else {
          failuresInARow = 0;
          close(nowMs);
        }
      },
    };
    return self;
  };

  return {
    enter(nowMs, { lastResort = false } = {}) {
      if (!isOpen) return pass();
      if (probe !== null || (nowMs < probeAtMs && !lastResort)) return null;
      probe = pass();
      return probe;
    },
    look(nowMs) {
      const state = isOpen ? (probe === null ? 'open' : 'probing') : 'closed';
      return { state, sinceMs, waitMs: isOpen ? Math.max(0, probeAtMs - nowMs) : 0, failuresInARow };
    },
  };
}
