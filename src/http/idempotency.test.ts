import { describe, expect, test } from 'bun:test';
import { AppError, type ErrorCode } from '../contract/errors.ts';
import { ANONYMOUS, type Principal } from '../contract/policy.ts';
import type { Exchange, Reply } from './route.ts';
import { type Asking, MEMBER, never, says, textOf, thrown, world } from './idempotency/scripted-world.test.ts';

const fails =
  (code: ErrorCode, costNanoUsd = 0) =>
  ({ ids }: Exchange): never => {
    ids.tally.calls++;
    ids.tally.costNanoUsd += costNanoUsd;
    throw new AppError(code);
  };
describe('a key that was answered', () => {
  test('answers the same again, without the work, and says so', async () => {
    const { ask } = world();
    const first = await ask(says('one'));
    const again = await ask(never);
    expect(textOf(again)).toBe(JSON.stringify(first.json));
    expect(again.headers).toEqual({ 'content-type': 'application/json; charset=utf-8', 'x-model': 'm', 'idempotency-replayed': 'true' });
  });

  test('is the same quoted and bare, and with the fields of its body in another order', async () => {
    const { ask } = world();
    await ask(says('one'), { key: '"a \\"b\\" c"', prompt: { a: 1, b: [{ c: 2, d: 3 }] } });
    expect(textOf(await ask(never, { key: 'a "b" c', prompt: { b: [{ d: 3, c: 2 }], a: 1 } }))).toBe('{"text":"one"}');
  });

  test('is refused with another body', async () => {
    const { ask } = world();
    await ask(says('one'));
    expect((await thrown(ask(never, { prompt: 'other' }))).code).toBe('IDEMPOTENCY_KEY_REUSED');
  });

  test('is nobody else’s: not of another user, key, address or project', async () => {
    const { ask } = world();
    const key: Principal = {
      kind: 'key',
      projectId: 'default',
      keyId: 'usr_1',
      keyName: 'shop',
      userId: null,
      allowedModels: null,
      allowedRoutes: null,
      limits: [],
      budgets: [],
    };
    const callers: Asking[] = [
      { as: MEMBER },
      { as: { ...MEMBER, userId: 'usr_2' } },
      { as: { ...MEMBER, projectId: 'prj_2' } },
      { as: key },
      { as: ANONYMOUS, address: '10.0.0.1' },
      { as: ANONYMOUS, address: '10.0.0.2' },
    ];
    for (const [nth, caller] of callers.entries()) expect(await ask(says(`for ${nth}`), caller)).toMatchObject({ json: { text: `for ${nth}` } });
    for (const [nth, caller] of callers.entries()) expect(textOf(await ask(never, caller))).toBe(`{"text":"for ${nth}"}`);
  });

  test('is never told to another caller, in 10,000 requests of 100 callers with 100 keys', async () => {
    const { ask } = world();
    const wrong: string[] = [];
    for (let nth = 0; nth < 10_000; nth++) {
      const [caller, key] = [nth % 100, Math.floor(nth / 100)];
      const as: Principal = { ...MEMBER, projectId: `prj_${caller % 10}`, userId: `usr_${caller}` };
      const own = `${caller} ${key}`;
      const [first, again] = [await ask(says(own), { key: `key ${key}`, as }), await ask(says('anew'), { key: `key ${key}`, as })];
      if (textOf(again) !== `{"text":"${own}"}` || textOf(first) !== '') wrong.push(own);
    }
    expect(wrong).toEqual([]);
  });

  test.each(['', ' ', '""', 'x'.repeat(256), 'umläut', 'tab\there'])('%p is none', async (key) => {
    const { ask, script } = world();
    const error = await thrown(ask(never, { key }));
    expect([error.code, error.parts.field]).toEqual(['INVALID_VALUE', 'Idempotency-Key']);
    expect(script.said).toEqual([]);
  });

  test('may be 255 characters long', async () => {
    expect(await world().ask(says('one'), { key: 'x'.repeat(255) })).toMatchObject({ json: { text: 'one' } });
  });
});

describe('a key whose first request runs', () => {
  test('is a conflict that passes within a second, and one question to the database for all', async () => {
    const { ask, script } = world();
    const working = Promise.withResolvers<Reply>();
    const first = ask(() => working.promise);
    const others = await Promise.all(Array.from({ length: 199 }, () => thrown(ask(never))));
    expect(new Set(others.map(({ code }) => code))).toEqual(new Set(['CONFLICT']));
    expect(others[0]?.parts).toMatchObject({ retryAfterMs: 1000, headers: { 'x-should-retry': 'true' } });
    expect(script.said).toEqual(['claim']);
    expect((await thrown(ask(never, { prompt: 'other' }))).code).toBe('IDEMPOTENCY_KEY_REUSED');
    working.resolve({ json: { text: 'one' } });
    await first;
    expect(textOf(await ask(never))).toBe('{"text":"one"}');
  });

  test('in another process is a conflict too, until that process is dead: then its ids are run again', async () => {
    const one = world({ processId: 'proc_1' });
    const dead = new Set<string>();
    const two = world({ rows: one.rows, processId: 'proc_2', dead });
    await one.clock.advance(5000);
    const at = one.clock.now();
    const working = Promise.withResolvers<Reply>();
    const first = one.ask(() => working.promise);
    expect((await thrown(two.ask(never))).code).toBe('CONFLICT');

    dead.add('proc_1');
    const ids: unknown[] = [];
    await two.ask((exchange) => {
      ids.push(exchange.ids.rootId, exchange.ids.at, exchange.ids.again);
      return { json: { text: 'two' } };
    });
    expect(ids).toEqual(['call_1', at, true]);

    // It was not dead after all: what it did is not the answer any more.
    working.resolve({ json: { text: 'one' } });
    expect((await thrown(first)).code).toBe('CONFLICT');
    expect(textOf(await one.ask(never))).toBe('{"text":"two"}');
  });

  test('replays at once for many that ask at the same moment', async () => {
    const { ask } = world();
    await ask(says('one'));
    const all = await Promise.all(Array.from({ length: 50 }, () => ask(never)));
    expect(new Set(all.map(textOf))).toEqual(new Set(['{"text":"one"}']));
  });

  test('is not given up when its caller leaves', async () => {
    const { ask } = world();
    const leaving = new AbortController();
    const working = Promise.withResolvers<void>();
    const first = ask(
      async ({ signal }) => {
        await working.promise;
        return { json: { aborted: signal.aborted } };
      },
      { signal: leaving.signal },
    );
    leaving.abort();
    working.resolve();
    await first;
    expect(textOf(await ask(never))).toBe('{"aborted":false}');
  });
});

describe('a failure', () => {
  const REFUSALS = ['BUDGET_EXCEEDED', 'RATE_LIMIT_EXCEEDED', 'UPSTREAM_RATE_LIMITED', 'SERVICE_UNAVAILABLE', 'MODEL_NOT_FOUND', 'CONFLICT'] as const;
  test.each([...REFUSALS, 'INTERNAL_ERROR', 'TIMEOUT'] as const)('%s that cost nothing is not kept', async (code) => {
    const { ask, rows } = world();
    expect((await thrown(ask(fails(code)))).code).toBe(code);
    expect(rows.size).toBe(0);
    const ids: unknown[] = [];
    await ask(({ ids: own }) => {
      ids.push(own.rootId, own.again);
      return { json: {} };
    });
    // Its ids are used up: under the same ones the second run would not be charged.
    expect(ids).toEqual(['call_2', false]);
  });

  test.each(REFUSALS)('%s in the middle of the work is not kept either', async (code) => {
    const { ask, rows } = world();
    await thrown(ask(fails(code, 5)));
    expect(rows.size).toBe(0);
  });

  test.each([
    ['UPSTREAM_REJECTED', 0],
    ['INTERNAL_ERROR', 5],
    ['TIMEOUT', 5],
  ] as const)('%s at a cost of %d is kept, and tells SDKs not to retry', async (code, cost) => {
    const { ask } = world();
    const first = await thrown(ask(fails(code, cost)));
    expect(first.parts.headers).toMatchObject({ 'x-should-retry': 'false' });
    const again = await ask(never);
    expect(JSON.parse(textOf(again))).toMatchObject({ error: { code, request_id: 'req_1' } });
    expect(again.headers).toMatchObject({ 'x-should-retry': 'false', 'idempotency-replayed': 'true' });
  });

  test('of nobody knows what is an error like any other', async () => {
    const { ask, rows } = world();
    expect((await thrown(ask(() => Promise.reject(new Error('boom'))))).code).toBe('INTERNAL_ERROR');
    expect(rows.size).toBe(0);
  });

  test('of a second run before any call leaves its ids to the third, and after one it does not', async () => {
    const dead = new Set(['proc_1']);
    const one = world({ processId: 'proc_1' });
    void one.ask(() => new Promise(() => undefined));
    await one.clock.advance(0);
    const two = world({ rows: one.rows, processId: 'proc_2', dead });
    await thrown(
      two.ask(() => {
        throw new AppError('RATE_LIMIT_EXCEEDED');
      }),
    );
    const seen: unknown[] = [];
    await thrown(
      two.ask((exchange) => {
        seen.push(exchange.ids.rootId, exchange.ids.again);
        return fails('INTERNAL_ERROR')(exchange);
      }),
    );
    await two.ask((exchange) => {
      seen.push(exchange.ids.again);
      return { json: {} };
    });
    expect(seen).toEqual(['call_1', true, false]);
  });
});

describe('while the database is away', () => {
  test('no work is begun for a key', async () => {
    const { ask, script } = world();
    script.isAway = true;
    expect((await thrown(ask(never))).code).toBe('SERVICE_UNAVAILABLE');
    script.isAway = false;
    expect(await ask(says('one'))).toMatchObject({ json: { text: 'one' } });
  });

  test('an answer waits for it, its caller for five seconds, and a retry is given it', async () => {
    const { ask, script, clock } = world();
    const working = Promise.withResolvers<Reply>();
    const first = thrown(ask(() => working.promise));
    await clock.advance(0);
    script.isAway = true;
    working.resolve({ json: { text: 'one' } });
    await clock.advance(5000);
    expect((await first).code).toBe('SERVICE_UNAVAILABLE');
    expect((await thrown(ask(never))).code).toBe('CONFLICT');
    script.isAway = false;
    await clock.advance(1000);
    expect(textOf(await ask(never))).toBe('{"text":"one"}');
  });

  test('a failure is told as it is, and the key given up when it is back', async () => {
    const { ask, script, clock, rows } = world();
    const working = Promise.withResolvers<never>();
    const first = thrown(ask(() => working.promise));
    await clock.advance(0);
    script.isAway = true;
    working.reject(new AppError('TIMEOUT'));
    await clock.advance(5000);
    expect((await first).code).toBe('TIMEOUT');
    expect(rows.size).toBe(1);
    script.isAway = false;
    await clock.advance(1000);
    expect(rows.size).toBe(0);
  });
});
