import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { bringRedis, type RedisServer, startRedisServer } from '../scripts/testing/redis-server.ts';
import { type FakeUpstream, startFakeUpstream } from './fake-upstream/server.ts';
import { type Answered, call, type LogLine, type Sluice, startSluice, until } from './harness.ts';
import { openPeople, type People, WITHIN_MS } from './people.ts';

/** Calls and tokens a minute, and calls at once, of keys and of users. */
type Body = {
  readonly usage: { readonly total_tokens: number };
  readonly error: { readonly code: string; readonly message: string; readonly details: Record<string, unknown> };
};

let nth = 0;
/** Never the same twice, so that no cache answers. */
function generate(where: Sluice, key: string, parts: object = {}): Promise<Answered<Body>> {
  return call<Body>(`${where.url}/generate`, { json: { prompt: `hi ${nth++}`, ...parts }, headers: { 'x-api-key': key } });
}

async function makeKey(people: People, bounds: object): Promise<{ readonly id: string; readonly key: string }> {
  const { json, status, text } = await people.ask<{ id: string; key: string }>('POST', '/api/v1/keys', { name: 'shop', user_id: null, ...bounds });
  if (status !== 201) throw new Error(`no key was made: ${status} ${text}`);
  return json;
}

function statuses(answers: readonly Answered<Body>[]): readonly number[] {
  return answers.map(({ status }) => status).toSorted((a, b) => a - b);
}

describe('a key of one process', () => {
  let people: People;
  let upstream: FakeUpstream;
  beforeAll(async () => {
    upstream = await startFakeUpstream();
    people = await openPeople({ OPENAI_API_KEY: 'sk-upstream-000000000000', OPENAI_BASE_URL: upstream.url });
  }, 60_000);
  afterAll(async () => {
    await people.stop();
    upstream.stop();
  });

  test('has its calls a minute, headers that say what is left, and 429 with Retry-After when nothing is', async () => {
    const { key } = await makeKey(people, { rpm: 3 });
    const answers = [];
    for (let calls = 0; calls < 4; calls++) answers.push(await generate(people.sluice, key));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429]);
    expect(answers.map(({ headers }) => headers.get('ratelimit'))).toEqual([2, 1, 0, 0].map((left) => `"key-requests";r=${left};t=60`));
    const refused = answers[3];
    expect(refused?.headers.get('ratelimit-policy')).toBe('"key-requests";q=3;w=60');
    expect(refused?.json.error).toMatchObject({
      code: 'RATE_LIMIT_EXCEEDED',
      message: 'Rate limit exceeded: 3 per 1 minute',
      details: { limit: 3, window_s: 60, scope: 'key', kind: 'requests' },
    });
    expect(Number(refused?.headers.get('retry-after'))).toBeWithin(50, 61);
    expect(Number(refused?.headers.get('retry-after-ms'))).toBeWithin(50_000, 60_001);
  });

  test('has the calls that a change gives it within a second, and keeps what it has used', async () => {
    const { id, key } = await makeKey(people, { rpm: 2 });
    expect(statuses([await generate(people.sluice, key), await generate(people.sluice, key), await generate(people.sluice, key)])).toEqual([200, 200, 429]);
    await people.ask('PATCH', `/api/v1/keys/${id}`, { rpm: 4 });
    await Bun.sleep(WITHIN_MS);
    expect(statuses([await generate(people.sluice, key), await generate(people.sluice, key), await generate(people.sluice, key)])).toEqual([200, 200, 429]);
  });

  test('uses no more tokens than it may, and gets back those that it asked for and did not use', async () => {
    const { key } = await makeKey(people, { tpm: 1000 });
    const answers = [];
    do answers.push(await generate(people.sluice, key, { max_tokens: 200 }));
    while (answers.at(-1)?.status === 200);
    const used = answers.slice(0, -1).reduce((sum, { json }) => sum + json.usage.total_tokens, 0);
    expect(used).toBeWithin(750, 1001);
    expect(answers.length).toBeGreaterThan(6);
    expect(answers.at(-1)?.json.error.message).toBe('Rate limit exceeded: 1000 tokens per 1 minute');
    expect(answers[0]?.headers.get('x-ratelimit-limit-tokens')).toBe('1000');
  });

  test('has as many calls at once as it may, and the next when one of them is over, however it ends', async () => {
    const { key } = await makeKey(people, { max_parallel: 2 });
    upstream.script([{ match: { prompt: 'slow' }, stall: true }]);
    const leaving = [new AbortController(), new AbortController()];
    const slow = leaving.map(({ signal }, at) =>
      fetch(`${people.sluice.url}/generate`, {
        method: 'POST',
        signal,
        headers: { 'content-type': 'application/json', 'x-api-key': key },
        body: JSON.stringify({ prompt: `slow ${at}` }),
      }).catch(() => null),
    );
    await upstream.until((calls) => calls.filter(({ bodyText }) => bodyText.includes('slow')).length === 2);
    const refused = await generate(people.sluice, key);
    expect([refused.status, refused.json.error.message, refused.headers.get('retry-after')]).toEqual([429, 'Rate limit exceeded: 2 calls at once', '1']);
    leaving[0]?.abort();
    await until(async () => (await generate(people.sluice, key)).status === 200);
    leaving[1]?.abort();
    await Promise.all(slow);
    upstream.reset();
    await until(async () => statuses(await Promise.all([generate(people.sluice, key), generate(people.sluice, key)])).every((status) => status === 200));
  });

  test('counts against the limits of its user too, together with all that the user does', async () => {
    const user = await people.newUser({ role: 'member', rpm: 3 });
    const { key } = await makeKey(people, { rpm: 100, user_id: user.id });
    const headers = await people.asUser(user);
    const asUser = await call<Body>(`${people.sluice.url}/generate`, { json: { prompt: 'myself' }, headers });
    expect([asUser.status, asUser.headers.get('ratelimit')]).toEqual([200, '"user-requests";r=2;t=60']);
    const answers = [await generate(people.sluice, key), await generate(people.sluice, key), await generate(people.sluice, key)];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 429]);
    expect(answers[2]?.json.error.details).toEqual({ limit: 3, window_s: 60, scope: 'user', kind: 'requests' });
  });
});

function said(where: Sluice, words: string): LogLine | undefined {
  return where.logs().find(({ message }) => message.startsWith(words));
}

type Health = { readonly checks: { readonly limits: { readonly store: string; readonly processes: number } } };
async function health(where: Sluice): Promise<Health['checks']['limits']> {
  return (await call<Health>(`${where.url}/health`)).json.checks.limits;
}

if (await bringRedis()) {
  describe('a key of two processes with Redis', () => {
    let redis: RedisServer;
    let people: People;
    let replica: Sluice;
    beforeAll(async () => {
      redis = await startRedisServer();
      const env = { REDIS_URL: redis.url, RATE_LIMIT_GENERATE: '10/minute' };
      people = await openPeople(env);
      replica = await startSluice({ env: { TRUST_PROXY: 'loopback', ...people.database.env, ...env }, dataDir: people.sluice.dataDir });
    }, 60_000);
    afterAll(async () => {
      await replica.end();
      await people.stop();
      await redis.stop();
    });
    const both = (): readonly Sluice[] => [people.sluice, replica];

    test('has its calls a minute over both, and an address too', async () => {
      const { key } = await makeKey(people, { rpm: 10 });
      const answers = await Promise.all([...both(), ...both()].flatMap((where) => Array.from({ length: 10 }, () => generate(where, key))));
      expect(answers.filter(({ status }) => status === 200).length).toBe(10);
      expect(answers.filter(({ status }) => status === 429).length).toBe(30);
      const anonymous = await Promise.all(
        [...both(), ...both()].flatMap((where) =>
          Array.from({ length: 5 }, () => call<Body>(`${where.url}/generate`, { json: { prompt: 'hi' }, headers: { 'x-forwarded-for': '198.51.100.1' } })),
        ),
      );
      expect(anonymous.filter(({ status }) => status === 200).length).toBe(10);
    });

    test('goes on with the share of each when Redis is away, with a word in the log, and over both again when it is back', async () => {
      const { key } = await makeKey(people, { rpm: 8 });
      for (const where of both()) await until(async () => (await health(where)).processes === 2, 10_000);
      expect((await health(replica)).store).toBe('redis');
      await redis.stop();
      for (const where of both()) await until(() => said(where, 'Redis is away') !== undefined);
      expect(said(people.sluice, 'Redis is away')?.['level']).toBe('warning');
      expect((await health(replica)).store).toBe('local');
      const without = await Promise.all(both().flatMap((where) => Array.from({ length: 8 }, () => generate(where, key))));
      expect(without.filter(({ status }) => status === 200).length).toBeWithin(2, 9);
      redis = await startRedisServer(redis.port);
      for (const where of both()) await until(() => said(where, 'Redis is back') !== undefined);
      const again = await Promise.all(both().flatMap((where) => Array.from({ length: 8 }, () => generate(where, key))));
      expect([...without, ...again].filter(({ status }) => status === 200).length).toBeLessThanOrEqual(8);
    });
  });
}
