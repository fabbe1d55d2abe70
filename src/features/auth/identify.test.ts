import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import type { Principal } from '../../contract/policy.ts';
import { type IdentifyWorld, openIdentifyWorld, refusal } from './identify-world.test.ts';

let world: IdentifyWorld;
beforeAll(async () => {
  world = await openIdentifyWorld();
}, 60_000);
afterAll(() => world.close(), 20_000);
beforeEach(() => world.begin());

const alice: Principal = {
  kind: 'user',
  projectId: 'default',
  userId: 'usr_1',
  username: 'alice',
  role: 'member',
  sessionId: 'ses_1',
  limits: [],
  budgets: [],
};

const sessionOf = (caller: Principal | null | undefined): string | null => (caller?.kind === 'user' ? caller.sessionId : null);

describe('who calls', () => {
  test('is nobody without a credential, or with the Basic one of Swagger’s form and of proxies', () => {
    expect(world.identify.caller(null, null)).toBeNull();
    expect(world.identify.caller('Basic Og==', null)).toBeNull();
    expect(world.reads).toBe(0);
  });

  test('is the user of a valid token, said at once while the session was read within the second', async () => {
    const token = world.bearer();
    expect(await world.identify.caller(token, null)).toEqual(alice);
    await world.clock.advance(999);
    expect(world.identify.caller(token, null)).toEqual(alice);
    expect(world.reads).toBe(1);
  });

  test('is found however Bearer is written', async () => {
    expect(await world.identify.caller(world.bearer().replace('Bearer', 'bearer'), null)).toEqual(alice);
    expect(await world.identify.caller(world.bearer().replace('Bearer', 'BEARER '), null)).toEqual(alice);
  });

  test('is read once a second for a session, however many calls and tokens it has', async () => {
    const tokens = [world.bearer(), world.bearer().replace('Bearer', 'bearer')];
    for (let second = 0; second < 3; second++) {
      await Promise.all(Array.from({ length: 50 }, async (_, index) => world.identify.caller(tokens[index % 2] ?? '', null)));
      await world.clock.advance(1000);
    }
    expect(world.reads).toBe(3);
  });

  test('is never somebody with a token that is much alike: ten thousand with the same first hundred characters', async () => {
    const at = new Date(world.clock.now());
    const rows = Array.from({ length: 10_000 }, (_, index) => ({
      id: `ses_alike_${index}`,
      user_id: 'usr_1',
      created_at: at,
      expires_at: new Date(2 * at.getTime()),
      revoked_at: null,
    }));
    for (let from = 0; from < rows.length; from += 1000)
      await world.db
        .insertInto('sessions')
        .values(rows.slice(from, from + 1000))
        .execute();
    const tokens = rows.map(({ id }) => [world.bearer(id), id] as const);
    const alike = tokens.map(([token]) => token.slice('Bearer '.length, 'Bearer '.length + 100));
    expect(new Set(alike).size).toBe(1);
    for (const turn of [1, 2]) {
      const wrong: string[] = [];
      for (let from = 0; from < tokens.length; from += 100) {
        const some = tokens.slice(from, from + 100);
        const callers = await Promise.all(some.map(async ([token]) => world.identify.caller(token, null)));
        wrong.push(...some.filter(([, id], index) => sessionOf(callers[index]) !== id).map(([, id]) => id));
      }
      expect([turn, wrong]).toEqual([turn, []]);
    }
  }, 120_000);
});

describe('a bad credential is 401 and says so to clients', () => {
  const bad: Record<string, [string | null, string | null]> = {
    'an empty header': ['', null],
    'Bearer alone': ['Bearer', null],
    'no token': ['Bearer  ', null],
    null: ['Bearer null', null],
    'a key that was made up': ['Bearer sk-sluice-abc', null],
    'two tokens': ['Bearer a.b.c d.e.f', null],
    'another scheme': ['Token a.b.c', null],
    'an API key in its header': [null, 'sk-sluice-abc'],
    'an empty API key': [null, ''],
  };
  for (const [name, [authorization, apiKey]] of Object.entries(bad)) {
    test(name, async () => {
      const error = await refusal(() => world.identify.caller(authorization, apiKey));
      expect(error.code).toBe('UNAUTHORIZED');
      expect(error.parts.headers).toEqual({ 'www-authenticate': 'Bearer error="invalid_token"' });
      expect(world.reads).toBe(0);
    });
  }

  test('a bad key beside a good token', async () =>
    expect((await refusal(() => world.identify.caller(world.bearer(), 'sk-sluice-abc'))).code).toBe('UNAUTHORIZED'));
  test('a token of a session that does not exist', async () =>
    expect((await refusal(() => world.identify.caller(world.bearer('ses_none'), null))).code).toBe('UNAUTHORIZED'));
  test('a token of another user’s session', async () =>
    expect((await refusal(() => world.identify.caller(world.bearer('ses_1', 'usr_2'), null))).code).toBe('UNAUTHORIZED'));

  test('an expired token, also one that was good a moment ago', async () => {
    const token = world.bearer();
    for (let minute = 0; minute < 60; minute++) {
      expect(await world.identify.caller(token, null)).toEqual(alice);
      await world.clock.advance(60_000);
    }
    expect((await refusal(() => world.identify.caller(token, null))).message).toContain('expired');
  });
});

describe('within a second it is seen that', () => {
  const ends: Record<string, () => Promise<unknown>> = {
    'the session was revoked': () => world.db.updateTable('sessions').set({ revoked_at: new Date() }).execute(),
    'the user was disabled': () => world.db.updateTable('users').set({ disabled_at: new Date() }).execute(),
    'the user was deleted': () => world.db.deleteFrom('users').execute(),
    'the session is over': () =>
      world.db
        .updateTable('sessions')
        .set({ expires_at: new Date(world.clock.now()) })
        .execute(),
  };
  for (const [name, end] of Object.entries(ends)) {
    test(name, async () => {
      const token = world.bearer();
      await world.identify.caller(token, null);
      await end();
      await world.clock.advance(1000);
      expect((await refusal(() => world.identify.caller(token, null))).code).toBe('UNAUTHORIZED');
    });
  }

  test('the role changed', async () => {
    const token = world.bearer();
    await world.identify.caller(token, null);
    await world.db.updateTable('users').set({ role: 'viewer' }).execute();
    await world.clock.advance(1000);
    expect(await world.identify.caller(token, null)).toEqual({ ...alice, role: 'viewer' });
  });
});

describe('with the database away', () => {
  test('who was checked within a minute goes on, and then nobody does: 503 and not 401, since the token may be good', async () => {
    const token = world.bearer();
    await world.identify.caller(token, null);
    world.state = 'refusing';
    for (let second = 0; second < 60; second++) {
      await world.clock.advance(1000);
      expect(await world.identify.caller(token, null)).toEqual(alice);
    }
    await world.clock.advance(1000);
    expect((await refusal(() => world.identify.caller(token, null))).code).toBe('SERVICE_UNAVAILABLE');
    expect(world.warnings).toEqual(['who calls cannot be checked, because the database is away']);
    world.state = 'well';
    await world.clock.advance(1000);
    expect(await world.identify.caller(token, null)).toEqual(alice);
  });

  test('a token that was never checked is refused', async () => {
    world.state = 'refusing';
    expect((await refusal(() => world.identify.caller(world.bearer(), null))).code).toBe('SERVICE_UNAVAILABLE');
  });

  test('a database that says nothing holds a call up for a second at most', async () => {
    const token = world.bearer();
    await world.identify.caller(token, null);
    world.state = 'silent';
    await world.clock.advance(1000);
    const answer = world.identify.caller(token, null);
    await world.clock.advance(1000);
    expect(await answer).toEqual(alice);
  });

  test('a session that was revoked before stays so', async () => {
    const token = world.bearer();
    await world.db.updateTable('sessions').set({ revoked_at: new Date() }).execute();
    await refusal(() => world.identify.caller(token, null));
    world.state = 'refusing';
    await world.clock.advance(1000);
    expect((await refusal(() => world.identify.caller(token, null))).code).toBe('UNAUTHORIZED');
  });
});

test('a cached token costs microseconds', async () => {
  const token = world.bearer();
  await world.identify.caller(token, null);
  const beganAt = performance.now();
  for (let call = 0; call < 100_000; call++) if (world.identify.caller(token, null) instanceof Promise) throw new Error('it was not said at once');
  expect((performance.now() - beganAt) / 100_000).toBeLessThan(0.005);
});
