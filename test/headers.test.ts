import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { type FakeUpstream, startFakeUpstream } from './fake-upstream/server.ts';
import { ADMIN, call, parseEvents, type Sluice, signIn, startSluice } from './harness.ts';

/** What stands in the head of an answer, besides what the tests of the routes and of the limits say of it. */
const ALLOWED = 'https://app.example';
const FOREIGN = 'https://elsewhere.example';
const START_LIMIT_MS = 60_000;

let upstream: FakeUpstream;
let sluice: Sluice;
let listed: Sluice;
let closed: Sluice;
let user: Record<string, string>;

beforeAll(async () => {
  upstream = await startFakeUpstream();
  const keyed = { OPENAI_API_KEY: 'sk-upstream-000000000000', OPENAI_BASE_URL: upstream.url, UPSTREAM_MAX_RETRIES: '0' };
  const production = { ENV: 'production', JWT_SECRET: 'quiet river stone lantern on the hill' };
  [sluice, listed, closed] = await Promise.all([
    startSluice({ env: { ...keyed, RATE_LIMIT_GENERATE: '2/2 seconds', RATE_LIMIT_HEALTH: '30/minute', TRUST_PROXY: 'loopback' } }),
    startSluice({ env: { CORS_ORIGINS: `${ALLOWED}, https://other.example` } }),
    startSluice({ env: production }),
  ]);
  user = await signIn(sluice.url);
}, START_LIMIT_MS);
afterAll(async () => {
  await Promise.all([sluice.stop(), listed.stop(), closed.stop()]);
  upstream.stop();
});

type Init = NonNullable<Parameters<typeof call>[1]>;
type Failed = { readonly error?: { readonly request_id: string } };

/** As somebody who signed in, unless it says otherwise. */
const ask = <Body = unknown>(path: string, { headers, ...init }: Init = {}) =>
  call<Body>(`${sluice.url}${path}`, { ...init, headers: { ...user, ...(headers as Record<string, string>) } });

describe('every answer', () => {
  const kinds: [string, number, string, Init][] = [
    ['JSON', 200, '/healthz', {}],
    ['a page', 200, '/docs', {}],
    ['a file that has not changed', 304, '/openapi.json', { headers: { 'if-none-match': '*' } }],
    ['a whole answer', 200, '/generate', { json: { prompt: 'whole' } }],
    ['a stream', 200, '/generate?stream=true', { json: { prompt: 'stream' } }],
    ['nothing but a head', 200, '/healthz', { method: 'HEAD' }],
    ['a preflight', 204, '/generate', { method: 'OPTIONS' }],
    ['a refusal of what was asked', 422, '/generate', { json: {} }],
    ['a refusal of who asked', 401, '/auth/me', { headers: { authorization: 'Bearer nonsense' } }],
    ['a refusal of the method', 405, '/generate', {}],
    ['an address that there is not', 404, '/nowhere', {}],
    ["a provider's failure", 400, '/generate', { json: { prompt: 'refused by the provider' } }],
  ];
  test.each(kinds)("%s bears its caller's id and forbids to guess its type", async (...[kind, status, path, init]) => {
    upstream.script({ match: { prompt: 'refused by the provider' }, status: 400 });
    const id = `id.of:${kind.replaceAll(/[^a-z]/g, '_')}`;
    const answer = await ask<Failed | null>(path, { ...init, headers: { ...(init.headers as Record<string, string>), 'x-request-id': id } });
    expect([answer.status, answer.headers.get('x-request-id'), answer.headers.get('x-content-type-options')]).toEqual([status, id, 'nosniff']);
    expect(answer.json?.error?.request_id ?? id).toBe(id);
  });

  test('that is a stream bears it in its last event too, however it ends', async () => {
    upstream.script({ match: { prompt: 'breaks off' }, chunks: ['a', 'b'], cutAfter: 1 });
    expect(await lastEvent('ends well', 'id-17')).toMatchObject({ request_id: 'id-17', finish_reason: 'stop' });
    expect(await lastEvent('breaks off', 'id-18')).toMatchObject({ error: { request_id: 'id-18' } });
  });

  test('bears an id of 128 characters, and of two the X-Request-Id', async () => {
    const longest = 'x'.repeat(128);
    const { headers } = await ask('/healthz', { headers: { 'x-request-id': longest, 'x-correlation-id': 'other' } });
    expect(headers.get('x-request-id')).toBe(longest);
  });
});

async function lastEvent(prompt: string, id: string): Promise<unknown> {
  const { text } = await ask('/generate?stream=true', { json: { prompt }, headers: { 'x-request-id': id } });
  return JSON.parse(parseEvents(text).at(-1)?.data ?? '');
}

/** Small enough that JavaScript would write its cost as 1.5e-7. */
const USAGE = { input: 1, output: 0 };
type Meta = { readonly model: string; readonly cost_usd: number };

describe('the answer of a model', () => {
  const routes: [string, object][] = [
    ['/summarize', { text: 'head of summarize' }],
    ['/translate', { text: 'head of translate', target_language: 'de' }],
    ['/analyze', { text: 'head of analyze' }],
    ['/complete', { text: 'head of complete' }],
    ['/api/generate-intro', { script: 'head of intro' }],
    ['/api/v1/generate', { template_id: 'basic_chat_v1', input: 'head of template' }],
  ];
  test.each(routes)('of %s says who answered, what it took and what it cost', async (path, json) => {
    upstream.script({ usage: USAGE });
    const { status, headers, json: answer } = await ask<Meta>(path, { json });
    expect(status).toBe(200);
    expect(Object.fromEntries(headers)).toMatchObject({
      'x-cache': 'MISS',
      'x-model': answer.model,
      'x-provider': 'openai',
      'x-upstream-attempts': '1',
      'x-cost-usd': '0.00000015',
    });
    expect(answer.cost_usd).toBe(0.000_000_15);
    expect(timesOf(headers).map(([name]) => name)).toEqual(['queue', 'upstream', 'total']);
  });

  test('out of the cache took and cost nothing', async () => {
    const json = { prompt: 'head of the second' };
    await ask('/generate', { json });
    const { headers } = await ask('/generate', { json });
    expect(Object.fromEntries(headers)).toMatchObject({ 'x-cache': 'HIT', 'x-provider': 'openai', 'x-upstream-attempts': '0', 'x-cost-usd': '0' });
    expect(timesOf(headers)).toContainEqual(['upstream', 0]);
  });

  test('took as long as Server-Timing says', async () => {
    upstream.script({ delayMs: 150 });
    const startedAt = performance.now();
    const { headers } = await ask('/generate', { json: { prompt: 'head of the slow' } });
    upstream.script([]);
    const { queue = -1, upstream: there = 0, total = 0 } = Object.fromEntries(timesOf(headers));
    expect(there).toBeGreaterThan(140);
    expect(total).toBeGreaterThanOrEqual(queue + there - 0.1);
    expect(total).toBeLessThanOrEqual(performance.now() - startedAt);
  });

  test('that is a stream says who answers, and leaves cost and times to its end', async () => {
    const { headers } = await ask('/generate?stream=true', { json: { prompt: 'head of a stream' } });
    expect(Object.fromEntries(headers)).toMatchObject({ 'x-cache': 'MISS', 'x-model': 'gpt-4o-mini', 'x-provider': 'openai', 'x-upstream-attempts': '1' });
    expect([headers.get('x-cost-usd'), headers.get('server-timing')]).toEqual([null, null]);
  });
});

function timesOf(headers: Headers): [string, number][] {
  return [...(headers.get('server-timing') ?? '').matchAll(/(\w+);dur=([\d.]+)/g)].map(([, name = '', ms]) => [name, Number(ms)]);
}

const LIMIT_HEADERS = ['ratelimit-policy', 'ratelimit', 'x-ratelimit-limit', 'x-ratelimit-remaining', 'x-ratelimit-reset'];
const limitsOf = ({ headers }: { readonly headers: Headers }): (string | null)[] => LIMIT_HEADERS.map((name) => headers.get(name));
const NO_LIMITS = LIMIT_HEADERS.map(() => null);

const anonymous = (address: string, json: object = { prompt: 'counted' }) => call(`${sluice.url}/generate`, { json, headers: { 'x-forwarded-for': address } });

describe('a limit', () => {
  test('counts down to the refusal, and there is room again when it says so', async () => {
    const startedAt = performance.now();
    const answers = [await anonymous('203.0.113.1'), await anonymous('203.0.113.1'), await anonymous('203.0.113.1')];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 429]);
    expect(answers.map(limitsOf)).toEqual([1, 0, 0].map((left) => ['"generate";q=2;w=2', `"generate";r=${left};t=2`, '2', String(left), '2']));
    expect(answers.map(({ headers }) => headers.get('retry-after'))).toEqual([null, null, '2']);
    while ((await anonymous('203.0.113.1')).status === 429 && performance.now() - startedAt < 5000) await Bun.sleep(20);
    const waitedMs = performance.now() - startedAt;
    expect(waitedMs).toBeGreaterThan(1900);
    expect(waitedMs).toBeLessThan(3000);
  });

  test('stands on an error that came after it, and not on one before it', async () => {
    expect(limitsOf(await anonymous('203.0.113.2', { prompt: 'a', model: 'nothing' }))[3]).toBe('1');
    expect(limitsOf(await anonymous('203.0.113.2', {}))).toEqual(NO_LIMITS);
  });

  test('stands only where there is one for who asks', async () => {
    expect(limitsOf(await ask('/generate', { json: { prompt: 'counted' } }))).toEqual(NO_LIMITS);
    expect(limitsOf(await ask('/healthz'))).toEqual(NO_LIMITS);
    expect(limitsOf(await ask('/health')).slice(0, 3)).toEqual(['"health";q=30;w=60', '"health";r=29;t=60', '30']);
  });
});

describe('HEAD', () => {
  test.each(['/', '/healthz', '/readyz', '/openapi.json', '/docs', '/api/v1/models', '/api/v1/templates/summarize_v1', '/nowhere'])(
    'of %s is the head of GET, with nothing after it',
    async (path) => {
      const headers = { 'accept-encoding': 'identity', 'x-request-id': 'the-same' };
      const [get, head] = [await ask(path, { headers }), await ask(path, { method: 'HEAD', headers })];
      const steady = (answer: typeof get): object => ({ ...Object.fromEntries(answer.headers), date: null });
      expect([head.status, head.text]).toEqual([get.status, '']);
      expect(steady(head)).toEqual(steady(get));
    },
  );
});

describe('a method', () => {
  type Document = { readonly paths: Record<string, object> };

  test('that an address does not take is 405, with those that it takes; OPTIONS tells them too', async () => {
    const { paths } = (await ask<Document>('/openapi.json')).json;
    const answers = await Promise.all(
      Object.entries(paths).map(async ([shape, operations]) => {
        const path = shape.replaceAll(/\{\w+\}/g, 'x');
        const takes = Object.keys(operations).map((method) => method.toUpperCase());
        const allow = [...takes, ...(takes.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].toSorted();
        const untaken = ['PUT', 'PATCH', 'DELETE', 'POST'].find((method) => !takes.includes(method)) ?? 'TRACE';
        const asked = await Promise.all([untaken, 'OPTIONS'].map((method) => ask(path, { method })));
        const told = asked.map(({ status, headers }) => [status, headers.get('allow')?.split(', ').toSorted()]);
        return {
          path,
          told,
          expected: [
            [405, allow],
            [204, allow],
          ],
        };
      }),
    );
    for (const { path, told, expected } of answers) expect({ path, told }).toEqual({ path, told: expected });
  });

  test('is no matter where there is nothing', async () => {
    expect((await ask('/nowhere', { method: 'OPTIONS' })).status).toBe(404);
  });
});

describe('WWW-Authenticate', () => {
  const INVALID = 'Bearer error="invalid_token"';
  const cases: [string, string, Init, string][] = [
    ['nobody', '/auth/me', {}, 'Bearer'],
    ['a token that is none', '/auth/me', { headers: { authorization: 'Bearer nonsense' } }, INVALID],
    ['another scheme', '/auth/me', { headers: { authorization: 'Digest nonsense' } }, INVALID],
    ['an API key that there is not', '/generate', { headers: { 'x-api-key': 'sk-sluice-nonsense' }, json: { prompt: 'a' } }, INVALID],
    ['a refresh token that is none', '/auth/refresh', { json: { refresh_token: 'nonsense' } }, INVALID],
    ['a wrong password', '/auth/login', { json: { ...ADMIN, password: 'wrong' } }, 'Bearer'],
  ];
  test.each(cases)('for %s', async (...[, path, init, challenge]) => {
    const { status, headers } = await call(`${sluice.url}${path}`, init);
    expect([status, headers.get('www-authenticate')]).toEqual([401, challenge]);
  });
});

test('tokens are kept by no cache', async () => {
  const { headers } = await call(`${sluice.url}/auth/login`, { json: ADMIN });
  expect(headers.get('cache-control')).toBe('no-store');
});

const corsOf = (headers: Headers): object => Object.fromEntries([...headers].filter(([name]) => name.startsWith('access-control-') || name === 'vary'));
const from = (origin: string): Record<string, string> => ({ origin });
const PREFLIGHT = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization, content-type, idempotency-key' };

describe('a page of another origin', () => {
  const kinds: [string, number, string, Init][] = [
    ['an answer', 200, '/generate', { json: { prompt: 'cors' } }],
    ['a stream', 200, '/generate?stream=true', { json: { prompt: 'cors' } }],
    ['what is wrong with its request', 422, '/generate', { json: {} }],
    ['that it has to sign in', 401, '/auth/me', { headers: { authorization: 'Bearer nonsense' } }],
    ['that there is nothing', 404, '/nowhere', {}],
  ];
  test.each(kinds)('may read %s in development, with its headers', async (...[, status, path, init]) => {
    const answer = await ask(path, { ...init, headers: { ...(init.headers as Record<string, string>), ...from(FOREIGN) } });
    expect([answer.status, answer.headers.get('access-control-allow-origin')] as unknown[]).toEqual([status, '*']);
    const exposed = answer.headers.get('access-control-expose-headers')?.toLowerCase().split(', ');
    const promised = ['x-request-id', 'x-cache', 'x-model', 'x-provider', 'x-cost-usd', 'x-upstream-attempts', 'server-timing', 'retry-after'];
    expect(exposed).toEqual(expect.arrayContaining([...promised, ...LIMIT_HEADERS]));
  });

  test('may ask, with a token and any header, before anybody has signed in', async () => {
    const { status, headers } = await call(`${sluice.url}/summarize`, { method: 'OPTIONS', headers: { ...from(FOREIGN), ...PREFLIGHT } });
    expect([status, headers.get('access-control-allow-origin'), headers.get('access-control-allow-headers')] as unknown[]).toEqual([
      204,
      '*',
      '*, Authorization',
    ]);
    expect(headers.get('access-control-allow-methods')?.split(', ')).toEqual(expect.arrayContaining(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']));
  });

  test('that is on the list is named, and no other; caches are told that it depends on who asks', async () => {
    for (const init of [{}, { method: 'OPTIONS' }]) {
      const read = async (origin: string): Promise<object> =>
        corsOf((await call(`${listed.url}/healthz`, { ...init, headers: { ...from(origin), ...(init.method ? PREFLIGHT : {}) } })).headers);
      expect(await read(ALLOWED)).toMatchObject({ 'access-control-allow-origin': ALLOWED, vary: 'Origin' });
      for (const origin of [FOREIGN, `${ALLOWED}.evil.example`, 'http://app.example', 'null']) expect(await read(origin)).toEqual({ vary: 'Origin' });
    }
    expect(corsOf((await call(`${listed.url}/healthz`)).headers)).toEqual({ vary: 'Origin' });
    expect((await call(`${listed.url}/docs`, { headers: from(ALLOWED) })).headers.get('vary')).toContain('origin');
  });

  test('may do nothing in production', async () => {
    const simple = await call(`${closed.url}/healthz`, { headers: from(FOREIGN) });
    const preflight = await call(`${closed.url}/generate`, { method: 'OPTIONS', headers: { ...from(FOREIGN), ...PREFLIGHT } });
    expect([simple, preflight].map(({ headers }) => corsOf(headers))).toEqual([{}, {}]);
  });
});
