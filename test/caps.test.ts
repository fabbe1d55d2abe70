import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bringRedis, type RedisServer, startRedisServer } from '../scripts/testing/redis-server.ts';
import { type FakeUpstream, startFakeUpstream } from './fake-upstream/server.ts';
import { call, signIn, type Sluice, startSluice, until } from './harness.ts';
import { makeDatabase, run, type TestDatabase } from './test-database.ts';

/** A cap is a cap: $5.00, and a thousand calls at once of which each costs $0.10, over four processes. */
const PROCESSES = 4;
const CALLS = 1000;
const TOKENS = 1000;
const CONFIG = { prices: { 'openai/gpt-4o-mini': { input: 0, output: 100 } } };

let upstream: FakeUpstream;
let database: TestDatabase;
const processes: Sluice[] = [];
/** The same service with Redis, for as long as its test runs. */
let shown: Sluice[] = processes;
let env: Record<string, string>;
let dataDir: string;
let admin: Record<string, string>;

beforeAll(async () => {
  upstream = await startFakeUpstream();
  upstream.script({ usage: { input: 9, output: TOKENS }, delayMs: 20 });
  database = await makeDatabase();
  dataDir = mkdtempSync(join(tmpdir(), 'sluice-caps-'));
  const config = join(dataDir, 'sluice.config.yaml');
  writeFileSync(config, JSON.stringify(CONFIG));
  env = { OPENAI_API_KEY: 'sk-upstream-000000000000', OPENAI_BASE_URL: upstream.url, SLUICE_CONFIG: config, ...database.env };
  for (let count = 0; count < PROCESSES; count++) processes.push(await startSluice({ dataDir, env }));
  admin = await signIn(urlOf(0));
}, 60_000);
afterAll(async () => {
  for (const each of processes.slice(1)) await each.end();
  await processes[0]?.stop();
  upstream.stop();
  await database.drop();
});

function urlOf(number: number): string {
  return shown[number % PROCESSES]?.url ?? '';
}

async function sql(statement: string): Promise<void> {
  await run(database.urlOf(processes[0] as Sluice), statement);
}

type Made = { readonly id: string; readonly key: string };
type Failed = { readonly error: { readonly code: string; readonly details: Record<string, unknown> } };

async function newKey(more: object = {}): Promise<Made> {
  const { status, json } = await call<Made>(`${urlOf(0)}/api/v1/keys`, { json: { name: 'caps', ...more }, headers: admin });
  expect(status).toBe(201);
  return json;
}

/** How many calls were answered, and with what the others were refused. */
async function callAll(keys: readonly Made[], calls = CALLS): Promise<{ readonly answered: number; readonly refused: readonly Failed[] }> {
  upstream.reset();
  upstream.script({ usage: { input: 9, output: TOKENS }, delayMs: 20 });
  const answers = await Promise.all(
    Array.from({ length: calls }, (_, number) =>
      call<Failed>(`${urlOf(number)}/generate`, {
        json: { prompt: `call ${number}`, max_tokens: TOKENS },
        headers: { authorization: `Bearer ${keys[number % keys.length]?.key}`, 'cache-control': 'no-store' },
      }),
    ),
  );
  const refused = answers.filter((answer) => answer.status !== 200);
  expect(refused.map((answer) => `${answer.status} ${answer.json.error.code}`).filter((words) => words !== '402 BUDGET_EXCEEDED')).toEqual([]);
  expect(refused.every((answer) => answer.headers.get('x-should-retry') === 'false')).toBe(true);
  expect(upstream.counts().calls).toBe(calls - refused.length);
  return { answered: calls - refused.length, refused: refused.map((answer) => answer.json) };
}

describe('of 1,000 calls at once over four processes exactly 50 are admitted by a budget of $5.00', () => {
  test('of a key', async () => {
    const key = await newKey({ budget: { usd: 5, period: 'total' } });
    const { answered, refused } = await callAll([key]);
    expect(answered).toBe(50);
    expect(refused[0]?.error.details).toMatchObject({ budget: 5, scope: 'key', id: key.id, period: 'total', resets_at: null });
    // And none later, wherever it asks.
    expect((await callAll([key], 40)).answered).toBe(0);
  }, 60_000);

  test('of a user, whose keys share it', async () => {
    await sql(`insert into users (id, username, password_hash, password_source, role, project_id, budget_nano_usd, budget_period)
      values ('usr_caps', 'caps', '-', 'user', 'member', 'default', 5000000000, 'day')`);
    const mine = { user_id: 'usr_caps' };
    const keys = [await newKey(mine), await newKey(mine), await newKey(mine)];
    const { answered, refused } = await callAll(keys);
    expect(answered).toBe(50);
    expect(refused[0]?.error.details).toMatchObject({ budget: 5, scope: 'user', period: 'day' });
  }, 60_000);

  test('of a project, whose keys and anonymous callers share it', async () => {
    await sql(`insert into projects (id, name, budget_nano_usd, budget_period) values ('prj_caps', 'Caps', 5000000000, 'month')`);
    const keys = [await newKey({ project_id: 'prj_caps', user_id: null }), await newKey({ project_id: 'prj_caps', user_id: null })];
    const { answered, refused } = await callAll(keys);
    expect(answered).toBe(50);
    expect(refused[0]?.error.details).toMatchObject({ budget: 5, scope: 'project', id: 'prj_caps', period: 'month' });
  }, 60_000);
});

if (await bringRedis()) {
  describe('with Redis for the limits, the budget of a key holds', () => {
    let redis: RedisServer;
    beforeAll(async () => {
      redis = await startRedisServer();
      shown = [];
      for (let count = 0; count < PROCESSES; count++) shown.push(await startSluice({ dataDir, env: { ...env, REDIS_URL: redis.url } }));
    }, 60_000);
    afterAll(async () => {
      for (const each of shown) await each.end();
      shown = processes;
      await redis.stop();
    });

    for (const [what, signal] of [
      ['while it is there', null],
      ['when it stands still in the middle', 'SIGSTOP'],
      ['when it is killed in the middle', 'SIGKILL'],
    ] as const) {
      test(
        what,
        async () => {
          const key = await newKey({ budget: { usd: 5, period: 'total' }, rpm: 1_000_000, max_parallel: 10_000 });
          const called = callAll([key]);
          await until(() => upstream.counts().calls > 0);
          if (signal) redis.signal(signal);
          expect((await called).answered).toBe(50);
          if (signal === 'SIGSTOP') redis.signal('SIGCONT');
        },
        60_000,
      );
    }
  });
}

test('a provider that goes on beyond the longest answer is cut, with an error that the caller sees', async () => {
  const key = await newKey({ budget: { usd: 1, period: 'total' } });
  upstream.script({ text: 'tide '.repeat(300), chunks: 300, chunkDelayMs: 1, ignoreMaxTokens: true });
  const { text } = await call(`${urlOf(0)}/generate?stream=true`, {
    json: { prompt: 'go on', max_tokens: 100 },
    headers: { authorization: `Bearer ${key.key}`, 'cache-control': 'no-store' },
  });
  expect(text).toContain('event: error');
  expect(text).toContain('BUDGET_EXCEEDED');
  expect(text.match(/^data: tide/gm)?.length).toBeLessThanOrEqual(101);
  await until(() => upstream.calls().every((each) => each.closedByClientAt !== null || each.endedAt !== null));
});
