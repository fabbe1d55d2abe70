import { describe, expect, test } from 'bun:test';
import { type ManualClock, manualClock } from '../../test/manual-clock.ts';
import type { App } from '../app.ts';
import { AppError } from '../contract/errors.ts';
import { Canceller } from '../core/cancellation.ts';
import { type Provider, UpstreamError, type UpstreamFault } from '../core/provider.ts';
import { buildRoutes, type Candidate, type Plan } from '../core/routing.ts';
import { inTurn, type Reached } from './attempt.ts';
import { choose, createSessions } from './targets-choice.ts';
import { createTargets, type Targets } from './targets.ts';

/** What a place does with its calls: answers at once, fails, or answers when it is told to. */
type Doing = 'answers' | UpstreamFault | Promise<void>;
type World = {
  readonly clock: ManualClock;
  readonly targets: Targets;
  readonly does: Record<string, Doing>;
  /** Who was asked, in order. */
  readonly asked: string[];
  /** Answers who answered, or the code of the error. An answer lasts until `visit.over`. */
  readonly call: (more?: Calling) => Promise<Reached<string> | string>;
  readonly ids: (calls: number) => Promise<string[]>;
};
type Calling = { readonly places?: readonly string[]; readonly signal?: Canceller };

const candidate = (id: string): Candidate => ({
  provider: { id, origin: null, open: true, models: [] } satisfies Provider,
  model: 'm',
  facts: { id: 'm', contextTokens: 1000, outputTokensMax: 100, capabilities: ['chat'] },
  price: { inputNanoUsd: 1, outputNanoUsd: 1, asOf: null, source: '' },
  priceAssumed: false,
});

function world(places: readonly string[], { maxParallel = {}, retries = 3 }: { maxParallel?: Record<string, number>; retries?: number } = {}): World {
  const clock = manualClock();
  const providers = Object.fromEntries(Object.entries(maxParallel).map(([id, max]) => [id, { max_parallel: max }]));
  const config = { settings: { upstreamMaxRetries: retries, upstreamBackoffBaseS: 1, logPrompts: false }, file: { providers } };
  const log = { warning: () => undefined };
  const needs = { clock, log, random: () => 0.5, config: () => config } as unknown as App;
  const targets = createTargets(needs);
  const does: Record<string, Doing> = {};
  const asked: string[] = [];

  const ask = async ({ provider: { id } }: Candidate): Promise<string> => {
    asked.push(id);
    const doing = does[id] ?? 'answers';
    if (doing instanceof Promise) await doing;
    else if (doing !== 'answers') throw new UpstreamError(doing, doing);
    return id;
  };
  const call: World['call'] = async ({ places: own = places, signal = new Canceller() } = {}) => {
    const trying = {
      call: { requestId: 'req', deadline: clock.now() + 600_000 },
      candidates: own.map(candidate),
      targets,
      signal,
      failures: [],
      sending: () => undefined,
    };
    try {
      return await inTurn(needs, trying, ask);
    } catch (thrown) {
      return thrown instanceof AppError ? thrown.code : String(thrown);
    }
  };
  return {
    clock,
    targets,
    does,
    asked,
    call,
    /** One after the other, each to its end. */
    async ids(calls) {
      const answered: string[] = [];
      for (let count = 0; count < calls; count++) answered.push(await ended(call()));
      return answered;
    },
  };
}

async function ended(calling: ReturnType<World['call']>): Promise<string> {
  const reached = await calling;
  if (typeof reached === 'string') return reached;
  reached.visit.over('well');
  return reached.said;
}

function times(asked: readonly string[], id: string): number {
  return asked.filter((each) => each === id).length;
}

describe('a place that fails', () => {
  test('five times in a row is passed over, tried by one call when its wait is over, and used again when it answers', async () => {
    const { clock, does, asked, ids, targets } = world(['a', 'b'], { retries: 0 });
    does['a'] = 'failed';
    expect(await ids(20)).toEqual(Array<string>(20).fill('b'));
    expect(times(asked, 'a')).toBe(5);
    await clock.advance(1000);
    expect([await ids(3), times(asked, 'a')]).toEqual([['b', 'b', 'b'], 6]);
    does['a'] = 'answers';
    await clock.advance(1999);
    expect(await ids(1)).toEqual(['b']);
    await clock.advance(1);
    expect(await ids(3)).toEqual(['a', 'a', 'a']);
    expect(targets.of(candidate('a')).state()).toMatchObject({ calls: 9, failures: 6, inFlight: 0, breaker: { state: 'closed', failuresInARow: 0 } });
  });

  test('is waited for no longer when it has opened and another is well', async () => {
    const { clock, does, asked, call, ids } = world(['a', 'b']);
    does['a'] = 'timeout';
    const calls = [1, 2, 3, 4].map(() => ended(call()));
    await clock.advance(0);
    expect(asked).toEqual(['a', 'a', 'a', 'a']);
    await clock.advance(1000);
    expect(await Promise.all(calls)).toEqual(['b', 'b', 'b', 'b']);
    expect(times(asked, 'a')).toBeLessThanOrEqual(8);
    expect(await ids(2)).toEqual(['b', 'b']);
  });

  test('is the last resort where nothing else is well: for one call at a time, and for no call that another could take', async () => {
    const { does, asked, call, ids } = world(['a', 'b'], { retries: 0 });
    does['a'] = does['b'] = 'failed';
    expect(await ids(5)).toEqual(Array<string>(5).fill('INTERNAL_ERROR'));
    const gate = Promise.withResolvers<void>();
    does['a'] = does['b'] = gate.promise;
    const three = [1, 2, 3].map(() => ended(call()));
    expect(await three[2]).toBe('SERVICE_UNAVAILABLE');
    gate.resolve();
    expect(await Promise.all(three.slice(0, 2))).toEqual(['a', 'b']);
    expect(asked.slice(-2)).toEqual(['a', 'b']);
    expect(await ids(1)).toEqual(['a']);
  });

  const faults = { connect: true, timeout: true, failed: true, broken: true, rejected: false, rate_limited: false, unauthorized: false } as const;
  test.each(Object.entries(faults))('with %s opens: %p', async (fault, opens) => {
    const { does, ids, targets } = world(['a'], { retries: 0 });
    does['a'] = fault as UpstreamFault;
    await ids(10);
    expect(targets.of(candidate('a')).isOpen()).toBe(opens);
  });

  test('and refuses a request for what it is has shown that it is there', async () => {
    const { clock, does, ids, targets } = world(['a', 'b'], { retries: 0 });
    does['a'] = 'connect';
    await ids(5);
    does['a'] = 'rejected';
    await clock.advance(1000);
    expect(await ids(1)).toEqual(['UPSTREAM_REJECTED']);
    expect(targets.of(candidate('a')).isOpen()).toBe(false);
  });

  test('after the first piece of its answers opens too', async () => {
    const { call, ids } = world(['a', 'b'], { retries: 0 });
    for (let count = 0; count < 5; count++) {
      const reached = await call();
      if (typeof reached === 'string') throw new Error(reached);
      expect(reached.said).toBe('a');
      reached.visit.failed(new UpstreamError('broken', 'cut'));
    }
    expect(await ids(1)).toEqual(['b']);
  });
});

describe('a caller who leaves', () => {
  test('while it tries a place that is not well proves nothing, and leaves its turn to the next', async () => {
    const { clock, does, asked, call, ids, targets } = world(['a', 'b'], { retries: 0 });
    does['a'] = 'failed';
    await ids(5);
    await clock.advance(1000);
    const gate = Promise.withResolvers<void>();
    does['a'] = gate.promise;
    const caller = new Canceller();
    const leaving = call({ signal: caller });
    await clock.advance(0);
    expect([asked.at(-1), targets.of(candidate('a')).state().breaker.state]).toEqual(['a', 'probing']);
    caller.abort(new DOMException('gone', 'AbortError'));
    gate.reject(new UpstreamError('connect', 'aborted'));
    expect(await leaving).toContain('gone');
    const { breaker, inFlight, failures } = targets.of(candidate('a')).state();
    expect([breaker.state, breaker.waitMs, inFlight, failures]).toEqual(['open', 0, 0, 5]);
    does['a'] = 'answers';
    expect(await ids(1)).toEqual(['a']);
  });

  test('in the queue of a provider that is full takes nobody else along', async () => {
    const { clock, does, call, targets } = world(['a'], { maxParallel: { a: 1 } });
    const gate = Promise.withResolvers<void>();
    does['a'] = gate.promise;
    const caller = new Canceller();
    const [first, leaving, third] = [call(), call({ signal: caller }), call()].map(ended);
    await clock.advance(0);
    caller.abort(new DOMException('gone', 'AbortError'));
    expect(await leaving).toContain('gone');
    gate.resolve();
    expect(await Promise.all([first, third])).toEqual(['a', 'a']);
    expect(targets.of(candidate('a')).state().inFlight).toBe(0);
  });
});

describe('retries', () => {
  test('are a tenth of the calls of a place that is down, whose own fallbacks are none of them', async () => {
    const { clock, does, asked, call } = world(['a', 'b']);
    does['a'] = 'rate_limited';
    const calls = Array.from({ length: 400 }, () => ended(call()));
    await clock.advance(20_000);
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['b']));
    expect(times(asked, 'a')).toBe(440);
    expect(times(asked, 'b')).toBe(400);
  });

  test('of a place that is down and alone are made, and end with what it said', async () => {
    const { clock, does, asked, call } = world(['a']);
    does['a'] = 'failed';
    const alone = [call(), call()].map(ended);
    await clock.advance(7000);
    expect(await Promise.all(alone)).toEqual(['INTERNAL_ERROR', 'INTERNAL_ERROR']);
    expect(asked.length).toBeGreaterThanOrEqual(5);
    expect(asked.length).toBeLessThanOrEqual(8);
  });
});

describe('a provider that has as many calls as it may have', () => {
  test('is passed over, waited for where there is no other, and not by more than stand before it', async () => {
    const { clock, does, asked, call, targets } = world(['a', 'b'], { maxParallel: { a: 2 } });
    const gate = Promise.withResolvers<void>();
    does['a'] = gate.promise;
    const both = Array.from({ length: 5 }, () => ended(call()));
    await clock.advance(0);
    expect([times(asked, 'a'), times(asked, 'b')]).toEqual([2, 3]);
    const waiting = Array.from({ length: 17 }, () => ended(call({ places: ['a'] })));
    expect(await waiting[16]).toBe('SERVICE_UNAVAILABLE');
    expect(targets.of(candidate('a')).state()).toMatchObject({ inFlight: 2, full: true });
    gate.resolve();
    expect(await Promise.all(both)).toEqual(['a', 'a', 'b', 'b', 'b']);
    expect(await Promise.all(waiting.slice(0, 16))).toEqual(Array<string>(16).fill('a'));
    expect(targets.of(candidate('a')).state()).toMatchObject({ inFlight: 0, full: false });
  });

  test('gives its place back for as long as a call waits to be tried again', async () => {
    const { clock, does, asked, call } = world(['a'], { maxParallel: { a: 1 } });
    does['a'] = 'failed';
    const first = ended(call());
    await clock.advance(0);
    does['a'] = 'answers';
    expect(await ended(call())).toBe('a');
    await clock.advance(1000);
    expect([await first, asked.length]).toEqual(['a', 3]);
  });
});

describe('a session of an alias that is sticky', () => {
  const providers = new Map(
    ['a', 'b', 'c'].map((id) => [id, { id, origin: null, open: true, models: [{ ...candidate(id).facts, price: candidate(id).price }] }]),
  );
  const chooser = ({ strategy = 'weighted', sticky = true }: Partial<Pick<Plan, 'strategy' | 'sticky'>> = {}) => {
    const models = { any: { targets: ['a/m', 'b/m', 'c/m'], fallbacks: [], strategy, sticky } };
    const config = { routes: buildRoutes({ providers, file: { models, prices: {} }, defaultModel: 'any' }), defaultModel: 'any', file: { providers: {} } };
    const needs = { clock: manualClock(), config: () => config, random: Math.random } as unknown as App;
    const core = { needs, targets: createTargets(needs), sessions: createSessions() };
    return (session?: string, projectId = 'default') => {
      const call = { principal: { kind: 'anonymous', projectId, limits: [], budgets: [] } as const, model: 'any' };
      return choose(core, { call, session, asked: () => ({ inputTokens: 1, maxTokens: 1, capabilities: [] }), able: (all) => all });
    };
  };
  const first = ({ order }: ReturnType<ReturnType<typeof chooser>>): string => order[0]?.candidate.provider.id ?? '';

  test('goes to the same target each time, on every process, and all of them by the weights', () => {
    const [one, other] = [chooser(), chooser()];
    const sessions = Array.from({ length: 300 }, (_, index) => `session ${index}`);
    const firsts = sessions.map((session) => first(one(session)));
    expect(sessions.map((session) => first(other(session)))).toEqual(firsts);
    for (const id of ['a', 'b', 'c']) expect(times(firsts, id)).toBeGreaterThan(60);
    expect(sessions.map((session) => first(one(session, 'another project')))).not.toEqual(firsts);
  });

  test('stays where it was answered, and others do not follow it', () => {
    const chosen = chooser({ strategy: 'ordered' });
    const choice = chosen('mine');
    expect(first(choice)).toBe('a');
    choice.answeredBy(candidate('c'));
    expect([first(chosen('mine')), first(chosen('yours')), first(chosen('mine', 'another project'))]).toEqual(['c', 'a', 'a']);
    expect(chosen('mine').order.map(({ reason }) => reason)).toEqual(['session', 'order', 'order']);
  });

  test('is nothing to an alias that is not', () => {
    const chosen = chooser({ strategy: 'ordered', sticky: false });
    chosen('mine').answeredBy(candidate('c'));
    expect(first(chosen('mine'))).toBe('a');
  });
});
