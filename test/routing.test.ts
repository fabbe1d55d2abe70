import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FakeUpstream, startFakeUpstream } from './fake-upstream/server.ts';
import { type Answered, call, parseEvents, signIn, type Sluice, startSluice, until } from './harness.ts';
import { type Trouble, TROUBLES } from './routing/troubles.ts';

/** Two providers that do as they are told, and where calls to them go. */
const KEY = 'sk-upstream-000000000000';
/** Of each trouble, so that no breaker opens among them: each has a model of its own. */
const TIMES = 5;

let a: FakeUpstream;
let b: FakeUpstream;
let sluice: Sluice;
let folder: string;
let user: Record<string, string>;

type Failed = { readonly error: { readonly code: string; readonly details: { readonly upstream?: { readonly attempts?: number; readonly state?: string } } } };
type Said = { readonly response: string } & Partial<Failed>;
type Place = { readonly provider: string; readonly model: string; readonly breaker: { readonly state: string; readonly since: string | null } };
type Candidate = Place & { readonly reason: string; readonly passed_over: string | null; readonly why: string; readonly cost_usd: number };
type Explained = { readonly candidates: readonly Candidate[]; readonly left_out: readonly { readonly provider: string; readonly lacks: string }[] };
type Target = Place & {
  readonly last_failure: { readonly fault: string; readonly status: number | null } | null;
  readonly traffic: { readonly calls: number; readonly failures: number; readonly in_flight: number } | null;
  readonly first_piece_ms: number | null;
};
type Listed = { readonly id: string; readonly host: string | null; readonly max_parallel: number | null; readonly targets: readonly Target[] };

const NAMES = Object.keys(TROUBLES);
const modelOf = (name: string, stream: boolean, time: number): string => `t${NAMES.indexOf(name)}-${stream ? 'stream' : 'whole'}-${time}`;
const aliasOf = (model: string): [string, object] => [model, { targets: [`a/${model}`], fallbacks: ['b/m'] }];

function server(upstream: FakeUpstream, more: object = {}): object {
  return { base_url: upstream.url, api_key: KEY, models: ['m'], ...more };
}

function configText(): string {
  const troubled = NAMES.flatMap((name) => Array.from({ length: TIMES }, (_, time) => [modelOf(name, true, time), modelOf(name, false, time)])).flat();
  return JSON.stringify({
    providers: { a: server(a), b: server(b), few: server(a, { max_parallel: 2 }) },
    models: {
      ...Object.fromEntries(troubled.map(aliasOf)),
      outage: { targets: ['a/outage'], fallbacks: ['b/m'] },
      cheapest: { targets: ['a/dear', 'b/cheap'], strategy: 'cheapest' },
      fastest: { targets: ['a/slow', 'b/fast'], strategy: 'fastest' },
      sticky: { targets: ['a/sticky', 'b/sticky'], sticky: true },
      able: { targets: ['a/gpt-3.5-turbo', 'b/m'], strategy: 'ordered' },
      few: { targets: ['few/m'], fallbacks: ['b/m'] },
    },
    prices: { 'a/*': { input: 2, output: 4 }, 'b/*': { input: 1, output: 2 }, 'few/*': { input: 1, output: 1 } },
  });
}

beforeAll(async () => {
  [a, b] = [await startFakeUpstream(), await startFakeUpstream()];
  b.script({ text: 'from b' });
  folder = mkdtempSync(join(tmpdir(), 'sluice-routing-'));
  const file = join(folder, 'sluice.config.yaml');
  writeFileSync(file, configText());
  const env = { SLUICE_CONFIG: file, UPSTREAM_MAX_RETRIES: '1', UPSTREAM_BACKOFF_BASE_S: '0.02', UPSTREAM_READ_TIMEOUT_S: '0.5' };
  sluice = await startSluice({ env });
  user = await signIn(sluice.url);
}, 60_000);
afterAll(async () => {
  await sluice.stop();
  for (const upstream of [a, b]) upstream.stop();
  rmSync(folder, { recursive: true });
});

type Asking = { readonly stream?: boolean; readonly headers?: Record<string, string> };
let prompts = 0;
function ask(model: string, { stream = false, headers = {} }: Asking = {}): Promise<Answered<Said>> {
  const json = { prompt: `prompt ${++prompts}`, model };
  return call<Said>(`${sluice.url}/generate${stream ? '?stream=true' : ''}`, { json, headers: { 'cache-control': 'no-store', ...headers } });
}

async function explain(body: object, headers = user): Promise<Explained> {
  return (await call<Explained>(`${sluice.url}/api/v1/route/explain`, { json: body, headers })).json;
}

async function providers(headers: Record<string, string> = user): Promise<readonly Listed[]> {
  return (await call<{ readonly data: readonly Listed[] }>(`${sluice.url}/api/v1/providers`, { headers })).json.data;
}

async function targetOf(provider: string, model: string): Promise<Target | undefined> {
  return (await providers()).find(({ id }) => id === provider)?.targets.find((target) => target.model === model);
}

function callsTo(upstream: FakeUpstream, model: string): number {
  return upstream.calls().filter(({ body }) => (body as { model?: string } | null)?.model === model).length;
}

/** So many calls, a few at a time. */
async function crowd(count: number, atOnce: number, one: () => Promise<Answered<Said>>): Promise<readonly Answered<Said>[]> {
  const answers: Answered<Said>[] = [];
  const worker = async (): Promise<void> => {
    for (let started = answers.length; started < count && answers.length < count; started++) answers.push(await one());
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return answers;
}

function everyTime(name: string, stream: boolean): Promise<readonly Answered<Said>[]> {
  return Promise.all(Array.from({ length: TIMES }, (_, time) => ask(modelOf(name, stream, time), { stream })));
}

function askedOf(name: string, stream: boolean): readonly number[] {
  return Array.from({ length: TIMES }, (_, time) => callsTo(a, modelOf(name, stream, time)));
}

/** Each of them once. */
function distinct(values: readonly unknown[]): readonly unknown[] {
  return [...new Set(values.map((value) => JSON.stringify(value)))].map((text) => JSON.parse(text) as unknown);
}

/** The one place that all of eight calls were answered by. */
async function placeOf(one: () => Promise<Answered<unknown>>): Promise<string> {
  const places = new Set((await Promise.all(Array.from({ length: 8 }, one))).map(({ headers }) => headers.get('x-provider')));
  expect(places.size).toBe(1);
  return [...places].join('');
}

function reasons({ candidates }: Explained): readonly string[] {
  return candidates.map(({ provider, reason }) => `${provider} ${reason}`);
}

describe('a provider that', () => {
  beforeAll(() => {
    a.script(
      NAMES.flatMap((name) =>
        [true, false].flatMap((stream) =>
          Array.from({ length: TIMES }, (_, time) => ({ ...TROUBLES[name]?.rule, match: { model: modelOf(name, stream, time) } })),
        ),
      ),
    );
  });

  test.each(NAMES)('%s, asked for a whole answer', async (name) => {
    const answers = await everyTime(name, false);
    if (TROUBLES[name]?.whole === 'error') expect(distinct(answers.map(({ json }) => json.error?.code))).toEqual(['UPSTREAM_REJECTED']);
    else expect(distinct(answers.map(({ status, json, headers }) => [status, json.response, headers.get('x-provider')]))).toEqual([[200, 'from b', 'b']]);
    // Tried again once, but for what the next moment would not change.
    const tries = ['says 401', 'refuses the request'].includes(name) ? 1 : 2;
    expect(distinct(askedOf(name, false))).toEqual([tries]);
  });

  test.each(NAMES)('%s, asked for a stream', async (name) => {
    const before = b.counts().calls;
    const answers = await everyTime(name, true);
    const { stream } = TROUBLES[name] as Trouble;
    if (stream === 'error') return expect(distinct(answers.map(({ json }) => json.error?.code))).toEqual(['UPSTREAM_REJECTED']);
    const told = answers.map(({ text, headers }) => {
      const events = parseEvents(text);
      const said = events.filter(({ event }) => event === 'message').map(({ data }) => data);
      return [headers.get('x-provider'), said.join(''), events.at(-1)?.event];
    });
    expect(distinct(told)).toEqual([stream === 'b' ? ['b', 'from b', 'done'] : ['a', 'one ', 'error']]);
    // Once something was said, nobody else is asked.
    expect(b.counts().calls - before).toBe(stream === 'b' ? TIMES : 0);
    if (stream === 'cut') expect(distinct(askedOf(name, true))).toEqual([1]);
  });
});

describe('a provider that fails every call', () => {
  const CALLS = 600;

  test('costs its callers nothing where there is a fallback, is passed over, tried, and used again when it is well', async () => {
    a.script({ match: { model: 'outage' }, status: 503 });
    const before = a.counts().calls + b.counts().calls;
    const answers = await crowd(CALLS, 16, () => ask('outage'));
    const sent = a.counts().calls + b.counts().calls - before;
    expect(answers.filter(({ status, json }) => status === 200 && json.response === 'from b').length).toBeGreaterThanOrEqual(CALLS * 0.995);
    expect(sent).toBeLessThanOrEqual(CALLS * 1.1);

    const open = await targetOf('a', 'outage');
    expect(open).toMatchObject({ breaker: { state: 'open' }, last_failure: { fault: 'failed', status: 503 } });
    expect(Date.now() - Date.parse(open?.breaker.since ?? '')).toBeLessThan(60_000);
    const { candidates } = await explain({ model: 'outage' });
    expect(candidates.map(({ provider, passed_over: passedOver }) => [provider, passedOver])).toEqual([
      ['b', null],
      ['a', 'open'],
    ]);

    a.script([]);
    const seen = callsTo(a, 'outage');
    await until(async () => (await ask('outage')).headers.get('x-provider') === 'a', 35_000);
    // The call that found out was the only one that was sent there.
    expect(callsTo(a, 'outage')).toBe(seen + 1);
    expect(await targetOf('a', 'outage')).toMatchObject({ breaker: { state: 'closed', failures_in_a_row: 0 } });
    expect((await explain({ model: 'outage' })).candidates.map(({ provider }) => provider)).toEqual(['a', 'b']);
  }, 60_000);

  test('gets no more than 1.1 times the calls where there is no other, and answers the first call when it is well again', async () => {
    a.script({ match: { model: 'alone' }, status: 503, delayMs: 5 });
    const before = callsTo(a, 'alone');
    const answers = await crowd(CALLS, 16, () => ask('a/alone'));
    expect(callsTo(a, 'alone') - before).toBeLessThanOrEqual(CALLS * 1.1);
    const refused = answers.filter(({ status }) => status === 503);
    expect(answers.filter(({ status }) => status === 500).length + refused.length).toBe(answers.length);
    expect(refused.length).toBeGreaterThan(0);
    expect(distinct(refused.map(({ json, headers }) => [json.error?.code, json.error?.details.upstream?.state, headers.get('retry-after')]))).toEqual([
      ['SERVICE_UNAVAILABLE', 'open', '1'],
    ]);
    a.script([]);
    expect((await ask('a/alone')).status).toBe(200);
    expect(await targetOf('a', 'alone')).toMatchObject({ breaker: { state: 'closed' } });
  }, 60_000);

  test('has not failed where its caller left', async () => {
    a.script({ match: { model: 'left' }, stall: true });
    for (let count = 0; count < 8; count++) {
      const leaving = new AbortController();
      const asking = fetch(`${sluice.url}/generate`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ prompt: `leaving ${count}`, model: 'a/left' }),
        signal: leaving.signal,
      }).catch(() => 'left');
      await a.until((calls) => calls.filter(({ body }) => (body as { model?: string } | null)?.model === 'left').length > count);
      leaving.abort();
      expect(await asking).toBe('left');
    }
    await until(async () => (await targetOf('a', 'left'))?.traffic?.in_flight === 0);
    expect(await targetOf('a', 'left')).toMatchObject({ breaker: { state: 'closed', failures_in_a_row: 0 }, traffic: { calls: 8, failures: 0 } });
    a.script([]);
  });
});

describe('an alias', () => {
  test('of the cheapest goes where the call costs least', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => ask('cheapest')));
    expect(distinct(answers.map(({ headers }) => headers.get('x-provider')))).toEqual(['b']);
    const { candidates } = await explain({ model: 'cheapest', max_tokens: 1000 });
    expect(candidates.map(({ provider, reason, cost_usd: cost }) => [provider, reason, cost])).toEqual([
      ['b', 'price', 0.002],
      ['a', 'price', 0.004],
    ]);
  });

  test('of the fastest tries each, and stays with the one that begins soonest', async () => {
    a.script({ match: { model: 'slow' }, delayMs: 150 });
    expect(reasons(await explain({ model: 'fastest' }))).toEqual(['a untried', 'b untried']);
    for (let count = 0; count < 2; count++) await ask('fastest');
    const answers = await Promise.all(Array.from({ length: 10 }, () => ask('fastest')));
    expect(distinct(answers.map(({ headers }) => headers.get('x-provider')))).toEqual(['b']);
    expect(reasons(await explain({ model: 'fastest' }))).toEqual(['b speed', 'a speed']);
    expect((await targetOf('a', 'slow'))?.first_piece_ms).toBeGreaterThanOrEqual(150);
    a.script([]);
  });

  test('that is sticky keeps a session in one place, by whatever word the caller names it', async () => {
    const byHeader = await Promise.all(
      Array.from({ length: 12 }, (_, session) => placeOf(() => ask('sticky', { headers: { 'x-session-id': `session ${session}` } }))),
    );
    expect(new Set(byHeader)).toEqual(new Set(['a', 'b']));
    for (const word of ['user', 'prompt_cache_key']) {
      const json = { model: 'sticky', messages: [{ role: 'user', content: 'hi' }], [word]: 'somebody' };
      await placeOf(() => call(`${sluice.url}/v1/chat/completions`, { json, headers: user }));
    }
    expect(reasons(await explain({ model: 'sticky', session: 'session 0' }))[0]).toBe(`${byHeader[0]} session`);
  });

  test('leaves out what cannot hold the call or do what it needs, where another can', async () => {
    expect(reasons(await explain({ model: 'able', max_tokens: 1000, tools: true }))).toEqual(['a order', 'b order']);
    for (const [more, lacks] of [
      [{ max_tokens: 100_000 }, 'context'],
      [{ images: true }, 'images'],
      [{ json_schema: true }, 'json_schema'],
    ] as const) {
      const explained = await explain({ model: 'able', ...more });
      expect([reasons(explained), explained.left_out.map(({ provider, lacks: what }) => `${provider} ${what}`)]).toEqual([['b only'], [`a ${lacks}`]]);
    }
    const messages = [{ role: 'user', content: 'word '.repeat(20_000) }];
    const { status, headers } = await call(`${sluice.url}/v1/chat/completions`, { json: { model: 'able', messages }, headers: user });
    expect([status, headers.get('x-provider')] as unknown[]).toEqual([200, 'b']);
  });

  test('goes past a provider that has as many calls as it may have, which others wait for', async () => {
    a.script({ match: { model: 'm' }, delayMs: 200, text: 'from a' });
    const answers = await Promise.all(Array.from({ length: 6 }, () => ask('few')));
    expect(answers.map(({ json }) => json.response).toSorted()).toEqual(['from a', 'from a', 'from b', 'from b', 'from b', 'from b']);
    const waiting = await Promise.all(Array.from({ length: 6 }, () => ask('few/m')));
    expect(distinct(waiting.map(({ json }) => json.response))).toEqual(['from a']);
    const many = await Promise.all(Array.from({ length: 24 }, () => ask('few/m')));
    const refused = many.filter(({ status }) => status === 503);
    expect(distinct(refused.map(({ json, headers }) => [json.error?.details.upstream?.state, headers.get('retry-after')]))).toEqual([['full', '1']]);
    expect(many.filter(({ status }) => status === 200).length).toBe(18);
    a.script([]);
  });
});

describe('GET /api/v1/providers', () => {
  test('shows who is signed in where each is and what it has to do, and others only how well it is', async () => {
    const [signedIn, anonymous] = [await providers(), await providers({})];
    expect(signedIn.map(({ id, host, max_parallel: max }) => [id, host, max])).toEqual([
      ['a', new URL(a.url).host, null],
      ['b', new URL(b.url).host, null],
      ['few', new URL(a.url).host, 2],
      ['demo', null, null],
    ]);
    expect(anonymous.map(({ id, host }) => [id, host])).toEqual([
      ['a', null],
      ['b', null],
      ['few', null],
      ['demo', null],
    ]);
    expect(anonymous.flatMap(({ targets }) => targets).every(({ traffic, breaker }) => traffic === null && breaker.state !== '')).toBe(true);
    for (const said of [signedIn, anonymous]) expect(JSON.stringify(said)).not.toContain(KEY);
    expect(JSON.stringify(anonymous)).not.toContain('127.0.0.1');
  });

  test('shows a key what it may call, by its own name or by an alias', async () => {
    const { key } = (await call<{ key: string }>(`${sluice.url}/api/v1/keys`, { json: { name: 'some', allowed_models: ['cheapest', 'few/m'] }, headers: user }))
      .json;
    const seen = (await providers({ 'x-api-key': key })).flatMap(({ id, targets }) => targets.map(({ model }) => `${id}/${model}`));
    expect(seen.toSorted()).toEqual(['b/cheap', 'few/m']);
    const explained = await call<Failed>(`${sluice.url}/api/v1/route/explain`, { json: { model: 'sticky' }, headers: { 'x-api-key': key } });
    expect([explained.status, explained.json.error.code]).toEqual([403, 'FORBIDDEN']);
  });
});
