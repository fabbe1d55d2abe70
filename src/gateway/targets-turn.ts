import { AppError } from '../contract/errors.ts';
import type { Cancellation } from '../core/cancellation.ts';
import { type Candidate, placeName } from '../core/routing.ts';
import type { Target, Visit } from './targets.ts';

/** A candidate that a call has not given up yet. */
export type Turn = { readonly candidate: Candidate; readonly target: Target; tries: number };
export type Entered = { readonly turn: Turn; readonly visit: Visit };

/**
 * Whose turn it is: the first that is well and has a place, else the first that is well, when it has one, else one that is not well and that nobody
 * else is trying at the moment. Null where there is none.
 */
export function enterOne(turns: readonly Turn[], signal: Cancellation): Entered | null | Promise<Entered | null> {
  const full: Turn[] = [];
  for (const turn of turns) {
    const visit = turn.target.enter();
    if (typeof visit === 'object') return { turn, visit };
    if (visit === 'full' && !turn.target.isOpen()) full.push(turn);
  }
  for (const turn of full) {
    const waiting = turn.target.wait(signal);
    if (waiting) return waiting.then((visit) => (visit === 'open' ? enterOne(turns, signal) : { turn, visit }));
  }
  for (const turn of turns) {
    const visit = turn.target.enter({ lastResort: true });
    if (typeof visit === 'object') return { turn, visit };
  }
  return null;
}

const RETRY_AFTER_MS = 1000;

/** Said at once: a caller who waits here would keep others waiting. */
export function nobodyToAsk(turns: readonly Turn[]): AppError {
  const isFull = turns.some(({ target }) => !target.isOpen());
  const names = turns.map(({ candidate }) => placeName(candidate));
  const message = isFull
    ? `${names.join(', ')}: as many calls as its provider gets at a time are under way, and others wait`
    : `${names.join(', ')}: failing, and tried by one call at a time until it is well again`;
  return new AppError('SERVICE_UNAVAILABLE', {
    message,
    details: { upstream: { targets: names, state: isFull ? 'full' : 'open' } },
    retryAfterMs: RETRY_AFTER_MS,
  });
}
