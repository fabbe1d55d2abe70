import { describe, expect, test } from 'bun:test';
import { type ManualClock, manualClock } from '../../test/manual-clock.ts';
import type { App } from '../app.ts';
import { AppError } from '../contract/errors.ts';
import { Canceller } from '../core/cancellation.ts';
import { type Provider, type ProviderKey, UpstreamError, type UpstreamFault } from '../core/provider.ts';
import { buildRoutes, type Candidate } from '../core/routing.ts';
import { inTurn, type Reached } from './attempt.ts';
import { type Choice, choose, createSessions } from './targets-choice.ts';
import { createTargets, type Targets } from './targets.ts';

/** A provider with several keys, and one behind it that has one. */
type Key = { readonly id: string; readonly weight?: number; readonly rpm?: number; readonly maxParallel?: number };
type Doing = 'answers' | UpstreamFault | { readonly retryAfterMs: number } | Promise<void>;
type World = {
  readonly clock: ManualClock;
  readonly targets: Targets;
  readonly does: Record<string, Doing>;
  /** By which key it was asked, or whom it was that has none. */
  readonly asked: string[];
  readonly choice: (session?: string) => Choice;
  readonly call: (more?: { readonly session?: string; readonly leftMs?: number }) => Promise<Reached<string> | AppError>;
  readonly ids: (calls: number, session?: string) => Promise<string[]>;
};
type Making = { readonly fallback?: boolean; readonly sticky?: boolean; readonly providerMax?: number; readonly retries?: number };

const FACTS = { id: 'm', contextTokens: 1000, outputTokensMax: 100, capabilities: ['chat'] } as const;
const PRICE = { inputNanoUsd: 1, outputNanoUsd: 1, asOf: null, source: '' };

const alone = (id: string): Provider => ({ id, origin: null, open: true, models: [{ ...FACTS, price: PRICE }] });

function world(keys: readonly Key[], { fallback = false, sticky = false, providerMax, retries = 0 }: Making = {}): World {
  const clock = manualClock();
  const byKey = keys.map(({ id, weight = 1, rpm = null, maxParallel = null }) => ({ key: { name: id, id, weight, rpm, maxParallel }, provider: alone('p') }));
  const providers = new Map<string, Provider>([
    ['p', { ...alone('p'), byKey }],
    ['b', alone('b')],
  ]);
  const models = { any: { targets: ['p/m'], fallbacks: fallback ? ['b/m'] : [], strategy: 'ordered' as const, sticky } };
  const config = {
    routes: buildRoutes({ providers, file: { models, prices: {} }, defaultModel: 'any' }),
    defaultModel: 'any',
    file: { providers: providerMax === undefined ? {} : { p: { max_parallel: providerMax } } },
    settings: { upstreamMaxRetries: retries, upstreamBackoffBaseS: 1, logPrompts: false },
  };
  let seed = 7;
  // The same in every run (Park and Miller).
  const random = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
  const needs = { clock, config: () => config, random, log: { warning: () => undefined } } as unknown as App;
  const [targets, sessions] = [createTargets(needs), createSessions()];
  const does: Record<string, Doing> = {};
  const asked: string[] = [];

  const choice: World['choice'] = (session) => {
    const call = { principal: { kind: 'anonymous', projectId: 'default', limits: [], budgets: [] } as const, model: 'any' };
    return choose({ needs, targets, sessions }, { call, session, asked: () => ({ inputTokens: 1, maxTokens: 1, capabilities: [] }), able: (all) => all });
  };
  const ask = async ({ provider, key }: Candidate): Promise<string> => {
    const id = key?.id ?? provider.id;
    asked.push(id);
    const doing = does[id] ?? 'answers';
    if (doing instanceof Promise) await doing;
    else if (typeof doing === 'object') throw new UpstreamError('rate_limited', 'limited', doing);
    else if (doing !== 'answers') throw new UpstreamError(doing, doing);
    return id;
  };
  const call: World['call'] = async ({ session, leftMs = 600_000 } = {}) => {
    const { order, answeredBy } = choice(session);
    const candidates = order.map(({ candidate }) => candidate);
    const trying = { call: { requestId: 'req', deadline: clock.now() + leftMs }, candidates, targets, signal: new Canceller(), failures: [] };
    try {
      const reached = await inTurn(needs, { ...trying, sending: () => undefined }, ask);
      answeredBy(reached.candidate);
      return reached;
    } catch (thrown) {
      if (thrown instanceof AppError) return thrown;
      throw thrown;
    }
  };
  const ids: World['ids'] = async (calls, session) => {
    const answered: string[] = [];
    for (let count = 0; count < calls; count++) answered.push(await ended(call(session === undefined ? {} : { session })));
    return answered;
  };
  return { clock, targets, does, asked, choice, call, ids };
}

async function ended(calling: ReturnType<World['call']>): Promise<string> {
  const reached = await calling;
  if (reached instanceof AppError) return reached.code;
  reached.visit.over('well');
  return reached.said;
}

function times(asked: readonly string[], id: string): number {
  return asked.filter((each) => each === id).length;
}

function first({ choice }: World, session: string): string {
  return choice(session).order[0]?.candidate.key?.id ?? '';
}

const TWO = [{ id: 'k1' }, { id: 'k2' }];

describe('calls of a provider with several keys', () => {
  test('are spread by their weights', async () => {
    const { ids } = world([{ id: 'k1', weight: 3 }, { id: 'k2' }]);
    const answered = await ids(1000);
    expect(times(answered, 'k1')).toBeGreaterThan(690);
    expect(times(answered, 'k1')).toBeLessThan(810);
    expect(times(answered, 'k1') + times(answered, 'k2')).toBe(1000);
  });

  test('go to the one that has less to do', async () => {
    const { clock, does, call, asked } = world(TWO);
    const gate = Promise.withResolvers<void>();
    does['k1'] = gate.promise;
    const all: Promise<string>[] = [];
    for (let count = 0; count < 200; count++) {
      all.push(ended(call()));
      await clock.advance(0);
    }
    expect(times(asked, 'k1')).toBeGreaterThan(5);
    expect(times(asked, 'k1')).toBeLessThan(35);
    gate.resolve();
    await Promise.all(all);
  });
});

describe('a key whose rate is used up', () => {
  test('is left alone for as long as its provider says, while the others go on', async () => {
    const { clock, does, asked, ids, targets, choice } = world(TWO);
    does['k1'] = { retryAfterMs: 5000 };
    expect(await ids(20)).toEqual(Array<string>(20).fill('k2'));
    expect(times(asked, 'k1')).toBe(1);
    const limited = choice().order.find(({ candidate }) => candidate.key?.id === 'k1')?.candidate as Candidate;
    expect(targets.look(limited)).toMatchObject({ restMs: 5000, failures: 1, breaker: { state: 'closed' }, lastFailure: { fault: 'rate_limited' } });
    does['k1'] = 'answers';
    await clock.advance(4999);
    expect(times(await ids(20), 'k1')).toBe(0);
    await clock.advance(1);
    expect(times(await ids(20), 'k1')).toBeGreaterThan(4);
  });

  test('leaves its calls to a fallback where all are so, and to who waits where there is none', async () => {
    const withFallback = world(TWO, { fallback: true });
    withFallback.does['k1'] = withFallback.does['k2'] = { retryAfterMs: 5000 };
    expect(await withFallback.ids(10)).toEqual(Array<string>(10).fill('b'));
    expect(withFallback.asked.filter((id) => id !== 'b').toSorted()).toEqual(['k1', 'k2']);

    const { clock, does, asked, call, ids } = world(TWO, { retries: 3 });
    does['k1'] = { retryAfterMs: 5000 };
    does['k2'] = { retryAfterMs: 3000 };
    const waiting = [call(), call(), call()].map(ended);
    await clock.advance(2999);
    expect(asked.length).toBeLessThanOrEqual(6);
    const seen = asked.length;
    does['k1'] = does['k2'] = 'answers';
    const late = ended(call());
    expect(await ended(call({ leftMs: 0.5 }))).toBe('UPSTREAM_RATE_LIMITED');
    expect(asked.length).toBe(seen);
    await clock.advance(1001);
    expect(await late).toBe('k2');
    await clock.advance(10_000);
    for (const answered of await Promise.all(waiting)) expect(['k1', 'k2']).toContain(answered);
    expect((await ids(10)).every((id) => id.startsWith('k'))).toBe(true);
  });

  test('for longer than a caller should wait is said at once, with when to come again', async () => {
    const { does, asked, call } = world(TWO);
    does['k1'] = { retryAfterMs: 90_000 };
    does['k2'] = { retryAfterMs: 60_000 };
    expect(await call()).toMatchObject({ code: 'UPSTREAM_RATE_LIMITED' });
    const refused = await call();
    expect(refused).toMatchObject({
      code: 'UPSTREAM_RATE_LIMITED',
      parts: { retryAfterMs: 60_000, details: { upstream: { targets: ['p/m'], state: 'resting' } } },
    });
    expect(asked.length).toBe(2);
  });
});

describe('a key that its provider does not take', () => {
  test('is out at once, tried by one call at a time, and the others go on', async () => {
    const { clock, does, asked, ids, call } = world(TWO);
    does['k1'] = 'unauthorized';
    expect(await ids(20)).toEqual(Array<string>(20).fill('k2'));
    expect(times(asked, 'k1')).toBe(1);
    await clock.advance(1000);
    const gate = Promise.withResolvers<void>();
    does['k1'] = gate.promise;
    const many = Array.from({ length: 30 }, () => ended(call()));
    expect(times(asked, 'k1')).toBe(2);
    gate.resolve();
    expect(times(await Promise.all(many), 'k1')).toBe(1);
    expect(times(await ids(20), 'k1')).toBeGreaterThan(4);
  });

  test('is an error where there is no other, and does not keep the fallback from being asked', async () => {
    const { does, ids } = world(TWO);
    does['k1'] = does['k2'] = 'unauthorized';
    expect(await ids(1)).toEqual(['INTERNAL_ERROR']);
    const other = world(TWO, { fallback: true });
    other.does['k1'] = other.does['k2'] = 'unauthorized';
    expect(await other.ids(5)).toEqual(Array<string>(5).fill('b'));
    expect(other.asked.length).toBe(7);
  });
});

describe('a provider that fails by whatever key', () => {
  test('gets no more retries for having several', async () => {
    const { clock, does, asked, call } = world(TWO, { fallback: true, retries: 3 });
    does['k1'] = does['k2'] = 'failed';
    const calls = Array.from({ length: 400 }, () => ended(call()));
    await clock.advance(20_000);
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['b']));
    expect(asked.length - times(asked, 'b')).toBeLessThanOrEqual(440);
  });

  test('is asked by another key again where one is out, within the retries of one place', async () => {
    const { clock, does, asked, call, targets, choice } = world(TWO, { retries: 3 });
    does['k1'] = does['k2'] = 'failed';
    const failing = ended(call());
    await clock.advance(20_000);
    expect([await failing, asked.length]).toEqual(['INTERNAL_ERROR', 4]);
    expect(choice().order.reduce((sum, { candidate }) => sum + targets.look(candidate).failures, 0)).toBe(4);
  });
});

describe('the bounds of a key', () => {
  test('calls a minute are held, over a window that moves, and the others take what is more', async () => {
    const { clock, asked, ids, call } = world(
      [
        { id: 'k1', rpm: 3 },
        { id: 'k2', rpm: 5 },
      ],
      { fallback: true },
    );
    const answered = await ids(20);
    expect([times(answered, 'k1'), times(answered, 'k2'), times(answered, 'b')]).toEqual([3, 5, 12]);
    await clock.advance(59_999);
    expect(await ids(1)).toEqual(['b']);
    await clock.advance(1);
    const more = await ids(20);
    expect([times(more, 'k1'), times(more, 'k2')]).toEqual([3, 5]);
    expect(asked.length).toBe(41);
    expect(await ended(call())).toBe('b');
  });

  test('and where there is no other, a call waits for one of them, or hears at once that it would be too long', async () => {
    const { clock, ids, call } = world([
      { id: 'k1', rpm: 1 },
      { id: 'k2', rpm: 1 },
    ]);
    expect((await ids(2)).toSorted()).toEqual(['k1', 'k2']);
    expect(await call()).toMatchObject({ code: 'UPSTREAM_RATE_LIMITED', parts: { retryAfterMs: 60_000 } });
    await clock.advance(45_000);
    const waiting = Array.from({ length: 3 }, () => ended(call()));
    await clock.advance(15_000);
    expect((await Promise.all(waiting.slice(0, 2))).toSorted()).toEqual(['k1', 'k2']);
    expect(await waiting[2]).toBe('UPSTREAM_RATE_LIMITED');
  });

  test('are those of the configuration in force', async () => {
    const { ids, choice, targets } = world([{ id: 'k1', rpm: 2 }]);
    await ids(2);
    const way = choice().order[0]?.candidate as Candidate & { readonly key: ProviderKey };
    const restWith = (rpm: number): number => targets.of({ ...way, key: { ...way.key, rpm } }).restMs();
    expect([2, 3, 2].map(restWith)).toEqual([60_000, 0, 60_000]);
  });

  test('calls at a time are held besides those of the provider, and waited for', async () => {
    const { clock, does, asked, call, targets, choice } = world(
      [
        { id: 'k1', maxParallel: 2 },
        { id: 'k2', maxParallel: 5 },
      ],
      { providerMax: 6 },
    );
    const gate = Promise.withResolvers<void>();
    does['k1'] = does['k2'] = gate.promise;
    const all = Array.from({ length: 30 }, () => ended(call()));
    await clock.advance(0);
    expect(asked.length).toBe(6);
    expect(times(asked, 'k1')).toBeLessThanOrEqual(2);
    gate.resolve();
    const answered = await Promise.all(all);
    expect(times(answered, 'k1') + times(answered, 'k2')).toBe(30);
    for (const { candidate } of choice().order) expect(targets.look(candidate)).toMatchObject({ inFlight: 0, full: false });
  });
});

describe('a session of an alias that is sticky', () => {
  test('stays with its key, on every process, and goes over to another where that is out', async () => {
    const keys = ['k1', 'k2', 'k3'].map((id) => ({ id }));
    const [one, other] = [world(keys, { sticky: true }), world(keys, { sticky: true })];
    const sessions = Array.from({ length: 300 }, (_, index) => `session ${index}`);
    const firsts = sessions.map((session) => first(one, session));
    expect(sessions.map((session) => first(other, session))).toEqual(firsts);
    for (const { id } of keys) expect(times(firsts, id)).toBeGreaterThan(60);

    const mine = sessions.find((_, index) => firsts[index] === 'k2') ?? '';
    expect(await one.ids(5, mine)).toEqual(Array<string>(5).fill('k2'));
    one.does['k2'] = { retryAfterMs: 1000 };
    const [moved = ''] = await one.ids(1, mine);
    expect(['k1', 'k3']).toContain(moved);
    await one.clock.advance(2000);
    one.does['k2'] = 'answers';
    expect(await one.ids(5, mine)).toEqual(Array<string>(5).fill(moved));
    expect(one.choice(mine).order[0]?.keyReason).toBe('session');
  });

  test('moves only with its own key, when one is taken away', () => {
    const all = world(
      ['k1', 'k2', 'k3'].map((id) => ({ id })),
      { sticky: true },
    );
    const fewer = world(
      ['k1', 'k2'].map((id) => ({ id })),
      { sticky: true },
    );
    const sessions = Array.from({ length: 200 }, (_, index) => `session ${index}`);
    for (const session of sessions) {
      const [before, after] = [first(all, session), first(fewer, session)];
      if (before !== 'k3') expect(after).toBe(before);
    }
  });
});
