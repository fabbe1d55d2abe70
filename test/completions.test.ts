import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test';
import OpenAI from 'openai';
import { type FakeUpstream, startFakeUpstream } from './fake-upstream/server.ts';
import { call, parseEvents, signIn, type Sluice, startSluice } from './harness.ts';

/** /v1/completions as OpenAI's own client uses it, on a provider and on the demo. */
let upstream: FakeUpstream;
let sluice: Sluice;
let client: OpenAI;
let headers: Record<string, string>;

beforeAll(async () => {
  upstream = await startFakeUpstream();
  const openai = { OPENAI_API_KEY: 'sk-upstream-000000000000', OPENAI_BASE_URL: upstream.url };
  sluice = await startSluice({ env: { ...openai, UPSTREAM_BACKOFF_BASE_S: '0.01', UPSTREAM_MAX_RETRIES: '1' } });
  headers = await signIn(sluice.url);
  const { json } = await call<{ key: string }>(`${sluice.url}/api/v1/keys`, { json: { name: 'completions' }, headers });
  client = new OpenAI({ baseURL: `${sluice.url}/v1`, apiKey: json.key, maxRetries: 0 });
});
afterAll(async () => {
  await sluice.stop();
  upstream.stop();
});
afterEach(() => upstream.reset());

const sent = (): Record<string, unknown> => JSON.parse(upstream.calls().at(-1)?.bodyText ?? '') as Record<string, unknown>;

async function failureOf(asked: Promise<unknown>): Promise<unknown> {
  return asked.then(
    () => 'answered',
    ({ status, param }: { status?: number; param?: string }) => [status, param],
  );
}

describe.each(['gpt-4o-mini', 'demo'])('the client of OpenAI on %s', (model) => {
  test('gets a completion with usage', async () => {
    const answer = await client.completions.create({ model, prompt: 'The gate lifts, and', max_tokens: 100 });
    expect(answer).toMatchObject({ object: 'text_completion', choices: [{ index: 0, logprobs: null, finish_reason: 'stop' }] });
    expect(answer.id).toMatch(/^cmpl-/);
    expect(answer.model).toContain(model);
    expect(answer.choices[0]?.text).not.toBe('');
    expect(answer.usage?.total_tokens).toBe((answer.usage?.prompt_tokens ?? 0) + (answer.usage?.completion_tokens ?? 0));
  });

  test('gets the same in pieces', async () => {
    const asked = { model, prompt: ['The gate lifts, and'], max_tokens: 100, seed: 1 };
    const whole = await client.completions.create(asked);
    const stream = await client.completions.create({ ...asked, stream: true, stream_options: { include_usage: true } });
    const chunks = await Array.fromAsync(stream);
    expect(chunks.map((chunk) => chunk.choices[0]?.text ?? '').join('')).toBe(whole.choices[0]?.text ?? '');
    expect(chunks.flatMap(({ choices }) => choices.map((choice) => choice.finish_reason)).filter(Boolean)).toEqual(['stop']);
    expect(chunks.at(-1)).toMatchObject({ object: 'text_completion', choices: [], usage: { total_tokens: whole.usage?.total_tokens } });
    expect(new Set(chunks.map(({ id, created }) => `${id} ${created}`)).size).toBe(1);
  });

  test('gets 16 tokens where it does not say how many', async () => {
    expect(
      (await client.completions.create({ model, prompt: 'Tell a long story about a river, a mill and a gate' })).usage?.completion_tokens,
    ).toBeLessThanOrEqual(16);
  });
});

test('a stream ends with [DONE], and has usage only where it is wanted', async () => {
  const { text, headers: answered } = await call(`${sluice.url}/v1/completions`, { json: { model: 'gpt-4o-mini', prompt: 'x', stream: true }, headers });
  expect(answered.get('content-type')).toStartWith('text/event-stream');
  const events = parseEvents(text);
  expect(events.at(-1)?.data).toBe('[DONE]');
  expect(text).not.toContain('"usage"');
});

test('a stream that breaks off throws, and says neither stop nor [DONE]', async () => {
  upstream.script({ chunks: 6, cutAfter: 3 });
  const { text } = await call(`${sluice.url}/v1/completions`, { json: { model: 'gpt-4o-mini', prompt: 'x', stream: true, max_tokens: 100 }, headers });
  expect(text).not.toContain('[DONE]');
  expect(text).not.toContain('"stop"');
  const stream = await client.completions.create({ model: 'gpt-4o-mini', prompt: 'x', stream: true, max_tokens: 100 });
  expect(await failureOf(Array.fromAsync(stream))).not.toBe('answered');
});

test('the provider gets a chat, with the fields that only it knows', async () => {
  await client.completions.create({ model: 'gpt-4o-mini', prompt: 'x', max_tokens: 9, stop: ['.'], presence_penalty: 0.5, user: 'u-1', echo: false, n: 1 });
  expect(upstream.calls().at(-1)?.path).toBe('/v1/chat/completions');
  expect(sent()).toMatchObject({ messages: [{ role: 'user', content: 'x' }], max_tokens: 9, stop: ['.'], presence_penalty: 0.5, user: 'u-1' });
  expect(Object.keys(sent())).not.toContain('echo');
});

const REFUSED: [string, object][] = [
  ['suffix', { suffix: '.' }],
  ['echo', { echo: true }],
  ['best_of', { best_of: 2 }],
  ['logprobs', { logprobs: 0 }],
  ['n', { n: 2 }],
  ['prompt', { prompt: ['x', 'y'] }],
  ['prompt', { prompt: [1, 2] }],
  ['presence_penalty', { model: 'demo', presence_penalty: 1 }],
];
test.each(REFUSED)('a 400 names %s where it cannot be had', async (param, more) => {
  expect(await failureOf(client.completions.create({ model: 'gpt-4o-mini', prompt: 'x', ...more }))).toEqual([400, param]);
  expect(upstream.counts().calls).toBe(0);
});
