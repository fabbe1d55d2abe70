import type { App } from '../app.ts';
import type { Gateway, ListedModel, ModelCall, RunningCall } from '../app/gateway.ts';
import { AppError } from '../contract/errors.ts';
import { cacheKey } from '../core/cache-key.ts';
import { inOurWords, mayGoOn } from '../core/continuation.ts';
import { answerEvents, type EventBatches, type ModelEvent, type Usage } from '../core/events.ts';
import { orAborted } from '../core/or-aborted.ts';
import { askedOf } from '../core/target-order.ts';
import { type Closing, enterHit, openAccount } from './account.ts';
import { admit, allowedCandidates, enter, tellableCandidates } from './admit.ts';
import { createAssumedPriceNote } from './assumed-price.ts';
import { attempt } from './attempt.ts';
import { type AnswerCache, type CachedAnswer, createAnswerCache } from './cache.ts';
import { type CallLimit, callLimit } from './call-limit.ts';
import { startGoingOn } from './continuation.ts';
import { embed } from './embed.ts';
import { failedClosing } from './failed-closing.ts';
import { createFlight, type Flight } from './flight.ts';
import { chatLoad } from './load.ts';
import { meter } from './meter.ts';
import { moderate } from './moderate.ts';
import type { Head, Ready, Started, Starting } from './ready.ts';
import { choose, createSessions, type Sessions, sessionOf } from './targets-choice.ts';
import { explain } from './targets-explain.ts';
import { createTargets, type Targets } from './targets.ts';

type Needs = Omit<App, 'gateway'>;
type Core = {
  readonly needs: Needs;
  readonly cache: AnswerCache;
  readonly flights: Map<string, Promise<Airborne>>;
  readonly live: Set<CallLimit>;
  readonly targets: Targets;
  readonly sessions: Sessions;
  readonly noteAssumedPrice: ReturnType<typeof createAssumedPriceNote>;
};
type Airborne = { readonly flight: Flight; readonly head: Head; readonly said: () => object | null };

/** How a model call runs: admit, choose, look in the cache, attempt, meter. There is no other way to a provider. */
export function createGateway(needs: Needs): Gateway {
  const noteAssumedPrice = createAssumedPriceNote(needs.log);
  const [targets, sessions] = [createTargets(needs), createSessions()];
  const core: Core = { needs, cache: createAnswerCache(needs), flights: new Map(), live: new Set(), targets, sessions, noteAssumedPrice };
  return {
    run: (call) => run(core, call),
    embed: (call) => embed(core, call),
    moderate: (call) => moderate(core, call),
    resolve(model) {
      const [first] = needs.config().routes.candidates(model ?? needs.config().defaultModel);
      if (!first) throw new AppError('MODEL_NOT_FOUND');
      return { name: first.model, provider: first.provider.id, facts: first.facts };
    },
    models: () =>
      [...needs.config().routes.names].map(([name, { alias, first }]): ListedModel => {
        const { provider, facts, price, priceAssumed } = first;
        return { name, alias, provider: provider.id, facts, price, priceAssumed };
      }),
    cache: { stats: core.cache.stats, clear: core.cache.clear },
    targets: targets.states,
    explain: (asking) => explain(core, asking),
    callsInFlight: () => core.live.size,
    stop(reason) {
      for (const limit of core.live) limit.abort(reason);
    },
  };
}

async function run(core: Core, asked: ModelCall): Promise<RunningCall> {
  const { needs } = core;
  const arrivedAt = needs.clock.monotonic();
  admit(needs, asked);
  const { order, answeredBy, onCut } = choose(core, {
    call: asked,
    session: sessionOf(asked),
    asked: () => askedOf(asked.request),
    able: (all) => tellableCandidates(asked, allowedCandidates(asked, all)),
  });
  const goesOn = onCut === 'continue' && mayGoOn(asked.request);
  const call = goesOn ? { ...asked, request: inOurWords(asked.request) } : asked;
  const candidates = order.map(({ candidate }) => candidate);
  const id = call.ids.next();
  const load = chatLoad(call);
  const entering = enter(needs, { call, load, candidates });
  const permit = entering instanceof Promise ? await entering : entering;
  try {
    return await answer(core, { call, load, id, candidates, answeredBy, goesOn, arrivedAt, permit });
  } catch (cause) {
    permit.leave(0);
    throw cause;
  }
}

function answer(core: Core, ready: Ready): Promise<RunningCall> {
  const { needs, cache } = core;
  const { call, candidates } = ready;
  const [first] = candidates;
  if (!first || call.cache === 'off' || !cache.isOn()) return alone(core, ready);
  const key = cacheKey({
    projectId: call.principal.projectId,
    provider: first.provider.id,
    model: first.model,
    scope: call.templateId ?? '',
    request: call.request,
  });
  const cached = call.cache === 'use' ? cache.get(key) : null;
  if (cached) return Promise.resolve(fromCache(needs, ready, { cached, key }));
  return call.cache === 'use' ? together(core, ready, key) : store(core, ready, key);
}

/** A call that neither reads nor writes the cache. */
async function alone(core: Core, ready: Ready): Promise<RunningCall> {
  const limit = callLimit(core, ready.call);
  try {
    const { head, metered } = await start(core, ready, { signal: limit.signal, over: limit.clear, cache: 'BYPASS', key: null });
    ready.call.logFields['cache'] = 'BYPASS';
    return { ...head, cache: 'BYPASS', events: metered.batches };
  } catch (cause) {
    limit.clear();
    throw cause;
  }
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
    // What ended the leader was its own: its caller left, or its budget or limit is used up. That is no reason to fail this one.
    if (!call.signal.aborted && isItsOwn(cause)) return together(core, ready, key);
    throw cause;
  }
  call.logFields['cache'] = 'HIT';
  return followed(core.needs, ready, { airborne, key });
}

function isItsOwn(cause: unknown): boolean {
  return !(cause instanceof AppError) || cause.code === 'BUDGET_EXCEEDED' || cause.code === 'RATE_LIMIT_EXCEEDED';
}

function followed(needs: Needs, ready: Ready, { airborne, key }: { readonly airborne: Airborne; readonly key: string }): RunningCall {
  const { head, flight, said } = airborne;
  const enterOnce = (): void =>
    hit(needs, ready, {
      key,
      provider: head.provider,
      model: head.model,
      usage: head.receipt().usage,
      savedNanoUsd: head.receipt().costNanoUsd,
      said: said(),
    });
  return {
    ...head,
    limitHeaders: ready.permit.headers,
    attempts: 0,
    cache: 'HIT',
    events: thenRun(flight.follow(ready.call.signal), enterOnce),
    receipt: () => ({ usage: head.receipt().usage, costNanoUsd: 0 }),
  };
}

async function* thenRun(batches: EventBatches, run_: () => void): EventBatches {
  try {
    yield* batches;
  } finally {
    run_();
  }
}

async function takeOff(core: Core, ready: Ready, key: string, landed: () => void = () => undefined): Promise<Airborne> {
  const { call } = ready;
  const limit = callLimit(core, call, { detached: true });
  let started: Started | null = null;
  const over = (complete: boolean): void => {
    limit.clear();
    landed();
    const whole = started?.metered.fold.answer();
    if (!complete || !started || !whole || whole.finishReason === 'content_filter') return;
    const { head } = started;
    const { usage, costNanoUsd } = head.receipt();
    core.cache.put(key, call.principal.projectId, { answer: { ...whole, usage }, provider: head.provider, model: head.model, costNanoUsd });
  };
  try {
    started = await orAborted(start(core, ready, { signal: limit.signal, over, cache: 'MISS', key }), call.signal);
  } catch (cause) {
    limit.abort(cause);
    limit.clear();
    throw cause;
  }
  const { head, metered } = started;
  const flight = createFlight(metered.batches, () => limit.abort(new DOMException('nobody reads any more', 'AbortError')));
  return { head, flight, said: () => metered.fold.answer() };
}

/** Alone, or so that another goes on where it breaks off. */
function start(core: Core, ready: Ready, starting: Starting): Promise<Started> {
  if (!ready.goesOn) return startOne(core, ready, starting);
  return startGoingOn(core.needs, ready, starting, (part, more) => startOne(core, part, more));
}

async function startOne({ needs, targets, noteAssumedPrice }: Core, ready: Ready, { signal, over, cache, key }: Starting): Promise<Started> {
  const { call, candidates, arrivedAt, permit } = ready;
  const opening = openAccount(needs, { ...ready, cache, requestHash: key });
  const account = opening instanceof Promise ? await opening : opening;
  const startedAt = needs.clock.monotonic();
  const queueMs = startedAt - arrivedAt;
  try {
    const attempted = await attempt(needs, { call, candidates, targets, signal, failures: account.failures, sending: account.sending });
    ready.answeredBy(attempted.candidate);
    const metered = meter(needs, { call, attempted, account, startedAt, queueMs, signal, over });
    const { candidate, attempts } = attempted;
    noteAssumedPrice(call, candidate);
    return {
      metered,
      head: {
        model: candidate.model,
        provider: candidate.provider.id,
        attempts,
        queueMs,
        upstreamMs: metered.upstreamMs,
        receipt: metered.receipt,
        limitHeaders: permit.headers,
      },
    };
  } catch (cause) {
    account.close(failedClosing(candidates, { cause, queueMs, upstreamMs: needs.clock.monotonic() - startedAt, last: account.failures.at(-1) }));
    throw cause;
  }
}

function fromCache(needs: Needs, ready: Ready, { cached, key }: { readonly cached: CachedAnswer; readonly key: string }): RunningCall {
  const { call, arrivedAt, permit } = ready;
  const { provider, model } = cached;
  const usage = cached.answer.usage ?? { inputTokens: 0, outputTokens: 0, estimated: true };
  Object.assign(call.logFields, { cache: 'HIT', provider, model, cost_usd: 0 });
  hit(needs, ready, { key, provider, model, usage, savedNanoUsd: cached.costNanoUsd, said: cached.answer });
  return {
    model,
    provider,
    cache: 'HIT',
    attempts: 0,
    queueMs: needs.clock.monotonic() - arrivedAt,
    upstreamMs: () => 0,
    events: once(answerEvents(cached.answer)),
    receipt: () => ({ usage, costNanoUsd: 0 }),
    limitHeaders: permit.headers,
  };
}

type Hit = {
  readonly key: string;
  readonly provider: string;
  readonly model: string;
  readonly usage: Usage;
  readonly savedNanoUsd: number;
  readonly said: object | null;
};

function hit(needs: Needs, ready: Ready, { key, provider, model, usage, savedNanoUsd, said }: Hit): void {
  const opening = { ...ready, cache: 'HIT' as const, requestHash: key };
  const queueMs = needs.clock.monotonic() - ready.arrivedAt;
  const candidate = { model, provider: { id: provider } };
  const closing: Closing = { outcome: 'ok', errorCode: null, candidate, usage, costNanoUsd: 0, queueMs, firstPieceMs: null, upstreamMs: 0, answer: said };
  enterHit(needs, opening, closing, savedNanoUsd);
}

async function* once(events: readonly ModelEvent[]): EventBatches {
  yield events;
}
