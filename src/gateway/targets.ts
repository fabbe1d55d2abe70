import type { App } from '../app.ts';
import type { TargetState } from '../app/gateway.ts';
import { type Breaker, type BreakerView, createBreaker, type Outcome, type Pass } from '../core/breaker.ts';
import type { Cancellation } from '../core/cancellation.ts';
import { createFirstPieces, type FirstPieces } from '../core/first-pieces.ts';
import type { UpstreamError, UpstreamFault } from '../core/provider.ts';
import { createRetryBudget, type RetryBudget } from '../core/retry-budget.ts';
import { type Candidate, wayName } from '../core/routing.ts';
import { createKeyGates, type KeyGate } from './targets-keys.ts';
import { createPlaces, type Places } from './targets-places.ts';

/** What this process knows of every place that was called, by provider, model and key: how well it is, how soon it answers, what it has to do. */
export type Targets = {
  readonly of: (candidate: Candidate) => Target;
  /** What is known of it, without remembering that anybody asked. */
  readonly look: (candidate: Candidate) => TargetState;
  readonly inFlight: (candidate: Candidate) => number;
  /** Of those that were called. */
  readonly states: () => readonly TargetState[];
};

export type Target = {
  /** An attempt at it, or why there cannot be one now. The last resort is asked although it is not well, one call at a time. */
  readonly enter: (more?: LastResort) => Visit | NoEntry;
  /** Waits until it has a place, or its key may be used again, and enters then, if it can; null where that is too long, or too many wait. */
  readonly wait: (waiting: Waiting) => Promise<Visit | NoEntry> | null;
  /** A call came to it, which is none that is tried again. */
  readonly count: () => void;
  /** Takes one out of the retries that may be made of its calls. */
  readonly takeRetry: () => boolean;
  readonly isOpen: () => boolean;
  /** Until its key may be used again, where it is one of several; 0 where it may. */
  readonly restMs: () => number;
  readonly isIdle: () => boolean;
  readonly inFlight: () => number;
  readonly state: () => TargetState;
};

type LastResort = { readonly lastResort?: boolean };
/** `resting`: its key is not to be used for a while. */
type NoEntry = 'open' | 'full' | 'resting';
/** Who waits, and until when: Unix milliseconds. */
export type Waiting = { readonly signal: Cancellation; readonly call: { readonly deadline: number } };

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
  const gates = createKeyGates(TARGETS_MAX);

  const placesOf = (provider: string): Places => {
    const known = places.get(provider) ?? createPlaces(() => needs.config().file.providers[provider]?.max_parallel ?? Infinity);
    places.set(provider, known);
    return known;
  };
  const make = (candidate: Candidate): Target => {
    const ofProvider = placesOf(candidate.provider.id);
    const { key } = candidate;
    return key === undefined
      ? createTarget(needs, candidate, { places: ofProvider, budget: createRetryBudget(), gate: null })
      : createTarget(needs, candidate, gates.of({ ...candidate, key }, ofProvider));
  };
  /** The oldest of which there is nothing to remember. */
  const forgetOne = (): void => {
    for (const [name, target] of targets) if (target.isIdle()) return void targets.delete(name);
  };

  return {
    of(candidate) {
      const name = wayName(candidate);
      if (candidate.key !== undefined) gates.bound(candidate.provider.id, candidate.key);
      const known = targets.get(name);
      if (known) return known;
      if (targets.size >= TARGETS_MAX) forgetOne();
      const made = make(candidate);
      targets.set(name, made);
      return made;
    },
    look: (candidate) => (targets.get(wayName(candidate)) ?? make(candidate)).state(),
    inFlight: (candidate) => targets.get(wayName(candidate))?.inFlight() ?? 0,
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

/** What a place has to do with others: the places of its provider and key, and the retries of all keys of it. */
type Shared = { readonly places: Places; readonly budget: RetryBudget; /** Null where its provider has one key. */ readonly gate: KeyGate | null };
type Inner = Pick<Shared, 'places' | 'gate'> & {
  readonly clock: Needs['clock'];
  readonly breaker: Breaker;
  readonly firstPieces: FirstPieces;
  readonly counts: { calls: number; failures: number; inFlight: number; lastFailure: TargetState['lastFailure'] };
};

/** A caller has better things to do than to wait longer for a key. */
const REST_WAITED_MAX_MS = 20_000;
/** So many callers wait for a key, and come all at once when it may be used again. */
const WAITING_MAX = 64;

function createTarget({ clock }: Needs, candidate: Candidate, { places, budget, gate }: Shared): Target {
  const [breaker, firstPieces] = [createBreaker(), createFirstPieces()];
  const counts: Inner['counts'] = { calls: 0, failures: 0, inFlight: 0, lastFailure: null };
  const inner: Inner = { clock, breaker, firstPieces, counts, places, gate };
  let waiting = 0;
  const isOpen = (): boolean => breaker.look(clock.monotonic()).state !== 'closed';
  const restMs = (): number => (gate === null ? 0 : gate.restMs(clock.monotonic()));
  /** With the place that was taken for it. */
  const entered = (more?: LastResort): Visit | NoEntry => {
    // Where it waited for its place, others may have used the key up.
    const why = restMs() > 0 ? 'resting' : 'open';
    const pass = why === 'open' ? breaker.enter(clock.monotonic(), more) : null;
    if (pass !== null) return beginVisit(inner, pass);
    places.leave();
    return why;
  };
  const enter = (more?: LastResort): Visit | NoEntry => {
    if (restMs() > 0) return 'resting';
    if (places.isFull()) return 'full';
    places.take();
    return entered(more);
  };

  return {
    enter,
    wait({ signal, call: { deadline } }) {
      const ms = restMs();
      if (ms === 0) return places.wait(signal)?.then((has) => (has ? entered() : 'full')) ?? null;
      if (ms > REST_WAITED_MAX_MS || waiting >= WAITING_MAX || clock.now() + ms >= deadline) return null;
      waiting++;
      return clock
        .sleep(ms, signal)
        .then(() => enter())
        .finally(() => waiting--);
    },
    count: () => budget.call(clock.monotonic()),
    takeRetry: () => budget.take(clock.monotonic()),
    isOpen,
    restMs,
    isIdle: () => counts.inFlight === 0 && restMs() === 0 && !isOpen(),
    inFlight: () => counts.inFlight,
    state: () => stateOf(candidate, inner),
  };
}

function beginVisit({ clock, counts, firstPieces, places, gate }: Inner, pass: Pass): Visit {
  const beganAt = clock.monotonic();
  let isOver = false;
  counts.calls++;
  counts.inFlight++;
  gate?.used(beganAt);
  const over = (outcome: Outcome): void => {
    if (isOver) return;
    isOver = true;
    counts.inFlight--;
    pass.over(outcome, clock.monotonic());
    places.leave();
  };
  return {
    over,
    answered() {
      const nowMs = clock.monotonic();
      firstPieces.add(nowMs - beganAt, nowMs);
      pass.answered(nowMs);
      gate?.answered(nowMs);
    },
    failed({ fault, status, retryAfterMs }) {
      if (isOver) return;
      counts.failures++;
      counts.lastFailure = { at: clock.now(), fault, status };
      if (fault === 'rate_limited') gate?.limited(retryAfterMs, clock.monotonic());
      // There is another key, and who finds out whether this one is good again is one call at a time.
      over(gate !== null && fault === 'unauthorized' ? 'barred' : PROVES[fault]);
    },
  };
}

function stateOf({ provider, model, key }: Candidate, { clock, breaker, firstPieces, counts, places, gate }: Inner): TargetState {
  const nowMs = clock.monotonic();
  return {
    provider: provider.id,
    model,
    key: key ?? null,
    ...counts,
    full: places.isFull(),
    restMs: gate?.restMs(nowMs) ?? 0,
    firstPieceMs: firstPieces.median(nowMs),
    breaker: onTheWall(breaker.look(nowMs), clock),
  };
}

/** When it was, for people. */
function onTheWall({ sinceMs, ...view }: BreakerView, clock: Needs['clock']): TargetState['breaker'] {
  return { ...view, sinceMs: sinceMs === null ? null : clock.now() - (clock.monotonic() - sinceMs) };
}
