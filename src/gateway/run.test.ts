import { describe, expect, test } from 'bun:test';
import { type ManualClock, manualClock } from '../../test/manual-clock.ts';
import type { App } from '../app.ts';
import type { Gateway, ModelCall, RunningCall } from '../app/gateway.ts';
import type { Said } from '../app/keeping.ts';
import { AppError } from '../contract/errors.ts';
import { ANONYMOUS } from '../contract/policy.ts';
import { callIds } from '../core/call-ids.ts';
import { foldAnswer, type ModelEvent } from '../core/events.ts';
import type { LedgerRow } from '../core/ledger-row.ts';
import { type Call, type Provider, UpstreamError } from '../core/provider.ts';
import { buildRoutes } from '../core/routing.ts';
import { createGateway } from './run.ts';

type Script = (call: Call, nth: number) => AsyncIterable<readonly ModelEvent[]>;
type World = {
  readonly gateway: Gateway;
  readonly clock: ManualClock;
  readonly calls: () => number;
  readonly entered: readonly LedgerRow[];
  readonly kept: readonly Said[];
};

const FACTS = {
  id: 'm',
  contextTokens: 1000,
  outputTokensMax: 100,
  capabilities: ['chat'],
  price: { inputNanoUsd: 150, outputNanoUsd: 600, asOf: '', source: '' },
} as const;
const USAGE: ModelEvent = { type: 'usage', usage: { inputTokens: 1000, outputTokens: 500 } };
const END: ModelEvent = { type: 'end', finishReason: 'stop' };
const text = (words: string): ModelEvent => ({ type: 'text-delta', text: words });

async function* says(...batches: (readonly ModelEvent[])[]): AsyncGenerator<readonly ModelEvent[]> {
  yield* batches;
}

async function* fails(error: Error, ...before: (readonly ModelEvent[])[]): AsyncGenerator<readonly ModelEvent[]> {
  yield* before;
  throw error;
}

/** One provider for each script, tried in that order by the alias `any`. */
function world(scripts: Record<string, Script>, settings: Record<string, unknown> = {}): World {
  const clock = manualClock();
  let calls = 0;
  const providers = new Map<string, Provider>();
  for (const [id, script] of Object.entries(scripts)) {
    providers.set(id, { id, origin: null, open: false, models: [FACTS], chat: (_request, call) => script(call, calls++) });
  }
  const [first = '', ...others] = [...providers.keys()].map((id) => `${id}/m`);
  const file = { providers: {}, models: { any: { targets: [first], fallbacks: others, strategy: 'weighted' as const, sticky: false } }, prices: {} };
  const config = {
    settings: { upstreamMaxRetries: 3, upstreamBackoffBaseS: 1, cacheMaxEntries: 100, cacheMaxBytes: 1e6, cacheTtlS: 60, ...settings },
    file,
    routes: buildRoutes({ providers, file, defaultModel: 'any' }),
    defaultModel: 'any',
    version: 1,
  };
  const log = { debug: () => undefined, info: () => undefined, warning: () => undefined, error: () => undefined };
  const [entered, kept]: [LedgerRow[], Said[]] = [[], []];
  const ledger: App['ledger'] = { open: () => ({}), close: (row) => void entered.push(row) };
  const bodies: App['bodies'] = { keep: (said) => void kept.push(said) };
  const budgets: App['budgets'] = { reserve: () => ({ settle: () => () => undefined }) };
  const needs = {
    clock,
    log,
    random: () => 0.5,
    config: () => config,
    lifecycle: { startedAt: 0, state: () => 'ready' },
    ledger,
    budgets,
    bodies,
  } as unknown as App;
  return { gateway: createGateway(needs), clock, calls: () => calls, entered, kept };
}

function asking(clock: ManualClock, more: Partial<ModelCall> = {}): ModelCall {
  return {
    principal: ANONYMOUS,
    requestId: 'req_1',
    model: undefined,
    request: { messages: [{ role: 'user', content: 'hi' }], stream: true },
    cache: 'off',
    signal: new AbortController().signal,
    deadline: clock.now() + 600_000,
    logFields: {},
    route: '/generate',
    templateId: null,
    jobId: null,
    ids: callIds('call_1', clock.now()),
    ...more,
  };
}

async function readAll(running: RunningCall): Promise<string> {
  const fold = foldAnswer();
  for await (const batch of running.events) for (const event of batch) fold.add(event);
  return fold.text();
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (thrown) {
    return thrown instanceof AppError ? thrown.code : String(thrown);
  }
  return 'nothing thrown';
}

describe('an answer', () => {
  test('costs what its tokens cost, to the nano-dollar', async () => {
    const { gateway, clock } = world({ a: () => says([text('yes')], [USAGE, END]) });
    const running = await gateway.run(asking(clock));
    expect(await readAll(running)).toBe('yes');
    expect(running.receipt().costNanoUsd).toBe(450_000);
  });

  test('without usage is counted by us, and marked as estimated', async () => {
    const { gateway, clock } = world({ a: () => says([text('yes'), END]) });
    const running = await gateway.run(asking(clock));
    await readAll(running);
    expect(running.receipt().usage.estimated).toBe(true);
    expect(running.receipt().usage.outputTokens).toBeGreaterThan(0);
  });

  test('that stops without an end is an error, and never a success', async () => {
    const { gateway, clock } = world({ a: () => says([text('half')]) });
    const running = await gateway.run(asking(clock));
    expect(await codeOf(readAll(running))).toBe('INTERNAL_ERROR');
  });
});

describe('an upstream that fails', () => {
  test('is tried again after 1, 2 and 4 seconds', async () => {
    const { gateway, clock, calls } = world({
      a: (_call, nth) => (nth < 3 ? fails(new UpstreamError('failed', '503', { status: 503 })) : says([text('at last'), END])),
    });
    const run = gateway.run(asking(clock));
    await clock.advance(6_999);
    expect(calls()).toBe(3);
    await clock.advance(1);
    const running = await run;
    expect([await readAll(running), running.attempts] as unknown[]).toEqual(['at last', 4]);
  });

  test('before its first piece is replaced by the fallback without a trace', async () => {
    const start: ModelEvent = { type: 'start', model: 'm' };
    const { gateway, clock } = world({
      a: () => fails(new UpstreamError('unauthorized', 'bad key', { status: 401 }), [start]),
      b: () => says([text('from b'), END]),
    });
    const running = await gateway.run(asking(clock));
    expect([await readAll(running), running.provider] as unknown[]).toEqual(['from b', 'b']);
  });

  test('after its first piece ends the answer with an error, and the fallback is not asked', async () => {
    const { gateway, clock, calls } = world({ a: () => fails(new UpstreamError('broken', 'cut'), [text('half')]), b: () => says([text('from b'), END]) });
    const running = await gateway.run(asking(clock));
    expect(await codeOf(readAll(running))).toBe('INTERNAL_ERROR');
    expect(calls()).toBe(1);
  });

  const faults = [
    ['rejected', 'UPSTREAM_REJECTED'],
    ['unauthorized', 'INTERNAL_ERROR'],
    ['timeout', 'TIMEOUT'],
    ['rate_limited', 'UPSTREAM_RATE_LIMITED'],
    ['failed', 'INTERNAL_ERROR'],
  ] as const;
  test.each(faults)('with %s everywhere is %s', async (fault, code) => {
    const { gateway, clock } = world({ a: () => fails(new UpstreamError(fault, 'no')) });
    const run = codeOf(gateway.run(asking(clock)));
    await clock.advance(60_000);
    expect(await run).toBe(code);
  });

  test('is not waited for past the deadline', async () => {
    const { gateway, clock, calls } = world({ a: () => fails(new UpstreamError('failed', '503')) });
    const run = codeOf(gateway.run(asking(clock, { deadline: clock.now() + 2_500 })));
    await clock.advance(2_500);
    expect(await run).toBe('INTERNAL_ERROR');
    expect(calls()).toBe(2);
  });
});

describe('a caller who leaves', () => {
  test('ends the upstream call', async () => {
    let upstream: Call['signal'] | undefined;
    const { gateway, clock } = world({
      async *a(call) {
        upstream = call.signal;
        yield [text('one')];
        await clock.sleep(60_000, call.signal);
      },
    });
    const caller = new AbortController();
    const running = await gateway.run(asking(clock, { signal: caller.signal }));
    const reading = codeOf(readAll(running));
    caller.abort();
    await reading;
    expect(upstream?.aborted).toBe(true);
    expect(gateway.callsInFlight()).toBe(0);
  });

  for (const cache of ['off', 'use'] as const) {
    test(`before anybody began to read is charged for what had come, with the cache ${cache}`, async () => {
      const { gateway, clock, entered } = world({ a: () => says([text('one two three')], [text(' four'), END]) });
      const caller = new AbortController();
      await gateway.run(asking(clock, { cache, signal: caller.signal }));
      caller.abort();
      await clock.advance(0);
      expect(entered).toMatchObject([{ outcome: 'left', estimated: true }]);
      expect(entered[0]?.cost_nano_usd).toBeGreaterThan(0);
      expect(gateway.callsInFlight()).toBe(0);
    });
  }
});

describe('the cache', () => {
  test('answers the second of two equal calls, for nothing', async () => {
    const { gateway, clock, calls } = world({ a: () => says([text('yes'), USAGE, END]) });
    await readAll(await gateway.run(asking(clock, { cache: 'use' })));
    const second = await gateway.run(asking(clock, { cache: 'use' }));
    expect([await readAll(second), second.cache, second.receipt().costNanoUsd, calls()] as unknown[]).toEqual(['yes', 'HIT', 0, 1]);
    expect(gateway.cache.stats()).toMatchObject({ size: 1, hits: 1, misses: 1, savedNanoUsd: 450_000 });
  });

  test('is not shared between projects', async () => {
    const { gateway, clock, calls } = world({ a: () => says([text('yes'), END]) });
    await readAll(await gateway.run(asking(clock, { cache: 'use' })));
    await readAll(await gateway.run(asking(clock, { cache: 'use', principal: { kind: 'anonymous', projectId: 'other', limits: [], budgets: [] } })));
    expect(calls()).toBe(2);
  });

  test('keeps no answer that broke off', async () => {
    const { gateway, clock, calls } = world({
      a: (_call, nth) => (nth === 0 ? fails(new UpstreamError('broken', 'cut'), [text('half')]) : says([text('whole'), END])),
    });
    await codeOf(gateway.run(asking(clock, { cache: 'use' })).then(readAll));
    expect(await readAll(await gateway.run(asking(clock, { cache: 'use' })))).toBe('whole');
    expect(calls()).toBe(2);
  });

  test('forgets after its time, the least recently used first when it is full, and a project on request', async () => {
    const { gateway, clock, calls } = world({ a: () => says([text('yes'), END]) }, { cacheMaxEntries: 2 });
    const ask = async (prompt: string): Promise<void> => {
      await readAll(await gateway.run(asking(clock, { cache: 'use', request: { messages: [{ role: 'user', content: prompt }], stream: false } })));
    };
    for (const prompt of ['a', 'b', 'a', 'c', 'a']) await ask(prompt);
    expect(calls()).toBe(3);
    await ask('b');
    expect(calls()).toBe(4);
    await clock.advance(60_000);
    await ask('b');
    expect(calls()).toBe(5);
    expect(gateway.cache.clear('default')).toBeGreaterThan(0);
    await ask('b');
    expect(calls()).toBe(6);
  });

  test('lets 200 equal calls at once share one upstream call, and nobody who leaves takes the others with it', async () => {
    const { promise: gate, resolve: release } = Promise.withResolvers<void>();
    const { gateway, clock, calls } = world({
      async *a() {
        await gate;
        yield [text('one ')];
        yield [text('two'), USAGE, END];
      },
    });
    const callers = Array.from({ length: 200 }, () => new AbortController());
    const runs = callers.map((caller) => gateway.run(asking(clock, { cache: 'use', signal: caller.signal })).then(readAll, () => 'left'));
    await clock.advance(1);
    for (const caller of callers.slice(100)) caller.abort(new DOMException('gone', 'AbortError'));
    release();
    const answers = await Promise.all(runs);
    expect(answers.slice(0, 100).every((answer) => answer === 'one two')).toBe(true);
    expect(answers.slice(100).every((answer) => answer === 'left')).toBe(true);
    expect(calls()).toBe(1);
  });

  test('goes on for the others when the first caller leaves before there was an answer', async () => {
    const { gateway, clock } = world({
      async *a(call) {
        await clock.sleep(1_000, call.signal);
        yield [text('yes'), END];
      },
    });
    const first = new AbortController();
    const leaving = codeOf(gateway.run(asking(clock, { cache: 'use', signal: first.signal })));
    const staying = gateway.run(asking(clock, { cache: 'use' })).then(readAll);
    await clock.advance(500);
    first.abort(new DOMException('gone', 'AbortError'));
    await leaving;
    await clock.advance(5_000);
    expect(await staying).toBe('yes');
  });
});

function toldAs({ outcome, answer }: Said): unknown[] {
  return [outcome, (answer as { text: string } | null)?.text ?? null];
}

describe('what was said is offered to be kept', () => {
  test('whole, broken off, and not at all', async () => {
    const { gateway, clock, kept } = world({
      a: (_call, nth) =>
        [says([text('whole'), END]), fails(new UpstreamError('broken', 'cut'), [text('half')]), fails(new UpstreamError('rejected', 'no', { status: 400 }))][
          nth
        ] ?? says([END]),
    });
    for (let nth = 0; nth < 3; nth++) await codeOf(gateway.run(asking(clock)).then(readAll));
    expect(kept.map(toldAs)).toEqual([
      ['ok', 'whole'],
      ['cut', 'half'],
      ['failed', null],
    ]);
    expect(kept[0]).toMatchObject({ id: 'call_1', projectId: 'default', request: { messages: [{ role: 'user', content: 'hi' }] } });
  });

  test('from the cache, and by each who shared one answer', async () => {
    const { gateway, clock, kept } = world({ a: () => says([text('yes'), END]) });
    await Promise.all([1, 2].map(async () => readAll(await gateway.run(asking(clock, { cache: 'use' })))));
    await readAll(await gateway.run(asking(clock, { cache: 'use' })));
    expect(kept.map(toldAs)).toEqual([1, 2, 3].map(() => ['ok', 'yes']));
  });
});
