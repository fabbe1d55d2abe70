import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { type FakeUpstream, startFakeUpstream } from './fake-upstream/server.ts';
import { ADMIN, call, parseEvents, type Sluice, startSluice } from './harness.ts';

type Generated = {
  response: string;
  model: string;
  usage: { input_tokens: number; output_tokens: number; total_tokens: number };
  cached: boolean;
  cost_usd: number;
  request_id: string;
};
type Failed = { error: { code: string; message: string; status: number; field: string | null; details: Record<string, unknown>; request_id: string } };

let upstream: FakeUpstream;
let sluice: Sluice;

beforeAll(async () => {
  upstream = await startFakeUpstream();
  sluice = await startSluice({
    env: {
      OPENAI_API_KEY: 'sk-upstream-000000000000',
      OPENAI_BASE_URL: upstream.url,
      UPSTREAM_BACKOFF_BASE_S: '0.01',
      UPSTREAM_READ_TIMEOUT_S: '0.4',
      UPSTREAM_CONNECT_TIMEOUT_S: '0.2',
    },
  });
});
afterAll(async () => {
  await sluice.stop();
  upstream.stop();
});

/** A prompt that no other test asks, so that no cached answer stands in its way. */
let prompts = 0;
const fresh = (): string => `prompt ${++prompts} of this run`;
const generate = <Body = Generated>(body: object, query = '') => call<Body>(`${sluice.url}/generate${query}`, { json: body });

describe('POST /generate', () => {
  test('200 answers with text, model, usage, cost and request id', async () => {
    const { status, json, headers } = await generate({ prompt: fresh() });
    expect(status).toBe(200);
    expect(json).toMatchObject({ model: 'gpt-4o-mini', cached: false });
    expect(json.response).not.toBe('');
    expect(json.usage.total_tokens).toBe(json.usage.input_tokens + json.usage.output_tokens);
    expect(json.cost_usd).toBeCloseTo((json.usage.input_tokens * 0.15 + json.usage.output_tokens * 0.6) / 1e6, 12);
    expect(json.request_id).toBe(headers.get('x-request-id') ?? '');
    expect(Object.fromEntries(headers)).toMatchObject({ 'x-cache': 'MISS', 'x-model': 'gpt-4o-mini', 'x-provider': 'openai', 'x-upstream-attempts': '1' });
    expect(headers.get('server-timing')).toMatch(/^queue;dur=[\d.]+, upstream;dur=[\d.]+, total;dur=[\d.]+$/);
    expect(Number(headers.get('x-cost-usd'))).toBe(json.cost_usd);
  });

  test('200 sends what was asked, and defaults for what was not', async () => {
    const prompt = fresh();
    await generate({ prompt, system: 'Be brief.', temperature: 0.1, top_p: 0.5, max_tokens: 7 });
    expect(upstream.calls().at(-1)?.body).toMatchObject({
      model: 'gpt-4o-mini',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: prompt },
      ],
      temperature: 0.1,
      top_p: 0.5,
      max_tokens: 7,
    });
    await generate({ prompt: fresh() });
    expect(upstream.calls().at(-1)?.body).toMatchObject({ temperature: 0.7, max_tokens: 1000 });
  });

  test('200 from the cache the second time: no upstream call, no cost', async () => {
    const body = { prompt: fresh() };
    const first = await generate(body);
    const before = upstream.calls().length;
    const second = await generate(body);
    expect(upstream.calls().length).toBe(before);
    expect(second.headers.get('x-cache')).toBe('HIT');
    expect(second.json).toEqual({ ...first.json, cached: true, cost_usd: 0, request_id: second.json.request_id });
  });

  test('no-cache asks anew and keeps the answer, no-store does neither', async () => {
    const body = { prompt: fresh() };
    const ask = async (cacheControl: string): Promise<string | null> =>
      (await call(`${sluice.url}/generate`, { json: body, headers: { 'cache-control': cacheControl } })).headers.get('x-cache');
    expect(await ask('no-store')).toBe('BYPASS');
    expect(await ask('no-cache')).toBe('MISS');
    expect(await ask('max-age=0')).toBe('HIT');
    expect(await ask('no-store')).toBe('BYPASS');
  });

  test('404 for a model that there is not, with those that there are', async () => {
    const { status, json } = await generate<Failed>({ prompt: fresh(), model: 'gpt-17' });
    expect([status, json.error.code, json.error.field] as unknown[]).toEqual([404, 'MODEL_NOT_FOUND', 'model']);
    expect(json.error.details['available']).toContain('gpt-4o-mini');
  });

  test('400 when the provider refuses the request, in its own words', async () => {
    const prompt = fresh();
    upstream.script({
      match: { prompt },
      status: 400,
      body: { error: { message: 'that is not a thing', type: 'invalid_request_error', param: null, code: null } },
    });
    const { status, json } = await generate<Failed>({ prompt });
    expect([status, json.error.code] as unknown[]).toEqual([400, 'UPSTREAM_REJECTED']);
    expect(json.error.details['upstream']).toMatchObject({ provider: 'openai', message: 'that is not a thing' });
  });

  test("500 and never 401 when the provider does not accept our key, without the key's words", async () => {
    const prompt = fresh();
    upstream.script({
      match: { prompt },
      status: 401,
      body: { error: { message: 'Incorrect API key provided: sk-upst*******0000', type: 'invalid_request_error', param: null, code: 'invalid_api_key' } },
    });
    const { status, json, text } = await generate<Failed>({ prompt });
    expect([status, json.error.code] as unknown[]).toEqual([500, 'INTERNAL_ERROR']);
    expect(text).not.toContain('sk-up');
  });

  test('503s are retried three times, and then 500 says what was tried', async () => {
    const prompt = fresh();
    upstream.script({ match: { prompt }, status: 503, body: { error: { message: 'overloaded', type: 'server_error', param: null, code: null } } });
    const { status, json } = await generate<Failed>({ prompt });
    expect([status, json.error.code] as unknown[]).toEqual([500, 'INTERNAL_ERROR']);
    expect(json.error.details['upstream']).toEqual({ provider: 'openai', model: 'gpt-4o-mini', status: 503, attempts: 4 });
  });

  test('an answer at the third attempt is an answer', async () => {
    const prompt = fresh();
    upstream.script({ match: { prompt }, times: 2, status: 500, body: { error: { message: 'oops', type: 'server_error', param: null, code: null } } });
    const { status, headers } = await generate({ prompt });
    expect([status, headers.get('x-upstream-attempts')] as unknown[]).toEqual([200, '3']);
  });

  test('429 when the provider limits us, with its Retry-After', async () => {
    const prompt = fresh();
    upstream.script({
      match: { prompt },
      status: 429,
      headers: { 'retry-after': '37' },
      body: { error: { message: 'slow down', type: 'rate_limit_error', param: null, code: 'rate_limit_exceeded' } },
    });
    const { status, json, headers } = await generate<Failed>({ prompt });
    expect([status, json.error.code, headers.get('retry-after')] as unknown[]).toEqual([429, 'UPSTREAM_RATE_LIMITED', '37']);
  });

  test('504 when the provider stays silent', async () => {
    const prompt = fresh();
    upstream.script({ match: { prompt }, stall: true });
    const { status, json } = await generate<Failed>({ prompt });
    expect([status, json.error.code] as unknown[]).toEqual([504, 'TIMEOUT']);
  });
});

const stream = (body: object, headers: Record<string, string> = {}) => call(`${sluice.url}/generate?stream=true`, { json: body, headers });

describe('POST /generate?stream=true', () => {
  test('gives exactly the text of the answer, piece by piece, and then done', async () => {
    const prompt = fresh();
    const pieces = ['One\n', 'two\n\nthree ', ' four: ünïcödé 🦜', 'data: five'];
    upstream.script({ match: { prompt }, chunks: pieces });
    const { status, headers, text } = await stream({ prompt });
    expect([status, headers.get('content-type')] as unknown[]).toEqual([200, 'text/event-stream; charset=utf-8']);
    const events = parseEvents(text);
    const texts = events.filter((event) => event.event === 'message');
    expect(texts.map((event) => event.data).join('')).toBe(pieces.join(''));
    expect(texts.map((event) => event.id?.split(':')[1])).toEqual(texts.map((_event, index) => String(index + 1)));
    const done = JSON.parse(events.at(-1)?.data ?? '') as Record<string, unknown>;
    expect(events.at(-1)?.event).toBe('done');
    expect(Object.keys(done).toSorted()).toEqual(['cached', 'cost_usd', 'finish_reason', 'model', 'request_id', 'usage']);
    expect(done['finish_reason']).toBe('stop');
    expect(upstream.calls().at(-1)?.body).toMatchObject({ stream: true, stream_options: { include_usage: true } });
  });

  test('with Accept: text/plain is the raw text', async () => {
    const prompt = fresh();
    upstream.script({ match: { prompt }, chunks: ['raw\n', 'text'] });
    const { headers, text } = await stream({ prompt }, { accept: 'text/plain' });
    expect([headers.get('content-type'), text]).toEqual(['text/plain; charset=utf-8', 'raw\ntext']);
  });

  test('can be answered from the cache, and fills it', async () => {
    const body = { prompt: fresh() };
    const streamed = parseEvents((await stream(body)).text);
    const whole = await generate(body);
    expect(whole.json.cached).toBe(true);
    expect(
      streamed
        .filter((event) => event.event === 'message')
        .map((event) => event.data)
        .join(''),
    ).toBe(whole.json.response);
    const again = parseEvents((await stream(body)).text);
    expect(JSON.parse(again.at(-1)?.data ?? '')).toMatchObject({ cached: true, cost_usd: 0 });
  });

  test('that breaks off says so with an error event, and neither done nor a finish', async () => {
    const prompt = fresh();
    upstream.script({ match: { prompt }, chunks: ['half ', 'of'], cutAfter: 2 });
    const events = parseEvents((await stream({ prompt })).text);
    expect(events.map((event) => event.event)).toEqual(['message', 'message', 'error']);
    expect(JSON.parse(events.at(-1)?.data ?? '')).toMatchObject({
      error: { code: 'INTERNAL_ERROR', status: 500, details: { upstream: { provider: 'openai' } } },
    });
  });

  test('that stalls ends with TIMEOUT', async () => {
    const prompt = fresh();
    upstream.script({ match: { prompt }, chunks: ['half ', 'of'], stallAfter: 1 });
    const events = parseEvents((await stream({ prompt })).text);
    expect(JSON.parse(events.at(-1)?.data ?? '')).toMatchObject({ error: { code: 'TIMEOUT' } });
  });

  test('raw text that breaks off cuts the connection, so that half an answer is not taken for a whole one', async () => {
    const prompt = fresh();
    upstream.script({ match: { prompt }, chunks: ['half ', 'of'], cutAfter: 2 });
    const cut = await stream({ prompt }, { accept: 'text/plain' }).then(
      () => 'ended well',
      () => 'cut',
    );
    expect(cut).toBe('cut');
  });

  test('failing before its first piece has a status of its own', async () => {
    const prompt = fresh();
    upstream.script({ match: { prompt }, status: 400, body: { error: { message: 'no', type: 'invalid_request_error', param: null, code: null } } });
    expect((await stream({ prompt })).status).toBe(400);
  });
});

describe('who asks', () => {
  test('a bad credential is 401, even where none is needed', async () => {
    const { status, headers } = await call(`${sluice.url}/generate`, { json: { prompt: 'hi' }, headers: { authorization: 'Bearer nonsense' } });
    expect([status, headers.get('www-authenticate')?.startsWith('Bearer')] as unknown[]).toEqual([401, true]);
  });

  test('a signed-in user may', async () => {
    const login = await call<{ access_token: string }>(`${sluice.url}/auth/login`, { json: ADMIN });
    const { status } = await call(`${sluice.url}/generate`, { json: { prompt: fresh() }, headers: { authorization: `Bearer ${login.json.access_token}` } });
    expect(status).toBe(200);
  });
});

test('/local/generate says how to get a local model', async () => {
  const { status, json } = await call<Failed>(`${sluice.url}/local/generate`, { json: { prompt: 'hi' } });
  expect([status, json.error.code] as unknown[]).toEqual([503, 'LOCAL_MODEL_UNAVAILABLE']);
});
