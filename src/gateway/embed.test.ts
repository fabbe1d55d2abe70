import { describe, expect, test } from 'bun:test';
import { type ManualClock, manualClock } from '../../test/manual-clock.ts';
import type { App } from '../app.ts';
import type { EmbedCall, Gateway, ModerateCall } from '../app/gateway.ts';
import { AppError } from '../contract/errors.ts';
import type { Budget, CallLimits, Principal } from '../contract/policy.ts';
import { callIds } from '../core/call-ids.ts';
import { Canceller } from '../core/cancellation.ts';
import type { LedgerRow } from '../core/ledger-row.ts';
import { type Call, type EmbedAnswer, type Provider, UpstreamError, type UpstreamRequest } from '../core/provider.ts';
import { buildRoutes } from '../core/routing.ts';
import { createGateway } from './run.ts';

/** What is written down of calls that are answered in one piece. */
type World = {
  readonly gateway: Gateway;
  readonly clock: ManualClock;
  readonly entered: readonly LedgerRow[];
  /** What happened to money and limits, in order. */
  readonly told: readonly string[];
};

const EMBEDS = {
  id: 'm',
  contextTokens: 1000,
  outputTokensMax: 0,
  capabilities: ['embeddings'],
  price: { inputNanoUsd: 20, outputNanoUsd: 0, asOf: null, source: '' },
} as const;
const MODERATES = { ...EMBEDS, id: 'judge', capabilities: ['moderation'], price: { ...EMBEDS.price, inputNanoUsd: 0 } } as const;
const ANSWER: EmbedAnswer = { vectors: [[1]], inputTokens: 7 };
const LIMITS: CallLimits = { scope: 'key', id: 'key_1', rpm: null, tpm: 1000, maxParallel: null };
const BUDGET: Budget = { scope: 'key', id: 'key_1', limitNanoUsd: 1e9, period: 'total', timeZone: 'UTC' };
const KEY: Principal = {
  kind: 'key',
  keyId: 'key_1',
  keyName: 'shop',
  userId: null,
  allowedModels: null,
  allowedRoutes: null,
  projectId: 'default',
  limits: [LIMITS],
  budgets: [BUDGET],
};

const silent = (): void => undefined;
type Does = Partial<Pick<Provider, 'embed' | 'embedsAsGiven' | 'moderate' | 'models'>>;

/** Providers in this order, behind the alias `any`. */
function world(does: Record<string, Does>, state = 'ready'): World {
  const clock = manualClock();
  const providers = new Map(
    Object.entries(does).map(([id, more]): [string, Provider] => [id, Object.assign({ id, origin: null, open: false, models: [EMBEDS] }, more)]),
  );
  const [first = '', ...fallbacks] = [...providers.values()].flatMap(({ id, models }) => (models.includes(EMBEDS) ? [`${id}/m`] : []));
  const models = first === '' ? {} : { any: { targets: [first], fallbacks, strategy: 'ordered' as const, sticky: false } };
  const file = { providers: {}, models, prices: {} };
  const settings = { upstreamMaxRetries: 0, upstreamBackoffBaseS: 1, cacheMaxEntries: 0, cacheMaxBytes: 0, cacheTtlS: 60 };
  const config = { settings, file, providers, routes: buildRoutes({ providers, file, defaultModel: 'any' }), defaultModel: 'any', version: 1 };
  const entered: LedgerRow[] = [];
  const told: string[] = [];
  const needs = {
    clock,
    random: () => 0.5,
    config: () => config,
    log: { debug: silent, info: silent, warning: silent, error: silent },
    lifecycle: { startedAt: 0, state: () => state },
    ledger: {
      open: (row: LedgerRow) => told.push(`open ${row.outcome} ${row.cost_nano_usd}`),
      close: (row: LedgerRow) => entered.push(row),
    },
    bodies: { keep: silent },
    budgets: {
      reserve(_budgets: readonly Budget[], nanoUsd: number) {
        told.push(`reserve ${nanoUsd}`);
        return { settle: (cost: number) => (told.push(`settle ${cost}`), silent) };
      },
    },
    limiter: {
      enter(_limits: readonly CallLimits[], tokens: number) {
        told.push(`enter ${tokens}`);
        return { headers: {}, leave: (used: number) => void told.push(`leave ${used}`) };
      },
    },
    send: (request: UpstreamRequest) => Promise.resolve({}).finally(request.beforeSending),
  } as unknown as App;
  return { gateway: createGateway(needs), clock, entered, told };
}

function asking<Request extends object>(clock: ManualClock, request: Request, more: object = {}): EmbedCall & ModerateCall & { readonly request: Request } {
  return {
    principal: KEY,
    requestId: 'req_1',
    model: 'any',
    signal: new Canceller(),
    deadline: clock.now() + 600_000,
    logFields: {},
    route: '/v1/embeddings',
    templateId: null,
    jobId: null,
    session: undefined,
    ids: callIds('call_1', clock.now()),
    request,
    ...more,
  } as unknown as EmbedCall & ModerateCall & { readonly request: Request };
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'nothing thrown',
    (thrown: unknown) => (thrown instanceof AppError ? `${thrown.code} ${thrown.parts.field ?? ''}`.trim() : String(thrown)),
  );
}

const TEXTS = { texts: ['The gate lifts', [1, 2, 3]] };
const fails = (): Promise<EmbedAnswer> => Promise.reject(new UpstreamError('failed', 'down', { status: 503 }));
const judges = (words: string): Does => ({ moderate: () => Promise.resolve({ words, inputTokens: null }) });
const never = (): Promise<EmbedAnswer> => new Promise(() => undefined);

describe('an embedding', () => {
  test('has the worst of its input set aside, and is settled by what the provider counted', async () => {
    const embed: Provider['embed'] = async (_request, call) => {
      await call.send({ method: 'POST', url: 'x', headers: {}, signal: call.signal });
      return ANSWER;
    };
    const { gateway, clock, entered, told } = world({ a: { embed, embedsAsGiven: true } });
    const done = await gateway.embed(asking(clock, TEXTS));
    expect(done).toMatchObject({ model: 'm', provider: 'a', cache: 'BYPASS', attempts: 1, answer: ANSWER });
    expect(done.receipt()).toEqual({ usage: { inputTokens: 7, outputTokens: 0 }, costNanoUsd: 140 });
    // 3 ids and 3 tokens of text by our count; a third more and some, at 20 each.
    expect(told).toEqual(['enter 6', 'reserve 500', 'open lost 500', 'leave 7', 'settle 140']);
    expect(entered).toMatchObject([
      { outcome: 'ok', route: '/v1/embeddings', input_tokens: 7, output_tokens: 0, cost_nano_usd: 140, key_id: 'key_1', streamed: false },
    ]);
    expect(gateway.callsInFlight()).toBe(0);
  });

  test('that nobody counted is marked as estimated', async () => {
    const { gateway, clock, entered } = world({ a: { embed: () => Promise.resolve({ ...ANSWER, estimated: true }) } });
    await gateway.embed(asking(clock, { texts: ['x'] }));
    expect(entered).toMatchObject([{ estimated: true, input_tokens: 7 }]);
  });

  test('ends at its deadline, when its caller leaves, and when the service stops; then nothing is held back', async () => {
    const seen: Call['signal'][] = [];
    const embed: Provider['embed'] = (_request, { signal }) => {
      seen.push(signal);
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))));
    };
    for (const [how, outcome, error] of [
      ['deadline', 'failed', 'TIMEOUT'],
      ['caller', 'left', 'AbortError: left'],
      ['stop', 'failed', 'SERVICE_UNAVAILABLE'],
    ] as const) {
      const { gateway, clock, entered, told } = world({ a: { embed } });
      const signal = new Canceller();
      const asked = codeOf(gateway.embed(asking(clock, { texts: ['x'] }, { signal, deadline: clock.now() + 1000 })));
      await clock.advance(1);
      if (how === 'deadline') await clock.advance(1000);
      else if (how === 'caller') signal.abort(new DOMException('left', 'AbortError'));
      else gateway.stop(new AppError('SERVICE_UNAVAILABLE'));
      expect([how, await asked]).toEqual([how, error]);
      expect(seen.splice(0).map(({ aborted }) => aborted)).toEqual([true]);
      expect(entered).toMatchObject([{ outcome, cost_nano_usd: 0 }]);
      expect(told.slice(-2)).toEqual(['leave 0', 'settle 0']);
      expect(gateway.callsInFlight()).toBe(0);
    }
  });

  test('does not begin while the service drains', async () => {
    const { gateway, clock, told } = world({ a: { embed: never } }, 'draining');
    expect(await codeOf(gateway.embed(asking(clock, { texts: ['x'] })))).toBe('SERVICE_UNAVAILABLE');
    expect(told).toEqual([]);
  });

  test('goes to those that embed, and with token ids to those that can read them', async () => {
    const { gateway, clock } = world({
      chats: {},
      words: { embed: () => Promise.resolve(ANSWER) },
      ids: { embed: () => Promise.resolve(ANSWER), embedsAsGiven: true },
    });
    expect((await gateway.embed(asking(clock, { texts: ['x'] }))).provider).toBe('words');
    expect((await gateway.embed(asking(clock, { texts: [[1]] }))).provider).toBe('ids');
    expect((await gateway.embed(asking(clock, { texts: ['x'], given: { input_type: 'query' } }))).provider).toBe('ids');
    expect((await gateway.embed(asking(clock, { texts: ['x'], given: { user: 'u' } }))).provider).toBe('words');
    expect(await codeOf(gateway.embed(asking(clock, { texts: [[1]] }, { model: 'words/m' })))).toBe('INVALID_VALUE input');
    expect(await codeOf(gateway.embed(asking(clock, { texts: ['x'], given: { input_type: 'query' } }, { model: 'words/m' })))).toBe('INVALID_VALUE input_type');
    expect(await codeOf(gateway.embed(asking(clock, { texts: ['x'] }, { model: 'chats/m' })))).toBe('INVALID_VALUE model');
  });

  test('goes on to the next where one fails', async () => {
    const { gateway, clock, entered } = world({ a: { embed: fails }, b: { embed: () => Promise.resolve(ANSWER) } });
    expect(await gateway.embed(asking(clock, { texts: ['x'] }))).toMatchObject({ provider: 'b', attempts: 2 });
    expect(entered).toMatchObject([{ provider: 'b', failures: [{ provider: 'a', fault: 'failed', status: 503 }] }]);
  });
});

describe('a moderation', () => {
  test('without a model goes to the first that lists one, and sets nothing aside where it is free', async () => {
    const { gateway, clock, entered, told } = world({ silent: judges('a'), judge: { ...judges('b'), models: [MODERATES] } });
    const done = await gateway.moderate(asking(clock, { given: { input: ['The gate lifts', { type: 'text', text: 'x' }] } }, { model: undefined }));
    expect(done).toMatchObject({ provider: 'judge', model: 'judge', answer: { words: 'b' } });
    expect(told).toEqual(['enter 4', 'leave 4']);
    expect(entered).toMatchObject([{ outcome: 'ok', cost_nano_usd: 0, input_tokens: 4, asked_model: undefined }]);
  });

  test('with a model goes where that is, and nowhere else', async () => {
    const { gateway, clock } = world({ a: judges('a'), b: { ...judges('b'), models: [MODERATES] }, c: {} });
    expect((await gateway.moderate(asking(clock, { given: { input: 'x' } }, { model: 'a/m' }))).answer.words).toBe('a');
    expect(await codeOf(gateway.moderate(asking(clock, { given: { input: 'x' } }, { model: 'c/m' })))).toBe('INVALID_VALUE model');
    expect(await codeOf(world({ a: judges('a') }).gateway.moderate(asking(clock, { given: { input: 'x' } }, { model: undefined })))).toBe(
      'INVALID_VALUE model',
    );
  });
});
