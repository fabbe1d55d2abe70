import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { EVERY_PROJECT } from '../../app.ts';
import type { Principal } from '../../contract/policy.ts';
import { apiKeyOf } from '../../core/api-key.ts';
import { type IdentifyWorld, openIdentifyWorld, refusal } from './identify-world.test.ts';

let world: IdentifyWorld;
beforeAll(async () => {
  world = await openIdentifyWorld();
}, 60_000);
afterAll(() => world.close(), 20_000);
beforeEach(() => world.begin());

type Asked = Principal | null | Promise<Principal>;
const byBearer = (key: string): Asked => world.identify.caller(`Bearer ${key}`, null);
const byHeader = (key: string): Asked => world.identify.caller(null, key);
const change = (columns: Record<string, unknown>): Promise<unknown> =>
  world.inProject(EVERY_PROJECT, (db) => db.updateTable('api_keys').set(columns).execute());
const changeUser = (columns: Record<string, unknown>): Promise<unknown> => world.db.updateTable('users').set(columns).execute();

describe('an API key', () => {
  test('is known in both headers, and at once while it was read within the second', async () => {
    const key = await world.addKey({ id: 'key_1', allowed_models: ['demo'], allowed_routes: ['/v1/*'] });
    const shop: Principal = {
      kind: 'key',
      projectId: 'default',
      keyId: 'key_1',
      keyName: 'shop',
      userId: null,
      allowedModels: ['demo'],
      allowedRoutes: ['/v1/*'],
      limits: [],
      budgets: [],
    };
    expect(await byBearer(key)).toEqual(shop);
    expect(byHeader(key)).toEqual(shop);
    expect(byBearer(key)).toEqual(shop);
    expect(world.identify.caller(`Bearer ${key}`, key)).toEqual(shop);
    expect(world.identify.caller('Basic Og==', key)).toEqual(shop);
  });

  test('beside another credential is 401, whichever of them is good', async () => {
    const [key, other] = [await world.addKey(), await world.addKey()];
    await Promise.all([byBearer(key), byHeader(key), byHeader(other)]);
    for (const authorization of [world.bearer(), `Bearer ${other}`, 'Bearer', 'Bearer x']) {
      expect((await refusal(() => world.identify.caller(authorization, key))).code).toBe('UNAUTHORIZED');
    }
    expect((await refusal(() => world.identify.caller(`Bearer ${key}`, world.bearer().slice('Bearer '.length)))).code).toBe('UNAUTHORIZED');
  });

  test('that was made up costs no question to the database, and one that nobody has is refused in the same words', async () => {
    for (const wrong of ['sk-sluice-', `${apiKeyOf(new Uint8Array(32)).slice(0, -1)}!`]) {
      expect((await refusal(() => byHeader(wrong))).message).toBe('The API key is not valid');
    }
    for (const foreign of ['sk-1234', 'sk-proj-of-another-vendor', 'x'.repeat(10_000)]) {
      for (const by of [byHeader, byBearer]) expect((await refusal(() => by(foreign))).message).toStartWith('This is neither an API key of this service');
    }
    expect(world.reads).toBe(0);
    expect((await refusal(() => byBearer(apiKeyOf(new Uint8Array(32))))).message).toBe('The API key is not valid');
    expect(world.reads).toBe(1);
  });

  test('is read once a second, however many calls it has', async () => {
    const key = await world.addKey({ last_used_at: new Date(world.clock.now()) });
    for (let second = 0; second < 3; second++) {
      await Promise.all(Array.from({ length: 50 }, async (_, index) => (index % 2 ? byBearer(key) : byHeader(key))));
      await world.clock.advance(1000);
    }
    expect(world.reads).toBe(3);
  });

  test('costs microseconds', async () => {
    const key = await world.addKey();
    await Promise.all([byBearer(key), byHeader(key)]);
    const beganAt = performance.now();
    for (let call = 0; call < 100_000; call++) if (byHeader(key) instanceof Promise) throw new Error('it was not said at once');
    expect((performance.now() - beganAt) / 100_000).toBeLessThan(0.005);
  });

  test('carries the limits and budgets of the key, of its user and of the project', async () => {
    const key = await world.addKey({ id: 'key_1', user_id: 'usr_1', rpm: 5, budget_nano_usd: 1, budget_period: 'day' });
    await changeUser({ tpm: 1000, max_parallel: 2, budget_nano_usd: 2, budget_period: 'month' });
    await world.db.updateTable('projects').set({ time_zone: 'Europe/Madrid', budget_nano_usd: 3, budget_period: 'total' }).execute();
    expect(await byBearer(key)).toMatchObject({
      userId: 'usr_1',
      limits: [
        { scope: 'key', id: 'key_1', rpm: 5, tpm: null, maxParallel: null },
        { scope: 'user', id: 'usr_1', rpm: null, tpm: 1000, maxParallel: 2 },
      ],
      budgets: [
        { scope: 'key', id: 'key_1', limitNanoUsd: 1, period: 'day', timeZone: 'Europe/Madrid' },
        { scope: 'user', id: 'usr_1', limitNanoUsd: 2, period: 'month', timeZone: 'Europe/Madrid' },
        { scope: 'project', id: 'default', limitNanoUsd: 3, period: 'total', timeZone: 'Europe/Madrid' },
      ],
    });
    expect(await world.identify.caller(world.bearer(), null)).toMatchObject({
      limits: [{ scope: 'user', id: 'usr_1', rpm: null, tpm: 1000, maxParallel: 2 }],
      budgets: [
        { scope: 'user', id: 'usr_1', limitNanoUsd: 2, period: 'month', timeZone: 'Europe/Madrid' },
        { scope: 'project', id: 'default', limitNanoUsd: 3, period: 'total', timeZone: 'Europe/Madrid' },
      ],
    });
  });

  test('works with both of its secrets while it is rotated, and with the new one alone afterwards', async () => {
    const old = await world.addKey({ id: 'key_1' });
    const next = await world.addSecret('key_1');
    await world.db
      .updateTable('api_key_secrets')
      .set({ expires_at: new Date(world.clock.now() + 60_000) })
      .where('key_id', '=', 'key_1')
      .where('hash', '=', (await world.db.selectFrom('api_key_secrets').select('hash').orderBy('created_at').executeTakeFirstOrThrow()).hash)
      .execute();
    expect([await byBearer(old), await byBearer(next)]).toMatchObject([{ keyId: 'key_1' }, { keyId: 'key_1' }]);
    await world.clock.advance(60_000);
    expect((await refusal(() => byBearer(old))).code).toBe('UNAUTHORIZED');
    expect(await byBearer(next)).toMatchObject({ keyId: 'key_1' });
  });

  test('is noted as used once a minute, and nobody waits for it', async () => {
    const key = await world.addKey({ id: 'key_1' });
    const usedAt = async (): Promise<number | undefined> =>
      (await world.inProject(EVERY_PROJECT, (db) => db.selectFrom('api_keys').select('last_used_at').executeTakeFirstOrThrow())).last_used_at?.getTime();
    const began = world.clock.now();
    const noted = async (at: number): Promise<void> => {
      const deadline = performance.now() + 5000;
      while ((await usedAt()) !== at) if (performance.now() > deadline) throw new Error(`${await usedAt()} is not ${at}`);
    };
    await byBearer(key);
    await noted(began);
    await world.clock.advance(30_000);
    world.reads = 0;
    await byBearer(key);
    expect(world.reads).toBe(1);
    await world.clock.advance(31_000);
    await byBearer(key);
    await noted(began + 61_000);
  });
});

describe('within a second it is seen that', () => {
  const ends: Record<string, () => Promise<unknown>> = {
    'the key was revoked': () => change({ revoked_at: new Date() }),
    'the key expired': () => change({ expires_at: new Date(world.clock.now()) }),
    'the secret was taken away': () => world.db.deleteFrom('api_key_secrets').execute(),
    'the key was deleted': () => world.inProject(EVERY_PROJECT, (db) => db.deleteFrom('api_keys').execute()),
    'its user was disabled': () => changeUser({ disabled_at: new Date() }),
    'its user may only look on': () => changeUser({ role: 'viewer' }),
  };
  for (const [name, end] of Object.entries(ends)) {
    test(name, async () => {
      const key = await world.addKey({ user_id: 'usr_1' });
      await Promise.all([byBearer(key), byHeader(key)]);
      await end();
      await world.clock.advance(1000);
      expect((await refusal(() => byBearer(key))).message).toBe('The API key is not valid');
      expect((await refusal(() => byHeader(key))).message).toBe('The API key is not valid');
    });
  }

  test('its limits, its models and its routes changed', async () => {
    const key = await world.addKey();
    await byBearer(key);
    await change({ rpm: 7, allowed_models: ['demo'], allowed_routes: ['/generate'] });
    await world.clock.advance(1000);
    expect(await byBearer(key)).toMatchObject({ limits: [{ rpm: 7 }], allowedModels: ['demo'], allowedRoutes: ['/generate'] });
  });

  test('its user went to another project, and came back', async () => {
    const key = await world.addKey({ user_id: 'usr_1' });
    await world.db.insertInto('projects').values({ id: 'prj_1', name: 'Other' }).execute();
    await changeUser({ project_id: 'prj_1' });
    expect((await refusal(() => byBearer(key))).code).toBe('UNAUTHORIZED');
    await changeUser({ role: 'admin' });
    await world.clock.advance(1000);
    expect(await byBearer(key)).toMatchObject({ projectId: 'default', userId: 'usr_1' });
    await changeUser({ role: 'member', project_id: 'default' });
    await world.clock.advance(1000);
    expect(await byBearer(key)).toMatchObject({ projectId: 'default', userId: 'usr_1' });
    await world.db.deleteFrom('projects').where('id', '=', 'prj_1').execute();
  });
});

describe('with the database away', () => {
  test('a key that was checked within a minute goes on, and then it is 503 and not 401', async () => {
    const key = await world.addKey();
    await byBearer(key);
    world.state = 'refusing';
    await world.clock.advance(60_000);
    expect(await byBearer(key)).toMatchObject({ kind: 'key' });
    await world.clock.advance(1000);
    expect((await refusal(() => byBearer(key))).code).toBe('SERVICE_UNAVAILABLE');
    const other = await world.addKey();
    expect((await refusal(() => byBearer(other))).code).toBe('SERVICE_UNAVAILABLE');
  });
});

const setBudget = (budget_nano_usd: number): Promise<unknown> => world.db.updateTable('projects').set({ budget_nano_usd, budget_period: 'day' }).execute();

describe('taken back', () => {
  test('are a revoked key and an ended sign-in, and not a token that has run out or a database that is away', async () => {
    const { identify } = world;
    const [key, token] = [await world.addKey(), world.bearer()];
    await Promise.all([byHeader(key), identify.caller(token, null)]);
    expect([await identify.isRevoked(null, key), await identify.isRevoked(token, null), await identify.isRevoked(null, null)]).toEqual([false, false, false]);
    world.state = 'refusing';
    await world.clock.advance(3_600_000);
    expect([await identify.isRevoked(null, key), await identify.isRevoked(token, null)]).toEqual([false, false]);
    world.state = 'well';
    await world.clock.advance(1000);
    expect([await identify.isRevoked(null, key), await identify.isRevoked(token, null)]).toEqual([false, false]);
    await change({ revoked_at: new Date() });
    await world.db.updateTable('sessions').set({ revoked_at: new Date() }).execute();
    await world.clock.advance(1000);
    expect([await identify.isRevoked(null, key), await identify.isRevoked(token, null)]).toEqual([true, true]);
  });
});

describe('nobody', () => {
  test('has the budget of the default project, read once a second when nobody comes, and said at once in between', async () => {
    expect(await world.identify.nobody()).toEqual({ kind: 'anonymous', projectId: 'default', limits: [], budgets: [] });
    await setBudget(5);
    for (let call = 0; call < 1000; call++) expect(world.identify.nobody()).toMatchObject({ budgets: [] });
    expect(world.reads).toBe(1);
    await world.clock.advance(1000);
    expect(await world.identify.nobody()).toMatchObject({ budgets: [{ scope: 'project', id: 'default', limitNanoUsd: 5, period: 'day', timeZone: 'UTC' }] });
  });

  test('goes on with what was last known while the database is away, and does not begin without', async () => {
    world.state = 'refusing';
    expect((await refusal(() => world.identify.nobody())).code).toBe('SERVICE_UNAVAILABLE');
    expect((await refusal(async () => world.identify.nobody())).code).toBe('SERVICE_UNAVAILABLE');
    expect(world.reads).toBe(1);
    world.state = 'well';
    await world.clock.advance(1000);
    await world.identify.nobody();
    world.state = 'refusing';
    await world.clock.advance(3_600_000);
    expect(await world.identify.nobody()).toMatchObject({ kind: 'anonymous' });
  });
});
