import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';
import { type FakeUpstream, startFakeUpstream } from './fake-upstream/server.ts';
import { call, until } from './harness.ts';
import { openPeople, type People } from './people.ts';

/** /v1/embeddings as OpenAI's own client uses it, on a provider that speaks its dialect (`text-embedding-3-small`) and on one that does not. */
const PROVIDERS_MODEL = 'text-embedding-3-small';
const MODELS = [PROVIDERS_MODEL, 'demo-embedding'];
const CONFIG = {
  models: { 'to-vectors': { targets: ['first/embed-1'], fallbacks: [`openai/${PROVIDERS_MODEL}`] } },
  prices: { 'openai/text-embedding-3-large': { input: 1000, output: 0 }, 'first/*': { input: 0, output: 0 } },
};

let upstream: FakeUpstream;
let first: FakeUpstream;
let people: People;
let client: OpenAI;
let folder: string;

beforeAll(async () => {
  upstream = await startFakeUpstream();
  first = await startFakeUpstream();
  folder = mkdtempSync(join(tmpdir(), 'sluice-embeddings-'));
  const file = join(folder, 'sluice.config.yaml');
  writeFileSync(file, JSON.stringify({ ...CONFIG, providers: { first: { base_url: first.url } } }));
  people = await openPeople({
    OPENAI_API_KEY: 'sk-upstream-000000000000',
    OPENAI_BASE_URL: upstream.url,
    UPSTREAM_BACKOFF_BASE_S: '0.01',
    UPSTREAM_READ_TIMEOUT_S: '0.5',
    SLUICE_CONFIG: file,
  });
  client = clientWith((await newKey()).key);
}, 60_000);
afterAll(async () => {
  await people.stop();
  upstream.stop();
  first.stop();
  rmSync(folder, { recursive: true, force: true });
});
afterEach(() => {
  upstream.reset();
  first.reset();
});

type Made = { readonly id: string; readonly key: string };

async function newKey(bounds: object = {}): Promise<Made> {
  const { status, json, text } = await people.ask<Made>('POST', '/api/v1/keys', { name: 'embeddings', ...bounds });
  if (status !== 201) throw new Error(`no key was made: ${status} ${text}`);
  return json;
}

function clientWith(apiKey: string): OpenAI {
  return new OpenAI({ baseURL: `${people.sluice.url}/v1`, apiKey, maxRetries: 0 });
}

async function failureOf(asked: Promise<unknown>): Promise<InstanceType<typeof OpenAI.APIError>> {
  const failure: unknown = await asked.then(
    () => null,
    (cause: unknown) => cause,
  );
  if (failure instanceof OpenAI.APIError) return failure;
  throw new Error(`not an APIError: ${String(failure)}`);
}

async function rowOf(requestId: string | null | undefined): Promise<Record<string, unknown>> {
  let row: Record<string, unknown> | undefined;
  await until(async () => {
    [row] = await people.rows<Record<string, unknown>>('select * from ledger where request_id = $1', [requestId]);
    return row !== undefined;
  });
  return row ?? {};
}

async function costsOf(model: string): Promise<readonly number[]> {
  return (await people.rows<{ cost_nano_usd: string }>('select cost_nano_usd from ledger where model = $1', [model])).map((row) => Number(row.cost_nano_usd));
}

function numbersOf(base64: string): readonly number[] {
  return Array.from(new Float32Array(Uint8Array.fromBase64(base64).buffer));
}

describe.each(MODELS)('the client of OpenAI on %s', (model) => {
  test('gets the same vectors in base64, which it asks for by itself, and as numbers', async () => {
    const input = ['The gate lifts', 'The water runs'];
    const byItself = await client.embeddings.create({ model, input });
    const asNumbers = await client.embeddings.create({ model, input, encoding_format: 'float' });
    const { json: raw } = await call<{ data: { embedding: string }[] }>(`${people.sluice.url}/v1/embeddings`, {
      json: { model, input, encoding_format: 'base64' },
      headers: people.admin,
    });
    expect(byItself.data.map(({ embedding }) => embedding)).toEqual(asNumbers.data.map(({ embedding }) => embedding));
    expect(raw.data.map(({ embedding }) => numbersOf(embedding))).toEqual(asNumbers.data.map(({ embedding }) => embedding));
    expect(asNumbers.data.map((row) => [row.object, row.index])).toEqual([
      ['embedding', 0],
      ['embedding', 1],
    ]);
    expect(asNumbers).toMatchObject({ object: 'list', model });
    expect(asNumbers.usage.prompt_tokens).toBeGreaterThan(0);
    expect(asNumbers.usage.total_tokens).toBe(asNumbers.usage.prompt_tokens);
    expect(Math.hypot(...(asNumbers.data[0]?.embedding ?? []))).toBeCloseTo(1, 5);
  });

  test('gets a vector for each text, in the order of the texts', async () => {
    const texts = Array.from({ length: 100 }, (_, number) => `text number ${number * 7919}`);
    const together = await client.embeddings.create({ model, input: texts, dimensions: 64 });
    const alone = await client.embeddings.create({ model, input: texts[42] ?? '', dimensions: 64 });
    expect(together.data.map(({ index }) => index)).toEqual(texts.map((_, index) => index));
    expect(together.data[42]?.embedding).toHaveLength(64);
    expect(together.data[42]?.embedding).toEqual(alone.data[0]?.embedding);
    expect(together.data[43]?.embedding).not.toEqual(alone.data[0]?.embedding);
  });
});

describe('what the provider is told', () => {
  test('is what came, fields that we do not know included', async () => {
    const { response } = await client.embeddings.create({ model: PROVIDERS_MODEL, input: 'hello', user: 'u-1', input_type: 'query' } as never).withResponse();
    expect(JSON.parse(upstream.calls()[0]?.bodyText ?? '')).toEqual({
      model: PROVIDERS_MODEL,
      input: ['hello'],
      user: 'u-1',
      input_type: 'query',
      encoding_format: 'base64',
    });
    expect(Object.fromEntries(['x-model', 'x-provider', 'x-upstream-attempts', 'x-cache'].map((name) => [name, response.headers.get(name)]))).toEqual({
      'x-model': PROVIDERS_MODEL,
      'x-provider': 'openai',
      'x-upstream-attempts': '1',
      'x-cache': 'BYPASS',
    });
  });

  test('token ids, one text or several', async () => {
    await client.embeddings.create({ model: PROVIDERS_MODEL, input: [1, 2, 3] });
    const several = await client.embeddings.create({ model: PROVIDERS_MODEL, input: [[1, 2, 3], [4]] });
    expect(upstream.calls().map(({ bodyText }) => (JSON.parse(bodyText) as { input: unknown }).input)).toEqual([[[1, 2, 3]], [[1, 2, 3], [4]]]);
    expect(several.data).toHaveLength(2);
  });
});

describe('a 400 says what is wrong, and nobody is asked', () => {
  const cases: [string, object, string][] = [
    ['token ids where they cannot be read', { model: 'demo', input: [[1, 2]] }, 'input'],
    ['a field of another dialect where it cannot be said', { model: 'demo', input: 'x', input_type: 'query' }, 'input_type'],
    ['a model that only chats', { model: 'gpt-4o-mini', input: 'x' }, 'model'],
    ['no model', { input: 'x' }, 'model'],
    ['no text', { model: 'demo', input: [] }, 'input'],
    ['an empty text', { model: 'demo', input: '' }, 'input'],
    ['more texts than go at once', { model: 'demo', input: Array.from({ length: 2049 }, () => 'x') }, 'input'],
    ['texts and token ids together', { model: 'demo', input: ['x', 1] }, 'input[1]'],
    ['another form', { model: 'demo', input: 'x', encoding_format: 'int8' }, 'encoding_format'],
  ];
  test.each(cases)('%s', async (_what, body, param) => {
    const failure = await failureOf(client.embeddings.create(body as never));
    expect({ status: failure.status, param: failure.param, type: failure.type }).toEqual({ status: 400, param, type: 'invalid_request_error' });
    expect(upstream.counts().calls).toBe(0);
  });

  test('more dimensions than the demo has', async () => {
    const failure = await failureOf(client.embeddings.create({ model: 'demo', input: 'x', dimensions: 5000 }));
    expect(failure.status).toBe(400);
    expect(failure.headers?.get('x-error-code')).toBe('UPSTREAM_REJECTED');
  });
});

describe('money', () => {
  test('the ledger says what it cost: tokens times price', async () => {
    const { data, response } = await client.embeddings.create({ model: PROVIDERS_MODEL, input: ['The gate lifts', 'The water runs'] }).withResponse();
    const row = await rowOf(response.headers.get('x-request-id'));
    expect(row).toMatchObject({
      route: '/v1/embeddings',
      provider: 'openai',
      model: PROVIDERS_MODEL,
      asked_model: PROVIDERS_MODEL,
      outcome: 'ok',
      cache: 'BYPASS',
      streamed: false,
      estimated: false,
      input_tokens: data.usage.prompt_tokens,
      output_tokens: 0,
      max_tokens: null,
      failures: null,
    });
    // 0.02 USD for a million.
    expect(Number(row['cost_nano_usd'])).toBe(data.usage.prompt_tokens * 20);
    expect(Number(response.headers.get('x-cost-usd'))).toBeCloseTo((data.usage.prompt_tokens * 20) / 1e9, 12);
  });

  test('a budget holds, whatever runs at once', async () => {
    // A dollar for a thousand tokens: 0.03 USD a call by its own count, and more by the count that is set aside before.
    const words = 'The gate lifts and the water runs down the hill to the mill where the wheel turns all day long and the miller sleeps in the shade';
    const { key } = await newKey({ budget: { usd: 0.5, period: 'total' } });
    upstream.script({ delayMs: 20 });
    const asking = Array.from({ length: 60 }, () =>
      clientWith(key)
        .embeddings.create({ model: 'text-embedding-3-large', input: words })
        .then(
          () => 'ok',
          (failure: InstanceType<typeof OpenAI.APIError>) => `${failure.status} ${failure.code}`,
        ),
    );
    const outcomes = await Promise.all(asking);
    const answered = outcomes.filter((outcome) => outcome === 'ok').length;
    expect(answered).toBeGreaterThan(0);
    expect(new Set(outcomes)).toEqual(new Set(['ok', '429 insufficient_quota']));
    expect(upstream.counts().calls).toBe(answered);
    await until(async () => (await costsOf('text-embedding-3-large')).length === answered);
    expect((await costsOf('text-embedding-3-large')).reduce((sum, cost) => sum + cost, 0) / 1e9).toBeLessThanOrEqual(0.5);
  });

  test('a call that the provider refuses costs nothing', async () => {
    upstream.script({ status: 400 });
    const failure = await failureOf(client.embeddings.create({ model: PROVIDERS_MODEL, input: 'x' }));
    expect(failure.status).toBe(400);
    expect(await rowOf(failure.requestID)).toMatchObject({ outcome: 'failed', error_code: 'UPSTREAM_REJECTED', cost_nano_usd: '0' });
  });
});

describe('trouble', () => {
  test('a provider that limits us is asked again', async () => {
    upstream.script({ status: 429, headers: { 'retry-after-ms': '5' }, times: 2 });
    const { data, response } = await client.embeddings.create({ model: PROVIDERS_MODEL, input: 'again' }).withResponse();
    expect(data.data).toHaveLength(1);
    expect(response.headers.get('x-upstream-attempts')).toBe('3');
    expect((await rowOf(response.headers.get('x-request-id')))['failures']).toMatchObject([{ fault: 'rate_limited' }, { fault: 'rate_limited' }]);
  });

  test('where one does not answer, its fallback does', async () => {
    first.script({ status: 503 });
    const { data, response } = await client.embeddings.create({ model: 'to-vectors', input: 'elsewhere' }).withResponse();
    expect(data.data).toHaveLength(1);
    expect([response.headers.get('x-provider'), response.headers.get('x-model')]).toEqual(['openai', PROVIDERS_MODEL]);
    expect(first.counts().calls).toBeGreaterThan(0);
  });

  test('silence ends as 504', async () => {
    upstream.script({ stall: true });
    expect((await failureOf(client.embeddings.create({ model: PROVIDERS_MODEL, input: 'x' }, { timeout: 3000 }))).status).toBe(504);
  });

  test('when the caller leaves, the provider is let go within a second', async () => {
    upstream.script({ delayMs: 5000 });
    const leaving = new AbortController();
    const asked = client.embeddings.create({ model: PROVIDERS_MODEL, input: 'x' }, { signal: leaving.signal }).catch(() => 'left');
    await until(() => upstream.counts().calls === 1);
    leaving.abort();
    expect(await asked).toBe('left');
    await until(() => upstream.calls().every(({ closedByClientAt }) => closedByClientAt !== null), 1000);
  });

  test('a key that may not call the model is told so, and one with a limit is held to it', async () => {
    const restricted = clientWith((await newKey({ allowed_models: ['demo-embedding'] })).key);
    expect((await failureOf(restricted.embeddings.create({ model: PROVIDERS_MODEL, input: 'x' }))).status).toBe(403);
    expect((await restricted.embeddings.create({ model: 'demo-embedding', input: 'x' })).data).toHaveLength(1);
    const limited = clientWith((await newKey({ rpm: 1 })).key);
    const { response } = await limited.embeddings.create({ model: 'demo', input: 'x' }).withResponse();
    expect(response.headers.get('x-ratelimit-remaining-requests')).toBe('0');
    expect((await failureOf(limited.embeddings.create({ model: 'demo', input: 'x' }))).status).toBe(429);
  });
});
