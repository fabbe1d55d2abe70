import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test';
import OpenAI from 'openai';
import { type FakeUpstream, startFakeUpstream } from './fake-upstream/server.ts';
import { call, until } from './harness.ts';
import { openPeople, type People } from './people.ts';

/** /v1/moderations: passed to a provider that has a model for it. */
let upstream: FakeUpstream;
let people: People;

beforeAll(async () => {
  upstream = await startFakeUpstream();
  people = await openPeople({ OPENAI_API_KEY: 'sk-upstream-000000000000', OPENAI_BASE_URL: upstream.url, UPSTREAM_BACKOFF_BASE_S: '0.01' });
}, 60_000);
afterAll(async () => {
  await people.stop();
  upstream.stop();
});
afterEach(() => upstream.reset());

async function client(bounds: object = {}): Promise<OpenAI> {
  const { json } = await people.ask<{ key: string }>('POST', '/api/v1/keys', { name: 'moderations', ...bounds });
  return new OpenAI({ baseURL: `${people.sluice.url}/v1`, apiKey: json.key, maxRetries: 0 });
}

async function failureOf(asked: Promise<unknown>): Promise<unknown> {
  return asked.then(
    () => 'answered',
    ({ status, param }: { status?: number; param?: string }) => [status, param],
  );
}

describe('a text is judged', () => {
  test.each([[undefined], ['omni-moderation-latest'], ['openai/omni-moderation-latest']])('with the model %p', async (model) => {
    const judged = await (await client()).moderations.create({ input: ['good morning', 'I will murder you'], ...(model ? { model } : {}) });
    expect(judged.results.map(({ flagged }) => flagged)).toEqual([false, true]);
    expect(judged.model).toBe('omni-moderation-latest');
    expect(judged.id).toMatch(/^modr-/);
  });

  test('and body and answer go through as they come', async () => {
    const answer = { id: 'modr-1', model: 'omni-moderation-2024-09-26', results: [{ flagged: true, categories: { new_kind: true } }], extra: 1 };
    upstream.script({ body: answer });
    const input = [{ type: 'image_url', image_url: { url: 'https://example.com/a.png' } }];
    const { json, headers } = await call(`${people.sluice.url}/v1/moderations`, { json: { input, more: true }, headers: people.admin });
    expect(json).toEqual(answer);
    expect(headers.get('x-provider')).toBe('openai');
    expect(upstream.calls().map(({ path }) => path)).toEqual(['/v1/moderations']);
    expect(JSON.parse(upstream.calls()[0]?.bodyText ?? '')).toEqual({ input, more: true, model: 'omni-moderation-latest' });
  });

  test('and it costs nothing, also with a budget of nothing, and is in the ledger', async () => {
    const { response } = await (await client({ budget: { usd: 0, period: 'total' } })).moderations.create({ input: 'good morning' }).withResponse();
    expect(response.headers.get('x-cost-usd')).toBe('0');
    const rows = (): Promise<object[]> => people.rows('select * from ledger where request_id = $1', [response.headers.get('x-request-id')]);
    await until(async () => (await rows()).length === 1);
    expect((await rows())[0]).toMatchObject({
      route: '/v1/moderations',
      provider: 'openai',
      model: 'omni-moderation-latest',
      asked_model: null,
      outcome: 'ok',
      cost_nano_usd: '0',
      output_tokens: 0,
    });
  });
});

describe('it is refused', () => {
  test('where the model does not moderate, and there is no text', async () => {
    const openai = await client();
    expect(await failureOf(openai.moderations.create({ input: 'x', model: 'demo' }))).toEqual([400, 'model']);
    expect(await failureOf(openai.moderations.create({} as never))).toEqual([400, 'input']);
    expect(await failureOf(openai.moderations.create({ input: 'x', model: 'nothing' }))).toEqual([404, 'model']);
  });

  test('where the key may not call it', async () => {
    const openai = await client({ allowed_models: ['gpt-4o-mini'] });
    expect(await failureOf(openai.moderations.create({ input: 'x' }))).toEqual([403, 'model']);
    expect(upstream.counts().calls).toBe(0);
  });

  test('where no provider has a model for it', async () => {
    const alone = await openPeople();
    try {
      const { status, json } = await alone.ask('POST', '/v1/moderations', { input: 'x' });
      expect(status).toBe(400);
      expect(json.error.message).toContain('No provider here moderates');
    } finally {
      await alone.stop();
    }
  });
});

test('a provider that fails is asked again, and its own words of an error are passed on', async () => {
  upstream.script({ status: 503, times: 1 });
  const openai = await client();
  const { response } = await openai.moderations.create({ input: 'x' }).withResponse();
  expect(response.headers.get('x-upstream-attempts')).toBe('2');
  upstream.script({ status: 400 });
  expect(await failureOf(openai.moderations.create({ input: 'x' }))).toEqual([400, null]);
  upstream.script({ body: { error: { message: 'no', type: 'server_error' } } });
  expect(await failureOf(openai.moderations.create({ input: 'x' }))).toEqual([502, null]);
});
