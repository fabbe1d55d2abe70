import type { App, Gateway, ListedModel, ModelCall, RunningCall } from '../app.ts';
import { AppError } from '../contract/errors.ts';
import { cacheKey } from '../core/cache-key.ts';
import { type Cancellation, Canceller } from '../core/cancellation.ts';
import { answerEvents, type EventBatches, type ModelEvent } from '../core/events.ts';
import { orAborted } from '../core/or-aborted.ts';
import type { Candidate } from '../core/routing.ts';
import { admit } from './admit.ts';
import { attempt } from './attempt.ts';
import { type AnswerCache, type CachedAnswer, createAnswerCache } from './cache.ts';
import { createFlight, type Flight } from './flight.ts';
import { meter, type Metered } from './meter.ts';

type Needs = Omit<App, 'gateway'>;
type Core = { readonly needs: Needs; readonly cache: AnswerCache; readonly flights: Map<string, Promise<Airborne>>; readonly live: Set<CallLimit> };
type Ready = { readonly call: ModelCall; readonly candidates: readonly Candidate[]; readonly arrivedAt: number };
type Airborne = { readonly flight: Flight; readonly head: Head };
type Head = Pick<RunningCall, 'model' | 'provider' | 'attempts' | 'queueMs' | 'upstreamMs' | 'receipt'>;

/** How a model call runs: admit, choose, look in the cache, attempt, meter. There is no other way to a provider. */
export function createGateway(needs: Needs): Gateway {
  const core: Core = { needs, cache: createAnswerCache(needs), flights: new Map(), live: new Set() };
  return {
    run: (call) => run(core, call),
    resolve(model) {
      const [first] = needs.config().routes.candidates(model ?? needs.config().defaultModel, () => 0);
      if (!first) throw new AppError('MODEL_NOT_FOUND');
      return { name: first.model, provider: first.provider.id, facts: first.facts };
    },
    models: () =>
      [...needs.config().routes.names].map(([name, { alias, first }]): ListedModel => ({ name, alias, provider: first.provider.id, facts: first.facts })),
    cache: { stats: core.cache.stats, clear: core.cache.clear },
    callsInFlight: () => core.live.size,
    stop(reason) {
      for (const limit of core.live) limit.abort(reason);
    },
  };
}

async function run(core: Core, call: ModelCall): Promise<RunningCall> {
  const { needs, cache } = core;
  const arrivedAt = needs.clock.monotonic();
  admit(needs, call);
  const { routes, defaultModel } = needs.config();
  const candidates = routes.candidates(call.model ?? defaultModel, needs.random);
  const ready: Ready = { call, candidates, arrivedAt };
  const [first] = candidates;
  if (!first || call.cache === 'off' || !cache.isOn()) return alone(core, ready);

  const key = cacheKey({
    projectId: call.principal.projectId,
    provider: first.provider.id,
    model: first.model,
    scope: call.cacheScope ?? '',
    request: call.request,
  });
  const cached = call.cache === 'use' ? cache.get(key) : null;
  if (cached) return fromCache(needs, ready, cached);
  return call.cache === 'use' ? together(core, ready, key) : store(core, ready, key);
}

/** A call that neither reads nor writes the cache. */
async function alone(core: Core, ready: Ready): Promise<RunningCall> {
  const limit = callLimit(core, ready.call);
  const { head, metered } = await start(core, ready, { signal: limit.signal, over: limit.clear }).catch((cause: unknown) => {
    limit.clear();
    throw cause;
  });
  ready.call.logFields['cache'] = 'BYPASS';
  return { ...head, cache: 'BYPASS', events: { [Symbol.asyncIterator]: () => metered.batches } };
}

/** A call whose answer is kept, without a look at what is there. */
async function store(core: Core, ready: Ready, key: string): Promise<RunningCall> {
  const airborne = await takeOff(core, ready, key);
  ready.call.logFields['cache'] = 'MISS';
  return { ...airborne.head, cache: 'MISS', events: airborne.flight.follow(ready.call.signal) };
}

/** Equal calls at the same time share one upstream call: the first leads and pays, the others read along. */
async function together(core: Core, ready: Ready, key: string): Promise<RunningCall> {
  const { call } = ready;
  const leading = core.flights.get(key);
  if (!leading) {
    const takingOff = takeOff(core, ready, key, () => core.flights.delete(key));
    core.flights.set(key, takingOff);
    takingOff.catch(() => core.flights.delete(key));
    const { flight, head } = await takingOff;
    call.logFields['cache'] = 'MISS';
    return { ...head, cache: 'MISS', events: flight.follow(call.signal) };
  }
  let airborne: Airborne;
  try {
    airborne = await orAborted(leading, call.signal);
  } catch (cause) {
    // The leader's caller left before there was an answer: that is no reason to fail this one.
    if (!call.signal.aborted && !(cause instanceof AppError)) return together(core, ready, key);
    throw cause;
  }
  call.logFields['cache'] = 'HIT';
  return {
    ...airborne.head,
    attempts: 0,
    cache: 'HIT',
    events: airborne.flight.follow(call.signal),
    receipt: () => ({ usage: airborne.head.receipt().usage, costNanoUsd: 0 }),
  };
}

async function takeOff(core: Core, ready: Ready, key: string, landed: () => void = () => undefined): Promise<Airborne> {
  const { call } = ready;
  const limit = callLimit(core, call, { detached: true });
  let started: Started | null = null;
  const over = (complete: boolean): void => {
    limit.clear();
    landed();
    const answer = started?.metered.fold.answer();
    if (!complete || !started || !answer || answer.finishReason === 'content_filter') return;
    const { head } = started;
    const { usage, costNanoUsd } = head.receipt();
    core.cache.put(key, call.principal.projectId, { answer: { ...answer, usage }, provider: head.provider, model: head.model, costNanoUsd });
  };
  try {
    started = await orAborted(start(core, ready, { signal: limit.signal, over }), call.signal);
  } catch (cause) {
    limit.abort(cause);
    limit.clear();
    throw cause;
  }
  return { head: started.head, flight: createFlight(started.metered.batches, () => limit.abort(new DOMException('nobody reads any more', 'AbortError'))) };
}

type Started = { readonly head: Head; readonly metered: Metered };

async function start(
  core: Core,
  { call, candidates, arrivedAt }: Ready,
  { signal, over }: { readonly signal: Cancellation; readonly over: (complete: boolean) => void },
): Promise<Started> {
  const { needs } = core;
  const startedAt = needs.clock.monotonic();
  const attempted = await attempt(needs, { call, candidates, signal });
  const metered = meter(needs, { call, attempted, startedAt, over });
  const { candidate, attempts } = attempted;
  return {
    metered,
    head: {
      model: candidate.model,
      provider: candidate.provider.id,
      attempts,
      queueMs: startedAt - arrivedAt,
      upstreamMs: metered.upstreamMs,
      receipt: metered.receipt,
    },
  };
}

type CallLimit = { readonly signal: Cancellation; readonly abort: (reason: unknown) => void; readonly clear: () => void };

/** Ends a call at its deadline, and when its caller leaves; a shared one (`detached`) outlives the caller who began it. */
function callLimit({ needs, live }: Core, call: ModelCall, { detached = false }: { readonly detached?: boolean } = {}): CallLimit {
  const canceller = new Canceller();
  const leave = (): void => canceller.abort(call.signal.reason);
  const cancel = needs.clock.after(Math.max(0, call.deadline - needs.clock.now()), () => {
    canceller.abort(new AppError('TIMEOUT', { message: 'The answer took longer than the time that the caller or REQUEST_TIMEOUT_S allows' }));
  });
  if (!detached) {
    if (call.signal.aborted) leave();
    else call.signal.addEventListener('abort', leave, { once: true });
  }
  const limit: CallLimit = {
    signal: canceller,
    abort: (reason) => canceller.abort(reason),
    clear: () => {
      live.delete(limit);
      cancel();
      if (!detached) call.signal.removeEventListener('abort', leave);
    },
  };
  live.add(limit);
  return limit;
}

function fromCache(needs: Needs, { call, arrivedAt }: Ready, cached: CachedAnswer): RunningCall {
  const usage = cached.answer.usage ?? { inputTokens: 0, outputTokens: 0, estimated: true };
  Object.assign(call.logFields, { cache: 'HIT', provider: cached.provider, model: cached.model, cost_usd: 0 });
  return {
    model: cached.model,
    provider: cached.provider,
    cache: 'HIT',
    attempts: 0,
    queueMs: needs.clock.monotonic() - arrivedAt,
    upstreamMs: () => 0,
    events: once(answerEvents(cached.answer)),
    receipt: () => ({ usage, costNanoUsd: 0 }),
  };
}

async function* once(events: readonly ModelEvent[]): EventBatches {
  yield events;
}
