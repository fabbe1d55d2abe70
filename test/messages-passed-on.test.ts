import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Anthropic from '@anthropic-ai/sdk';
import { type FakeUpstream, startFakeUpstream } from './fake-upstream/server.ts';
import { call, parseEvents, signIn, type Sluice, startSluice, until } from './harness.ts';

/** /v1/messages on a provider that speaks the same dialect: bodies, answers and events go through as they come. */
const MODEL = 'claude-sonnet-4-5';
let folder: string;
let upstream: FakeUpstream;
let sluice: Sluice;
let client: Anthropic;
let key: string;

beforeAll(async () => {
  upstream = await startFakeUpstream();
  folder = mkdtempSync(join(tmpdir(), 'sluice-messages-'));
  const file = join(folder, 'sluice.yaml');
  writeFileSync(file, `providers:\n  claude: { kind: anthropic, base_url: '${upstream.origin}', api_key: sk-ant-upstream-0000 }\n`);
  sluice = await startSluice({ env: { SLUICE_CONFIG: file, UPSTREAM_MAX_RETRIES: '0', UPSTREAM_READ_TIMEOUT_S: '0.5' } });
  ({ key } = (await call<{ key: string }>(`${sluice.url}/api/v1/keys`, { json: { name: 'messages' }, headers: await signIn(sluice.url) })).json);
  client = new Anthropic({ baseURL: sluice.url, apiKey: key, maxRetries: 0 });
});
afterAll(async () => {
  await sluice.stop();
  upstream.stop();
  rmSync(folder, { recursive: true });
});
afterEach(() => upstream.reset());

/** With much that we have no words for. */
const ASKED = {
  model: `claude/${MODEL}`,
  max_tokens: 100,
  system: [{ type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral' } }],
  messages: [
    {
      role: 'user',
      content: [
        { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'Gates open at dawn.' } },
        { type: 'text', text: 'When?' },
      ],
    },
  ],
  thinking: { type: 'enabled', budget_tokens: 1024 },
  top_k: 5,
  tools: [{ type: 'web_search_20250305', name: 'web_search', max_uses: 1 }],
  metadata: { user_id: 'ada' },
  field_of_next_year: { nested: [1, null] },
};
const post = (body: object, headers: Record<string, string> = {}) =>
  call<Record<string, unknown>>(`${sluice.url}/v1/messages?beta=true`, { json: body, headers: { 'x-api-key': key, ...headers } });

test('the provider gets the body and its headers as they came, and the caller the answer as it came', async () => {
  upstream.script({ garble: { kind: 'extra-fields' }, reasoning: 'hm', usage: { input: 90, output: 20, cached: 40 } });
  const { status, json, headers } = await post(ASKED, { 'anthropic-version': '2023-06-01', 'anthropic-beta': 'context-1m-2025-08-07' });
  expect(status).toBe(200);
  const asked = upstream.calls().at(-1);
  expect(asked?.body).toEqual({ ...ASKED, model: MODEL });
  expect(asked?.headers).toMatchObject({ 'anthropic-version': '2023-06-01', 'anthropic-beta': 'context-1m-2025-08-07', 'x-api-key': 'sk-ant-upstream-0000' });
  expect(json).toMatchObject({
    x_fake_unknown: { nested: [1, null] },
    content: [{ type: 'thinking', thinking: 'hm', signature: 'fake-signature' }, { type: 'text' }],
    usage: { input_tokens: 50, cache_read_input_tokens: 40, output_tokens: 20, service_tier: 'standard' },
  });
  expect(json['id']).toMatch(/^msg_fake_/);
  expect(headers.get('request-id')).toBe(headers.get('x-request-id'));
  expect([headers.get('x-provider'), headers.get('x-model')]).toEqual(['claude', MODEL]);
  expect(Number(headers.get('x-cost-usd'))).toBeGreaterThan(0);
});

test('a stream goes through event by event', async () => {
  upstream.script({ garble: { kind: 'extra-fields' }, reasoning: 'hm', chunks: ['One ', 'two'] });
  const { text } = await post({ ...ASKED, stream: true });
  expect(upstream.calls().at(-1)?.body).toEqual({ ...ASKED, model: MODEL, stream: true });
  const events = parseEvents(text).map(({ event, data }) => ({ event, body: JSON.parse(data) as Record<string, unknown> }));
  expect(events.map(({ event }) => event)).toContain('ping');
  expect(events.every(({ event, body }) => body['type'] === event && body['x_fake_unknown'] !== undefined)).toBe(true);
  const deltas = events.flatMap(({ body }) => (body['delta'] === undefined ? [] : [(body['delta'] as { type?: string }).type]));
  expect(deltas).toEqual(['thinking_delta', 'signature_delta', 'text_delta', 'text_delta', undefined]);
  expect(events.at(-1)?.event).toBe('message_stop');
});

test('an answer that is kept is said in our words, whole and in a stream', async () => {
  const asked = { model: ASKED.model, max_tokens: 100, messages: [{ role: 'user' as const, content: 'kept' }] };
  const headers = { 'X-Cache-Control': 'on' };
  const first = await client.messages.create(asked, { headers });
  const { data: second, response } = await client.messages.create(asked, { headers }).withResponse();
  const streamed = await client.messages.stream(asked, { headers }).finalMessage();
  expect(response.headers.get('x-cache')).toBe('HIT');
  expect(upstream.calls()).toHaveLength(1);
  expect(second.content).toEqual(first.content);
  expect([streamed.content, streamed.usage.output_tokens] as unknown[]).toEqual([first.content, first.usage.output_tokens]);
});

describe('a stream that breaks', () => {
  test.each([
    ['cut', { cutAfter: 2, cutHow: 'close' }],
    ['ended in good order without an end', { cutAfter: 2, cutHow: 'clean' }],
    ['ended after its stop reason, without message_stop', { cutAfter: 2, cutHow: 'clean', cutWithFinish: true }],
    ['silent', { stallAfter: 2 }],
    ['garbled', { garble: { kind: 'bad-json', at: 2 } }],
    ['told of as an error', { garble: { kind: 'error-object', at: 2 } }],
  ] as const)('(%s) is an error for the client, and has no message_stop', async (_how, rule) => {
    upstream.script({ chunks: 5, ...rule });
    const failure: unknown = await client.messages
      .stream({ model: ASKED.model, max_tokens: 50, messages: [{ role: 'user', content: 'Go on' }] })
      .finalMessage()
      .catch((cause: unknown) => cause);
    expect(failure).toBeInstanceOf(Anthropic.APIError);
    const { text } = await post({ model: ASKED.model, max_tokens: 50, messages: [{ role: 'user', content: 'Go on' }], stream: true });
    const events = parseEvents(text);
    expect(events.map(({ event }) => event)).not.toContain('message_stop');
    expect(events.at(-1)?.event).toBe('error');
    expect(JSON.parse(events.at(-1)?.data ?? '')).toMatchObject({ type: 'error', request_id: expect.stringMatching(/^req_/) });
  });
});

test('a caller who leaves takes the upstream call along within a second', async () => {
  upstream.script({ chunks: 100, chunkDelayMs: 50 });
  const stream = await client.messages.create({ model: ASKED.model, max_tokens: 500, messages: [{ role: 'user', content: 'leaving' }], stream: true });
  for await (const event of stream) if (event.type === 'content_block_delta') break;
  await until(() => typeof upstream.calls().at(-1)?.closedByClientAt === 'number', 1000);
});
