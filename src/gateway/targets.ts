import type { App, TargetState } from '../app.ts';
import { type Breaker, type BreakerView, createBreaker, type Outcome, type Pass } from '../core/breaker.ts';
import type { Cancellation } from '../core/cancellation.ts';
import { createFirstPieces, type FirstPieces } from '../core/first-pieces.ts';
import type { UpstreamError, UpstreamFault } from '../core/provider.ts';
import { createRetryBudget } from '../core/retry-budget.ts';
import { type Candidate, placeName } from '../core/routing.ts';
import { createPlaces, type Places } from './targets-places.ts';

/** What this process knows of every place that was called, by provider and model: how well it is, how soon it answers, what it has to do. */
export type Targets = {
  readonly of: (candidate: Candidate) => Target;
  /** What is known of it, without remembering that anybody asked. */
  readonly look: (candidate: Candidate) => TargetState;
  /** Of those that were called. */
  readonly states: () => readonly TargetState[];
};

export type Target = {
  /** An attempt at it, or why there cannot be one now. The last resort is asked although it is not well, one call at a time. */
  readonly enter: (more?: { readonly lastResort?: boolean }) => Visit | 'open' | 'full';
  /** Waits until its provider has a place and enters then; null where too many wait. */
  readonly wait: (signal: Cancellation) => Promise<Visit | 'open'> | null;
  /** A call came to it, which is none that is tried again. */
  readonly count: () => void;
  /** Takes one out of the retries that may be made of its calls. */
  readonly takeRetry: () => boolean;
  readonly isOpen: () => boolean;
  readonly isIdle: () => boolean;
  readonly state: () => TargetState;
};

/** One attempt, from its beginning to the end of its answer. */
export type Visit = {
  /** The first piece is there. */
  readonly answered: () => void;
  readonly failed: (error: UpstreamError) => void;
  /** The first end counts. */
  readonly over: (outcome: Outcome) => void;
};

type Needs = Pick<App, 'clock' | 'config'>;

/** Callers may ask for ever new names of a provider that takes them all. */
const TARGETS_MAX = 2000;

export function createTargets(needs: Needs): Targets {
  const targets = new Map<string, Target>();
  const places = new Map<string, Places>();

  const placesOf = (provider: string): Places => {
    const known = places.get(provider) ?? createPlaces();
    places.set(provider, known);
    return known;
  };
  /** The oldest of which there is nothing to remember. */
  const forgetOne = (): void => {
    for (const [name, target] of targets) if (target.isIdle()) return void targets.delete(name);
  };

  return {
    of(candidate) {
      const name = placeName(candidate);
      const known = targets.get(name);
      if (known) return known;
      if (targets.size >= TARGETS_MAX) forgetOne();
      const made = createTarget(needs, candidate, placesOf(candidate.provider.id));
      targets.set(name, made);
      return made;
    },
    look: (candidate) => (targets.get(placeName(candidate)) ?? createTarget(needs, candidate, placesOf(candidate.provider.id))).state(),
    states: () => [...targets.values()].map((target) => target.state()).filter(({ calls }) => calls > 0),
  };
}

/**
 * What an end proves. Whoever refuses the request itself is there and answers; a limit of our rate and a bad key say nothing of whether it is well, and
 * are dealt with by waiting and by another provider.
 */
const PROVES: Record<UpstreamFault, Outcome> = {
  connect: 'failed',
  timeout: 'failed',
  failed: 'failed',
  broken: 'failed',
  rejected: 'well',
  rate_limited: 'unknown',
  unauthorized: 'unknown',
};

type Inner = {
  readonly clock: Needs['clock'];
  readonly breaker: Breaker;
  readonly firstPieces: FirstPieces;
  readonly counts: { calls: number; failures: number; inFlight: number; lastFailure: TargetState['lastFailure'] };
  readonly leavePlace: () => void;
};

function createTarget({ clock, config }: Needs, { provider: { id: provider }, model }: Candidate, places: Places): Target {
  const placesMax = (): number => config().file.providers[provider]?.max_parallel ?? Infinity;
  const leavePlace = (): void => places.leave(placesMax());
  const [breaker, budget, firstPieces] = [createBreaker(), createRetryBudget(), createFirstPieces()];
  const counts: Inner['counts'] = { calls: 0, failures: 0, inFlight: 0, lastFailure: null };
  const inner: Inner = { clock, breaker, firstPieces, counts, leavePlace };
  const isOpen = (): boolean => breaker.look(clock.monotonic()).state !== 'closed';
  /** With the place that was taken for it. */
  const entered = (more?: { readonly lastResort?: boolean }): Visit | 'open' => {
    const pass = breaker.enter(clock.monotonic(), more);
    if (pass !== null) return beginVisit(inner, pass);
    leavePlace();
    return 'open';
  };

  return {
    enter(more) {
      if (places.isFull(placesMax())) return 'full';
      places.take();
      return entered(more);
    },
    wait: (signal) => places.wait(placesMax(), signal)?.then(() => entered()) ?? null,
    count: () => budget.call(clock.monotonic()),
    takeRetry: () => budget.take(clock.monotonic()),
    isOpen,
    isIdle: () => counts.inFlight === 0 && !isOpen(),
    state() {
      const nowMs = clock.monotonic();
      const full = places.isFull(placesMax());
      return { provider, model, ...counts, full, firstPieceMs: firstPieces.median(nowMs), breaker: onTheWall(breaker.look(nowMs), clock) };
    },
  };
}

function beginVisit({ clock, counts, firstPieces, leavePlace }: Inner, pass: Pass): Visit {
  const beganAt = clock.monotonic();
  let isOver = false;
  counts.calls++;
  counts.inFlight++;
  const over = (outcome: Outcome): void => {
    if (isOver) return;
    isOver = true;
    counts.inFlight--;
    pass.over(outcome, clock.monotonic());
    leavePlace();
  };
  return {
    over,
    answered() {
      const nowMs = clock.monotonic();
      firstPieces.add(nowMs - beganAt, nowMs);
      pass.answered(nowMs);
    },
    failed({ fault, status }) {
      if (isOver) return;
      counts.failures++;
      counts.lastFailure = { at: clock.now(), fault, status };
      over(PROVES[fault]);
    },
  };
}

/** When it was, for people. */
function onTheWall({ sinceMs, ...view }: BreakerView, clock: Needs['clock']): TargetState['breaker'] {
  return { ...view, sinceMs: sinceMs === null ? null : clock.now() - (clock.monotonic() - sinceMs) };
}
