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
  /**
   * The attempt is over. `unknown` is what proves nothing: a caller who left, a limit of our rate, a key that is bad. `barred` needs no second proof:
   * one of several keys that is bad. The first time counts.
   */
  readonly over: (outcome: Outcome, nowMs: number) => void;
};
export type Outcome = 'well' | 'failed' | 'barred' | 'unknown';

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

type State = {
  failuresInARow: number;
  isOpen: boolean;
  sinceMs: number | null;
  waitMs: number;
  probeAtMs: number;
  probe: Pass | null;
  /** How often it has opened: passes of an earlier time are out of date. */
  opened: number;
};

export function createBreaker(): Breaker {
  const state: State = { failuresInARow: 0, isOpen: false, sinceMs: null, waitMs: WAIT_MIN_MS, probeAtMs: 0, probe: null, opened: 0 };
  return {
    enter(nowMs, { lastResort = false } = {}) {
      if (!state.isOpen) return pass(state);
      if (state.probe !== null || (nowMs < state.probeAtMs && !lastResort)) return null;
      state.probe = pass(state);
      return state.probe;
    },
    look(nowMs) {
      const { isOpen, probe, sinceMs, probeAtMs, failuresInARow } = state;
      const word = isOpen ? (probe === null ? 'open' : 'probing') : 'closed';
      return { state: word, sinceMs, waitMs: isOpen ? Math.max(0, probeAtMs - nowMs) : 0, failuresInARow };
    },
  };
}

function pass(state: State): Pass {
  const { opened } = state;
  let isOver = false;
  const self: Pass = {
    answered(nowMs) {
      if (opened !== state.opened || isOver) return;
      if (state.probe === self) state.probe = null;
      close(state, nowMs);
    },
    over(outcome, nowMs) {
      if (isOver) return;
      isOver = true;
      if (state.probe === self) state.probe = null;
      if (opened !== state.opened || outcome === 'unknown') return;
      if (outcome === 'barred') state.failuresInARow = Math.max(state.failuresInARow, FAILURES_MAX - 1);
      if (outcome !== 'well') fail(state, nowMs);
      else {
        state.failuresInARow = 0;
        close(state, nowMs);
      }
    },
  };
  return self;
}

function close(state: State, nowMs: number): void {
  if (!state.isOpen) return;
  state.isOpen = false;
  state.sinceMs = nowMs;
}

function fail(state: State, nowMs: number): void {
  state.failuresInARow++;
  if (state.failuresInARow < FAILURES_MAX) return;
  state.waitMs = state.failuresInARow > FAILURES_MAX ? Math.min(WAIT_MAX_MS, state.waitMs * 2) : WAIT_MIN_MS;
  state.probeAtMs = nowMs + state.waitMs;
  // A place that fails its probe has been away since it opened.
  if (!state.isOpen) state.sinceMs = nowMs;
  state.isOpen = true;
  state.opened++;
}
