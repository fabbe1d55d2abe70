import { describe, expect, test } from 'bun:test';
import { type ManualClock, manualClock } from '../../../test/manual-clock.ts';
import type { Log } from '../../app.ts';
import type { Limiter, Permit } from '../../app/spending.ts';
import { AppError } from '../../contract/errors.ts';
import type { CallLimits } from '../../contract/policy.ts';
import type { Limit } from '../../core/limits.ts';
import type { Redis } from '../redis.ts';
import { createLimiter } from './limiter.ts';
import { createShares } from './shares.ts';

const silent = (): void => undefined;
const SILENT: Log = { debug: silent, info: silent, warning: silent, error: silent };
const RATE = { limit: 10, windowMs: 60_000, words: '10 per 1 minute' };

function key(limits: Partial<CallLimits>): readonly CallLimits[] {
  return [{ scope: 'key', id: 'key_1', rpm: null, tpm: null, maxParallel: null, ...limits }];
}

function world({ processes = 1 } = {}): {
  readonly limiter: Limiter;
  readonly clock: ManualClock;
  readonly enter: (limits: readonly CallLimits[], tokens?: number) => Permit;
} {
  const clock = manualClock();
  const limiter = createLimiter({ clock, log: SILENT, redis: null, processId: 'proc_1', processCount: () => processes });
  return {
    limiter,
    clock,
    enter(limits, tokens = 0) {
      const permit = limiter.enter(limits, tokens);
      if (permit instanceof Promise) throw new Error('nobody has to be waited for');
      return permit;
    },
  };
}

function refused(run: () => unknown): AppError {
  try {
    run();
  } catch (error) {
    if (error instanceof AppError && error.code === 'RATE_LIMIT_EXCEEDED') return error;
    throw error;
  }
  throw new Error('it was admitted');
}

describe('a key', () => {
  test('has its calls a minute, and is told in the words of the contract when they are used up', async () => {
    const { enter, clock } = world();
    const limits = key({ rpm: 3 });
    expect([1, 2, 3].map(() => enter(limits).headers['x-ratelimit-remaining'])).toEqual(['2', '1', '0']);
    await clock.advance(20_000);
    const error = refused(() => enter(limits));
    expect(error.message).toBe('Rate limit exceeded: 3 per 1 minute');
    expect(error.parts).toMatchObject({ retryAfterMs: 40_000, details: { limit: 3, window_s: 60, scope: 'key', kind: 'requests' } });
    await clock.advance(39_999);
    refused(() => enter(limits));
    await clock.advance(1);
    enter(limits);
  });

  test('gets back the tokens that a call did not use', () => {
    const { enter } = world();
    const limits = key({ tpm: 1000 });
    const permit = enter(limits, 800);
    expect(refused(() => enter(limits, 300)).message).toBe('Rate limit exceeded: 1000 tokens per 1 minute');
    permit.leave(100);
    expect(enter(limits, 900).headers['x-ratelimit-remaining']).toBe('0');
  });

  test('may make a call that alone may use more than its tokens, when nothing else has used any', () => {
    const { enter } = world();
    const limits = key({ tpm: 1000 });
    const permit = enter(limits, 16_000);
    refused(() => enter(limits, 1));
    permit.leave(20);
    refused(() => enter(limits, 16_000));
    enter(limits, 980);
  });

  test('has as many calls at once as it may, and another when one of them is over', () => {
    const { enter } = world();
    const limits = key({ maxParallel: 2 });
    const [first] = [enter(limits), enter(limits)];
    const error = refused(() => enter(limits));
    expect(error.message).toBe('Rate limit exceeded: 2 calls at once');
    expect(error.parts).toMatchObject({ retryAfterMs: 1000, details: { limit: 2, window_s: null, kind: 'parallel' } });
    expect(error.parts.headers).toMatchObject({ 'ratelimit-policy': '"key-parallel";q=2;qu="concurrent-requests"', ratelimit: '"key-parallel";r=0' });
    first?.leave(0);
    enter(limits);
    refused(() => enter(limits));
  });

  test('counts against no limit what one of them refuses', () => {
    const { enter } = world();
    const limits: readonly CallLimits[] = [
      ...key({ rpm: 10, tpm: 100, maxParallel: 1 }),
      { scope: 'user', id: 'usr_1', rpm: 10, tpm: null, maxParallel: null },
    ];
    for (let nth = 0; nth < 5; nth++) refused(() => [enter(limits, 60), enter(limits, 60)].length > 0 && enter(limits, 60));
    expect(enter(key({ rpm: 10 })).headers['x-ratelimit-remaining']).toBe('8');
    expect(enter([{ scope: 'user', id: 'usr_1', rpm: 10, tpm: null, maxParallel: null }]).headers['x-ratelimit-remaining']).toBe('8');
  });

  test('is told of the limit that is nearest to its end, and in the words of OpenAI of each', () => {
    const { enter } = world();
    expect(enter(key({ rpm: 10, tpm: 1000 }), 500).headers).toEqual({
      'ratelimit-policy': '"key-tokens";q=1000;w=60',
      ratelimit: '"key-tokens";r=500;t=60',
      'x-ratelimit-limit': '1000',
      'x-ratelimit-remaining': '500',
      'x-ratelimit-reset': '60',
      'x-ratelimit-limit-requests': '10',
      'x-ratelimit-remaining-requests': '9',
      'x-ratelimit-reset-requests': '60s',
      'x-ratelimit-limit-tokens': '1000',
      'x-ratelimit-remaining-tokens': '500',
      'x-ratelimit-reset-tokens': '60s',
    });
  });

  test('is told the longest of the waits when several limits refuse it', async () => {
    const { enter, clock } = world();
    enter(key({ tpm: 100 }), 100);
    await clock.advance(30_000);
    enter(key({ rpm: 1 }));
    const error = refused(() => enter(key({ rpm: 1, tpm: 100 }), 50));
    expect(error.parts).toMatchObject({ retryAfterMs: 60_000, details: { kind: 'requests' } });
  });

  test('without limits takes nothing and is told nothing', () => {
    const { enter } = world();
    expect(enter([]).headers).toEqual({});
    expect(enter(key({})).headers).toEqual({});
  });
});

describe('an address', () => {
  test('has each route’s calls for itself', async () => {
    const { limiter, clock } = world();
    for (let nth = 0; nth < 10; nth++) await limiter.visit('generate', RATE, '203.0.113.1');
    const error = refused(() => limiter.visit('generate', RATE, '203.0.113.1'));
    expect([error.message, error.parts.details]).toEqual([
      'Rate limit exceeded: 10 per 1 minute',
      { limit: 10, window_s: 60, scope: 'address', kind: 'requests' },
    ]);
    expect(await limiter.visit('generate', RATE, '203.0.113.2')).toEqual({
      'ratelimit-policy': '"generate";q=10;w=60',
      ratelimit: '"generate";r=9;t=60',
      'x-ratelimit-limit': '10',
      'x-ratelimit-remaining': '9',
      'x-ratelimit-reset': '60',
    });
    await limiter.visit('health', RATE, '203.0.113.1');
    await clock.advance(60_000);
    await limiter.visit('generate', RATE, '203.0.113.1');
  });

  test('among a crowd of others pushes no key out of memory', () => {
    const { enter, limiter } = world();
    enter(key({ rpm: 1 }));
    for (let nth = 0; nth < 60_000; nth++) void limiter.visit('generate', RATE, `2001:db8::${nth}`);
    refused(() => enter(key({ rpm: 1 })));
  }, 30_000);
});

describe('one of several processes without a common store', () => {
  test('admits its share', () => {
    const { enter } = world({ processes: 3 });
    const limits = key({ rpm: 10 });
    for (let nth = 0; nth < 3; nth++) enter(limits);
    expect(refused(() => enter(limits)).message).toBe('Rate limit exceeded: 10 per 1 minute');
  });

  test('admits a call that may use more tokens than its share, when it has used none', () => {
    const { enter } = world({ processes: 3 });
    const limits = key({ tpm: 900 });
    const permit = enter(limits, 16_000);
    refused(() => enter(limits, 1));
    permit.leave(20);
    enter(limits, 280);
    refused(() => enter(limits, 1));
  });

  test('admits one where there are more processes than places', () => {
    const { enter } = world({ processes: 30 });
    enter(key({ rpm: 10 }));
    refused(() => enter(key({ rpm: 10 })));
  });
});

/** Admits whatever asks with one limit, while it is there. */
type ObligingRedis = Redis & { readonly become: (isUp: boolean) => void; readonly asked: () => number };

function obligingRedis(): ObligingRedis {
  const listeners: ((isUp: boolean) => void)[] = [];
  let up = true;
  let asked = 0;
  return {
    isUp: () => up,
    trouble: () => (up ? null : 'a test says so'),
    onChange: (listener) => void listeners.push(listener),
    close: () => undefined,
    asked: () => asked,
    async send(_command, words) {
      asked++;
      if (!up) throw new Error('away');
      return ['1000', ...Array.from({ length: words.filter((word) => word === 'ask').length }, () => [0, 0, 5, 60_000]).flat()];
    },
    become(isUp) {
      up = isUp;
      for (const listener of listeners) listener(isUp);
    },
  };
}

describe('one of several processes whose Redis comes and goes', () => {
  const LIMIT: Limit = { key: 'k', kind: 'requests', scope: 'key', name: 'k', words: '', max: 60, windowMs: 60_000 };

  test('has half of its share in the first window without it, all of it then, and all of it beside a Redis that is back', async () => {
    const redis = obligingRedis();
    const clock = manualClock();
    const shares = createShares({ clock, log: SILENT, redis, processCount: () => 3 });
    const now = (): readonly number[] => [shares.alone(LIMIT), shares.besideRedis(LIMIT)];
    expect(now()).toEqual([20, Number.POSITIVE_INFINITY]);
    redis.become(false);
    expect(now()[0]).toBe(10);
    await clock.advance(60_000);
    expect(now()[0]).toBe(20);
    redis.become(true);
    expect(now()[1]).toBe(20);
    await clock.advance(64_999);
    expect(now()[1]).toBe(20);
    await clock.advance(1);
    expect(now()[1]).toBe(Number.POSITIVE_INFINITY);
  });

  test('has half of its share when it starts without it, and says so', () => {
    const redis = obligingRedis();
    redis.become(false);
    const warnings: unknown[] = [];
    const log = { ...SILENT, warning: (message: string, fields?: object) => void warnings.push([message, fields]) };
    expect(createShares({ clock: manualClock(), log, redis, processCount: () => 3 }).alone(LIMIT)).toBe(10);
    expect(warnings).toEqual([['Redis is away: each process goes on with its share of the limits', { reason: 'a test says so', processes: 3 }]]);
  });

  test('begins its share with what it has admitted while Redis counted', async () => {
    const redis = obligingRedis();
    const clock = manualClock();
    const limiter = createLimiter({ clock, log: SILENT, redis, processId: 'proc_1', processCount: () => 3 });
    const limits = key({ rpm: 60 });
    expect(limiter.state()).toEqual({ store: 'redis', processes: 3 });
    await Promise.all(Array.from({ length: 8 }, async () => limiter.enter(limits, 0)));
    expect(redis.asked()).toBe(1);
    redis.become(false);
    expect(limiter.state()).toEqual({ store: 'local', processes: 3 });
    for (let nth = 0; nth < 2; nth++) await limiter.enter(limits, 0);
    refused(() => limiter.enter(limits, 0));
    limiter.stop();
  });

  test('gives back in Redis what its share refuses beside it', async () => {
    const redis = obligingRedis();
    const words: string[][] = [];
    const limiter = createLimiter({
      clock: manualClock(),
      log: SILENT,
      redis: { ...redis, send: (command, each) => (words.push(each), redis.send(command, each)) },
      processId: 'proc_1',
      processCount: () => 3,
    });
    const limits = key({ rpm: 3 });
    redis.become(false);
    redis.become(true);
    await limiter.enter(limits, 0);
    expect(async () => limiter.enter(limits, 0)).toThrow('Rate limit exceeded: 3 per 1 minute');
    await until(() => words.length === 3);
    expect(words.at(-1)?.slice(1)).toEqual(['1', '{sluice-limits}:key:key_1:requests', 'proc_1', 'settle', '60000', '1000', '-1']);
    limiter.stop();
  });
});

async function until(condition: () => boolean): Promise<void> {
  const end = performance.now() + 5000;
  while (!condition()) {
    if (performance.now() > end) throw new Error('it did not come about');
    await new Promise((resolve) => setImmediate(resolve));
  }
}
