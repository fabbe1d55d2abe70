import { AppError } from '../contract/errors.ts';
import { type Candidate, placeName } from '../core/routing.ts';
import type { Target, Visit, Waiting } from './targets.ts';

/** A candidate that a call has not given up yet. */
export type Turn = { readonly candidate: Candidate; readonly target: Target; tries: number };
export type Entered = { readonly turn: Turn; readonly visit: Visit };

/**
 * Whose turn it is: the first that is well and has a place, else the first that is well, when it has one or when its key may be used again, else one
 * that is not well and that nobody else is trying at the moment. Null where there is none.
 */
export function enterOne(turns: readonly Turn[], waiter: Waiting): Entered | null | Promise<Entered | null> {
  const later: Turn[] = [];
  for (const turn of turns) {
    const visit = turn.target.enter();
    if (typeof visit === 'object') return { turn, visit };
    if (visit !== 'open' && !turn.target.isOpen()) later.push(turn);
  }
  for (const turn of soonestFirst(later)) {
    const waiting = turn.target.wait(waiter);
    if (waiting) return waiting.then((visit) => (typeof visit === 'object' ? { turn, visit } : enterOne(turns, waiter)));
  }
  for (const turn of turns) {
    const visit = turn.target.enter({ lastResort: true });
    if (typeof visit === 'object') return { turn, visit };
  }
  return null;
}

/** Those that are full may have a place at any moment. */
function soonestFirst(turns: readonly Turn[]): readonly Turn[] {
  return turns.length < 2 ? turns : turns.toSorted((one, other) => one.target.restMs() - other.target.restMs());
}

/** Whether another is to be asked before this one is asked again. */
export function isBetterElsewhere(turn: Turn, turns: readonly Turn[], ofTheKey: boolean): boolean {
  return !isWell(turn) && turns.some((each) => each !== turn && isWell(each) && (ofTheKey || !isSamePlace(each, turn)));
}

function isWell({ target }: Turn): boolean {
  return !target.isOpen() && target.restMs() === 0;
}

/** How often a call has come to a place, by whatever key. */
export function triesAt(turn: Turn, turns: readonly Turn[]): number {
  if (turn.candidate.key === undefined) return turn.tries;
  return turns.reduce((sum, each) => sum + (isSamePlace(each, turn) ? each.tries : 0), 0);
}

/** What is left when one is given up: another key is of use where the fault was the key's, and not where the provider itself fails. */
export function withoutTurn(turn: Turn, turns: readonly Turn[], ofTheKey: boolean): Turn[] {
  return turns.filter((each) => (ofTheKey || turn.candidate.key === undefined ? each !== turn : !isSamePlace(each, turn)));
}

function isSamePlace(one: Turn, other: Turn): boolean {
  return placeName(one.candidate) === placeName(other.candidate);
}

const RETRY_AFTER_MS = 1000;

/** Said at once: a caller who waits here would keep others waiting. */
export function nobodyToAsk(turns: readonly Turn[]): AppError {
  const names = [...new Set(turns.map(({ candidate }) => placeName(candidate)))];
  const well = turns.filter(({ target }) => !target.isOpen());
  if (well.length > 0 && well.every(({ target }) => target.restMs() > 0)) return allRest(names, Math.min(...well.map(({ target }) => target.restMs())));
  const isFull = well.length > 0;
  const message = isFull
    ? `${names.join(', ')}: as many calls as its provider gets at a time are under way, and others wait`
    : `${names.join(', ')}: failing, and tried by one call at a time until it is well again`;
  return new AppError('SERVICE_UNAVAILABLE', {
    message,
    details: { upstream: { targets: names, state: isFull ? 'full' : 'open' } },
    retryAfterMs: RETRY_AFTER_MS,
  });
}

function allRest(names: readonly string[], retryAfterMs: number): AppError {
  return new AppError('UPSTREAM_RATE_LIMITED', {
    message: `${names.join(', ')}: each of its keys has as many calls as it gets in this time`,
    details: { upstream: { targets: names, state: 'resting' } },
    retryAfterMs,
  });
}
