import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FakeUpstream, startFakeUpstream } from './fake-upstream/server.ts';
import { type Answered, call, signIn, type Sluice, startSluice, until } from './harness.ts';

/** The real process before providers with several keys, of which it sees which one it was called by. */
const [ONE, TWO, THREE] = ['sk-one-0000000000000000001aaa', 'sk-two-0000000000000000002bbb', 'sk-three-000000000000000003ccc'] as const;

type Said = { readonly response: string; readonly cost_usd: number };
type Target = {
  readonly model: string;
  readonly key: string | null;
  readonly rests_for_ms: number;
  readonly breaker: { readonly state: string };
  readonly last_failure: { readonly fault: string; readonly status: number } | null;
  readonly traffic: { readonly calls: number; readonly failures: number; readonly in_flight: number } | null;
};
type Listed = { readonly id: string; readonly keys: readonly object[] | null; readonly targets: readonly Target[] };
type Explained = {
  readonly candidates: readonly { readonly provider: string; readonly key: string | null; readonly why: string; readonly passed_over: string | null }[];
};
type Failed = { readonly error: { readonly code: string } };

let upstream: FakeUpstream;
let sluice: Sluice;
let folder: string;
let user: Record<string, string>;

function configText(): string {
  const server = { base_url: upstream.url, models: ['m'] };
  const anthropic = { kind: 'anthropic', base_url: upstream.origin, models: ['c'] };
  return JSON.stringify({
    providers: {
      two: { ...server, api_keys: [{ key: ONE, name: 'first', weight: 3 }, TWO] },
      three: { ...server, api_keys: [ONE, TWO, THREE] },
      bounded: {
        ...server,
        api_keys: [
          { key: ONE, name: 'first', rpm: 4 },
          { key: TWO, name: 'second', max_parallel: 1 },
        ],
      },
      claude: { ...anthropic, api_keys: [ONE, '${SECOND_KEY}'] },
      other: { ...server, api_key: THREE },
    },
    models: {
      sticky: { targets: ['three/m'], sticky: true },
      bounded: { targets: ['bounded/m'], fallbacks: ['other/m'] },
      safe: { targets: ['two/safe'], fallbacks: ['other/m'] },
    },
    prices: { 'two/*': { input: 1, output: 1 }, 'three/*': { input: 1, output: 1 } },
  });
}

beforeAll(async () => {
  upstream = await startFakeUpstream();
  folder = mkdtempSync(join(tmpdir(), 'sluice-keys-'));
  const file = join(folder, 'sluice.config.yaml');
  writeFileSync(file, configText());
  const env = { SLUICE_CONFIG: file, SECOND_KEY: TWO, UPSTREAM_MAX_RETRIES: '1', UPSTREAM_BACKOFF_BASE_S: '0.02' };
  sluice = await startSluice({ env });
  user = await signIn(sluice.url);
}, 60_000);
afterEach(() => upstream.script([]));
afterAll(async () => {
  await sluice.stop();
  upstream.stop();
  rmSync(folder, { recursive: true });
});

let prompts = 0;
function ask(model: string, headers: Record<string, string> = {}): Promise<Answered<Said & Failed>> {
  return call(`${sluice.url}/generate`, { json: { prompt: `prompt ${++prompts}`, model }, headers: { 'cache-control': 'no-store', ...headers } });
}

/** The keys of the calls for a model, in order. */
function keysOf(model: string): readonly string[] {
  return upstream
    .calls()
    .filter(({ body }) => (body as { model?: string } | null)?.model === model)
    .map(({ headers }) => headers['x-api-key'] ?? headers['authorization']?.replace('Bearer ', '') ?? '');
}

async function listed(id: string, headers = user): Promise<Listed> {
  const { json } = await call<{ readonly data: readonly Listed[] }>(`${sluice.url}/api/v1/providers`, { headers });
  const found = json.data.find((each) => each.id === id);
  if (found === undefined) throw new Error(`there is no ${id}`);
  return found;
}

/** By the first key. */
async function targetOf(model: string): Promise<Target | undefined> {
  return (await listed('two')).targets.find((each) => each.model === model && each.key === 'first');
}

async function explain(model: string, session?: string): Promise<Explained['candidates']> {
  return (await call<Explained>(`${sluice.url}/api/v1/route/explain`, { json: { model, session }, headers: user })).json.candidates;
}

async function times(count: number, one: () => Promise<unknown>): Promise<void> {
  for (let done = 0; done < count; done++) await one();
}

test('calls are spread over the keys by weight', async () => {
  await times(80, () => ask('two/spread'));
  const keys = keysOf('spread');
  const first = keys.filter((key) => key === ONE).length;
  expect(keys.length).toBe(80);
  expect(new Set(keys)).toEqual(new Set([ONE, TWO]));
  expect(first).toBeGreaterThan(42);
  expect(first).toBeLessThan(76);
});

test('Anthropic has its own in its own header', async () => {
  await times(24, () => ask('claude/c'));
  expect(new Set(keysOf('c'))).toEqual(new Set([ONE, TWO]));
});

describe('a key that', () => {
  test.each([
    [401, 'unauthorized', 'open'],
    [403, 'unauthorized', 'open'],
  ] as const)('%d is answered to is set aside, and no caller hears of it', async (status, fault, state) => {
    const model = `bad-${status}`;
    upstream.script({ match: { model, key: ONE }, status });
    await times(12, async () => expect((await ask(`two/${model}`)).status).toBe(200));
    expect(keysOf(model).filter((key) => key === ONE).length).toBeLessThanOrEqual(2);
    const target = await targetOf(model);
    expect(target).toMatchObject({ breaker: { state }, last_failure: { fault, status } });
  });

  test('has no calls left is asked again when its provider says, and the others go on', async () => {
    upstream.script({ match: { model: 'limited', key: ONE }, status: 429, headers: { 'retry-after': '2' } });
    await times(10, async () => expect((await ask('two/limited')).status).toBe(200));
    expect(keysOf('limited').filter((key) => key === ONE).length).toBe(1);
    const target = await targetOf('limited');
    expect(target).toMatchObject({ breaker: { state: 'closed' }, last_failure: { fault: 'rate_limited', status: 429 } });
    expect(target?.rests_for_ms).toBeGreaterThan(500);
    expect(target?.rests_for_ms).toBeLessThanOrEqual(2000);
    const explained = await explain('two/limited');
    expect(explained.map(({ key, passed_over: passedOver }) => [key, passedOver])).toEqual([
      ['key 2 …2bbb', null],
      ['first', 'resting'],
    ]);
    upstream.script([]);
    await until(async () => (await ask('two/limited')).status === 200 && keysOf('limited').filter((key) => key === ONE).length > 1, 10_000);
  });

  test('is one of several that are all used up leaves its calls to the fallback', async () => {
    upstream.script({ match: { model: 'safe' }, status: 429, headers: { 'retry-after': '30' } });
    const answers: Answered<Said>[] = [];
    await times(6, async () => answers.push(await ask('safe')));
    expect(answers.every(({ status, headers }) => status === 200 && headers.get('x-provider') === 'other')).toBe(true);
    expect(answers.map(({ headers }) => headers.get('x-upstream-attempts'))).toEqual(['3', '1', '1', '1', '1', '1']);
    expect(keysOf('safe').toSorted()).toEqual([ONE, TWO]);
    const refused = await ask('two/safe');
    expect([refused.status, refused.json.error.code]).toEqual([429, 'UPSTREAM_RATE_LIMITED']);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(20);
    expect(keysOf('safe').length).toBe(2);
  });
});

test('what each key may have a minute and at a time is held, and the rest goes to the fallback', async () => {
  upstream.script({ match: { model: 'm' }, delayMs: 100 });
  const before = keysOf('m').length;
  const answers = await Promise.all(Array.from({ length: 12 }, () => ask('bounded')));
  expect(answers.every(({ status }) => status === 200)).toBe(true);
  const keys = keysOf('m').slice(before);
  expect([ONE, TWO, THREE].map((each) => keys.filter((key) => key === each).length)).toEqual([4, 1, 7]);
  const explained = await explain('bounded');
  expect(explained.find(({ key }) => key === 'first')).toMatchObject({ passed_over: 'resting' });
});

test('a session of an alias that is sticky stays with a key, whose calls others share', async () => {
  const used = await Promise.all(
    Array.from({ length: 12 }, async (_, session) => {
      const prompt = `session ${session} of the keys`;
      const json = { prompt, model: 'sticky' };
      await times(4, () => call(`${sluice.url}/generate`, { json, headers: { 'cache-control': 'no-store', 'x-session-id': `session ${session}` } }));
      const own = upstream.calls().filter(({ bodyText }) => bodyText.includes(`"${prompt}"`));
      return new Set(own.map(({ headers }) => headers['authorization']));
    }),
  );
  expect(used.every((keys) => keys.size === 1)).toBe(true);
  expect(new Set(used.flatMap((keys) => [...keys])).size).toBeGreaterThan(1);
  const [first] = await explain('sticky', 'session 0');
  expect([`Bearer ${ONE}`, `Bearer ${TWO}`, `Bearer ${THREE}`][Number(/\d/.exec(first?.key ?? '')?.[0]) - 1]).toBe([...(used[0] ?? [])][0]);
  expect(first?.why).toContain('by the key that answered the session before');
});

describe('GET /api/v1/providers', () => {
  test('shows each key by its name or its last letters, never the key, and to who is not signed in none of it', async () => {
    const bounds = { weight: 1, rpm: null, max_parallel: null };
    expect((await listed('two')).keys).toEqual([
      { ...bounds, name: 'first', weight: 3 },
      { ...bounds, name: 'key 2 …2bbb' },
    ]);
    expect((await listed('bounded')).keys).toEqual([
      { ...bounds, name: 'first', rpm: 4 },
      { ...bounds, name: 'second', max_parallel: 1 },
    ]);
    expect((await listed('other')).keys).toBeNull();
    const anonymous = await listed('two', {});
    expect([anonymous.keys, anonymous.targets.every(({ key, traffic }) => key === null && traffic === null)]).toEqual([null, true]);
    const said = [await listed('two'), await listed('three'), anonymous, await explain('sticky')].map((each) => JSON.stringify(each)).join('');
    for (const key of [ONE, TWO, THREE]) {
      expect(said).not.toContain(key);
      expect(JSON.stringify(sluice.logs())).not.toContain(key);
    }
  });

  test('counts the calls of each, and all of them are in the ledger once', async () => {
    const [one, two] = (await listed('two')).targets.filter(({ model }) => model === 'spread');
    expect((one?.traffic?.calls ?? 0) + (two?.traffic?.calls ?? 0)).toBe(80);
    type Rows = { readonly data: readonly { readonly provider: string; readonly model: string; readonly cost_usd: number }[] };
    const rows = async (): Promise<Rows['data']> => (await call<Rows>(`${sluice.url}/api/v1/requests?model=spread&limit=100`, { headers: user })).json.data;
    await until(async () => (await rows()).length === 80);
    expect((await rows()).every(({ provider, cost_usd: cost }) => provider === 'two' && cost > 0)).toBe(true);
  });
});
