import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test';
import OpenAI from 'openai';
import { type FakeUpstream, startFakeUpstream } from './fake-upstream/server.ts';
import { call, parseEvents, signIn, type Sluice, startSluice, until } from './harness.ts';

/** What chat completions cost: what is set aside before, and what is charged for an answer that broke off. */
let upstream: FakeUpstream;
let sluice: Sluice;
let admin: Record<string, string>;

beforeAll(async () => {
  upstream = await startFakeUpstream();
  sluice = await startSluice({ env: { OPENAI_API_KEY: 'sk-upstream-000000000000', OPENAI_BASE_URL: upstream.url, LOG_LEVEL: 'info' } });
  admin = await signIn(sluice.url);
});
afterAll(async () => {
  await sluice.stop();
  upstream.stop();
});
afterEach(() => upstream.reset());

const ask = (content: string) => [{ role: 'user' as const, content }];

async function statusOf(asked: Promise<unknown>): Promise<number | undefined> {
  const failure: unknown = await asked.then(
    () => null,
    (cause: unknown) => cause,
  );
  return failure instanceof OpenAI.APIError ? failure.status : undefined;
}

async function logLine(wanted: (line: Record<string, unknown>) => boolean): Promise<Record<string, unknown>> {
  await until(() => sluice.logs().some(wanted));
  return sluice.logs().findLast(wanted) ?? {};
}

/** Asks by a key that may spend so much. */
async function capped(usd: number) {
  const { json } = await call<{ key: string }>(`${sluice.url}/api/v1/keys`, {
    json: { name: 'capped', budget: { usd, period: 'total' } },
    headers: admin,
  });
  const own = new OpenAI({ baseURL: `${sluice.url}/v1`, apiKey: json.key, maxRetries: 0 });
  return (content: OpenAI.ChatCompletionContentPart[], n = 1) =>
    own.chat.completions.create({ model: 'gpt-4o-mini', messages: [{ role: 'user', content }], max_completion_tokens: 1000, n });
}

describe('a budget', () => {
  test('sets aside all that the model can read where the body has more than we can count, and each of several answers', async () => {
    const text = { type: 'text' as const, text: 'x' };
    const file = { type: 'file' as const, file: { file_id: 'file-1' } };
    // A million tokens are 0.15 USD in and 0.60 USD out; the model reads 128,000.
    const small = await capped(0.01);
    expect((await small([text])).choices).toHaveLength(1);
    expect(await statusOf(small([text, file]))).toBe(429);
    expect(await statusOf(small([text], 20))).toBe(429);
    expect((await (await capped(0.03))([text, file])).choices).toHaveLength(1);
  });
});

describe('what was produced before a stream broke', () => {
  test.each([
    ['thinking', { reasoning: 'hmm '.repeat(900), text: 'x' }],
    ['a refusal', { refusal: 'no '.repeat(900) }],
    ['a tool call', { toolCalls: [{ name: 'look', arguments: { at: 'here '.repeat(900) } }] }],
  ])('is charged: %s', async (what, rule) => {
    upstream.script({ ...rule, garble: { kind: 'no-done' } });
    const prompt = `broken off after ${what}`;
    const { headers } = await call(`${sluice.url}/v1/chat/completions`, {
      json: { model: 'gpt-4o-mini', messages: ask(prompt), stream: true },
      headers: admin,
    });
    const line = await logLine((each) => each['request_id'] === headers.get('x-request-id') && each['incomplete'] === true);
    expect(line['output_tokens']).toBeGreaterThan(300);
  });

  test('is no more than a budget set aside: the stream is cut, and has no end', async () => {
    upstream.script({ toolCalls: [{ name: 'look', arguments: { at: 'here '.repeat(900) } }], ignoreMaxTokens: true, writeBytes: 1_000_000 });
    const { json } = await call<{ key: string }>(`${sluice.url}/api/v1/keys`, {
      json: { name: 'short', budget: { usd: 1, period: 'total' } },
      headers: admin,
    });
    const { text } = await call(`${sluice.url}/v1/chat/completions`, {
      json: { model: 'gpt-4o-mini', messages: ask('much more'), stream: true, max_completion_tokens: 20 },
      headers: { authorization: `Bearer ${json.key}` },
    });
    expect(text).not.toContain('[DONE]');
    expect(parseEvents(text).at(-1)?.data).toStartWith('{"error":');
  });
});
