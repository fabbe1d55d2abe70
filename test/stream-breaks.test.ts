import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import type { RequestSummary } from '../src/contract/requests.ts';
import type { Rule } from './fake-upstream/rule.ts';
import { type FakeUpstream, startFakeUpstream } from './fake-upstream/server.ts';
import { call, parseEvents, signIn, type Sluice, startSluice, until } from './harness.ts';

/**
 * Each way in which a provider's stream can break, as the vendors' own clients see it: on a provider that speaks the caller's dialect and on one that
 * speaks another. No client may take what broke off for a whole answer, and neither may the ledger.
 */
let upstream: FakeUpstream;
let sluice: Sluice;
let admin: Record<string, string>;
let key: string;

beforeAll(async () => {
  upstream = await startFakeUpstream();
  sluice = await startSluice({
    env: {
      OPENAI_API_KEY: 'sk-upstream-000000000000',
      OPENAI_BASE_URL: upstream.url,
      ANTHROPIC_API_KEY: 'sk-ant-upstream-000000000000',
      ANTHROPIC_BASE_URL: upstream.origin,
      UPSTREAM_MAX_RETRIES: '0',
      UPSTREAM_READ_TIMEOUT_S: '0.3',
      LOG_LEVEL: 'info',
    },
  });
  admin = await signIn(sluice.url);
  ({ key } = (await call<{ key: string }>(`${sluice.url}/api/v1/keys`, { json: { name: 'breaks' }, headers: admin })).json);
});
afterAll(async () => {
  await sluice.stop();
  upstream.stop();
});
afterEach(() => upstream.reset());

/** Asks for a stream, and hands on each piece of text as it comes. */
type Client = (model: string, hear: (text: string) => void) => Promise<unknown>;
type Surface = { readonly path: string; readonly body: object; readonly client: Client; readonly last: string };

const messages = [{ role: 'user' as const, content: 'Go on' }];
const openai = () => new OpenAI({ baseURL: `${sluice.url}/v1`, apiKey: key, maxRetries: 0 });

const CHAT: Surface = {
  path: '/v1/chat/completions',
  body: { messages },
  async client(model, hear) {
    for await (const { choices } of await openai().chat.completions.create({ model, messages, stream: true })) hear(choices[0]?.delta.content ?? '');
  },
  last: '[DONE]',
};
const RESPONSES: Surface = {
  path: '/v1/responses',
  body: { input: 'Go on' },
  async client(model, hear) {
    for await (const event of await openai().responses.create({ model, input: 'Go on', stream: true })) {
      if (event.type === 'response.output_text.delta') hear(event.delta);
    }
  },
  last: 'response.completed',
};
const MESSAGES: Surface = {
  path: '/v1/messages',
  body: { messages, max_tokens: 100 },
  client: (model, hear) =>
    new Anthropic({ baseURL: sluice.url, apiKey: key, maxRetries: 0 }).messages.stream({ model, messages, max_tokens: 100 }).on('text', hear).finalMessage(),
  last: 'message_stop',
};
const LAST_WORDS = [CHAT.last, RESPONSES.last, 'response.incomplete', MESSAGES.last];

/** The last is whether the provider speaks the caller's dialect, so that its own words come through. */
const ASKED = [
  ['chat completions', 'gpt-4o-mini', CHAT, true],
  ['chat completions', 'claude-haiku-4-5', CHAT, false],
  ['responses', 'gpt-4o-mini', RESPONSES, true],
  ['responses', 'claude-haiku-4-5', RESPONSES, false],
  ['messages', 'claude-haiku-4-5', MESSAGES, true],
  ['messages', 'gpt-4o-mini', MESSAGES, false],
] as const;

const TWO = 'word0 word1 ';
const ALL = 'word0 word1 word2 word3 word4 ';
const BEYOND = 99;
type Break = readonly [how: string, rule: Rule, heard: string];

/** After some of the answer was said. */
const BROKEN_OFF: readonly Break[] = [
  ['closed', { cutAfter: 2, cutHow: 'close' }, TWO],
  ['closed, and said in pieces of seven bytes', { cutAfter: 2, cutHow: 'close', writeBytes: 7 }, TWO],
  ['reset', { cutAfter: 2, cutHow: 'reset' }, TWO],
  ['ended in good order in the middle', { cutAfter: 2, cutHow: 'clean' }, TWO],
  ['silent', { stallAfter: 2 }, TWO],
  ['with an event that is no JSON', { garble: { kind: 'bad-json', at: 2 } }, TWO],
  ['with an error', { garble: { kind: 'error-object', at: 2 } }, TWO],
  ['with a chunk of no size', { garble: { kind: 'bad-chunk-size', at: 2 } }, TWO],
  ['closed before its finish reason', { cutAfter: BEYOND, cutHow: 'close' }, ALL],
  ['ended in good order before its finish reason', { cutAfter: BEYOND, cutHow: 'clean' }, ALL],
  ['silent before its finish reason', { stallAfter: BEYOND }, ALL],
  ['with an error for its finish reason', { garble: { kind: 'error-object', at: BEYOND } }, ALL],
  ['with no JSON for its finish reason', { garble: { kind: 'bad-json', at: BEYOND } }, ALL],
  ['closed in the middle of what a tool is told', { chunks: [], toolCalls: [{ name: 'weigh', arguments: { kilograms: 12 } }], cutAfter: 2 }, ''],
  ['closed after it has thought', { reasoning: 'Hm.', cutAfter: 1 }, ''],
];

/** After its finish reason, without the last event: for responses the two are one. */
const WITHOUT_A_LAST_WORD: readonly Break[] = [
  ['closed', { cutAfter: 2, cutHow: 'close', cutWithFinish: true }, TWO],
  ['reset', { cutAfter: 2, cutHow: 'reset', cutWithFinish: true }, TWO],
  ['ended in good order', { cutAfter: 2, cutHow: 'clean', cutWithFinish: true }, TWO],
  ['ended in good order with all of its text', { garble: { kind: 'no-done' } }, ALL],
];

const BEFORE_ANYTHING: readonly Break[] = [
  ['closed before its head', { cut: 'before-head' }, ''],
  ['reset before its head', { cut: 'before-head', cutHow: 'reset' }, ''],
  ['closed within its head', { cut: 'mid-head' }, ''],
  ['closed after its head', { cut: 'after-head' }, ''],
  ['silent from the start', { stall: true }, ''],
  ['silent after its head', { stall: 'after-head' }, ''],
  ['closed before the first piece', { cutAfter: 0, cutHow: 'close' }, ''],
  ['ended in good order before the first piece', { cutAfter: 0, cutHow: 'clean' }, ''],
  ['with no JSON for the first piece', { garble: { kind: 'bad-json', at: 0 } }, ''],
  ['with an error for the first piece', { garble: { kind: 'error-object', at: 0 } }, ''],
  ['that is a page', { garble: { kind: 'html' } }, ''],
  ['that is half of a gzip', { garble: { kind: 'gzip-cut' } }, ''],
];

/** What the client heard, and what it threw. */
async function listen({ client }: Surface, model: string): Promise<{ readonly heard: string; readonly thrown: unknown }> {
  let heard = '';
  const thrown = await client(model, (text) => {
    heard += text;
  }).then(
    () => null,
    (cause: unknown) => cause,
  );
  return { heard, thrown };
}

/** The same, as it comes without a client, and what the ledger and the log hold of it. */
async function look({ path, body }: Surface, model: string) {
  const { status, text, headers } = await call(`${sluice.url}${path}`, { json: { ...body, model, stream: true }, headers: { authorization: `Bearer ${key}` } });
  const id = headers.get('x-request-id') ?? '';
  const listed = async () => (await call<{ data: readonly RequestSummary[] }>(`${sluice.url}/api/v1/requests?q=${id}`, { headers: admin })).json.data;
  await until(async () => (await listed()).length === 1);
  const isOurs = (line: Record<string, unknown>): boolean => line['request_id'] === id && line['path'] === path;
  await until(() => sluice.logs().some(isOurs));
  return { status, text, kept: (await listed())[0], line: sluice.logs().find(isOurs) };
}

function isApiError(thrown: unknown): boolean {
  return thrown instanceof OpenAI.APIError || thrown instanceof Anthropic.APIError;
}

/** Reasons to end that a body gives, whichever dialect it is in. */
function reasonsIn(text: string): readonly string[] {
  return [...text.matchAll(/"(?:finish|stop)_reason":"(\w+)"/g)].map(([, reason = '']) => reason);
}

function codeOf({ stall, stallAfter }: Rule): string {
  return stall === undefined && stallAfter === undefined ? 'INTERNAL_ERROR' : 'TIMEOUT';
}

async function expectBrokenOff(rule: Rule, heard: string, surface: Surface, model: string): Promise<string> {
  upstream.script({ chunks: 5, ...rule });
  const [client, seen] = await Promise.all([listen(surface, model), look(surface, model)]);
  expect(client.heard).toBe(heard);
  expect(isApiError(client.thrown)).toBe(true);
  expect(seen.status).toBe(200);
  expect(LAST_WORDS.filter((word) => seen.text.includes(word))).toEqual([]);
  expect(JSON.parse(parseEvents(seen.text).at(-1)?.data ?? '')).toMatchObject({ error: { message: expect.stringContaining('provider') } });
  expect(seen.kept).toMatchObject({ outcome: 'cut', error_code: codeOf(rule), streamed: true });
  // A token for each word at least.
  expect(seen.kept?.usage.output_tokens).toBeGreaterThanOrEqual(heard.split(' ').length - 1);
  expect(seen.line).toMatchObject({ incomplete: true });
  await expectWell(surface, model);
  return seen.text;
}

/** Neither the connection nor the provider is the worse for it. */
async function expectWell(surface: Surface, model: string): Promise<void> {
  upstream.script({ chunks: 5 });
  expect(await listen(surface, model)).toEqual({ heard: ALL, thrown: null });
}

async function expectWhole(rule: Rule, heard: string, surface: Surface, model: string): Promise<void> {
  upstream.script({ chunks: 5, ...rule });
  const [client, seen] = await Promise.all([listen(surface, model), look(surface, model)]);
  expect(client).toEqual({ heard, thrown: null });
  expect(LAST_WORDS.filter((word) => seen.text.includes(word))).toEqual([surface.last]);
  expect(seen.kept).toMatchObject({ outcome: 'ok', error_code: null });
  expect(seen.line?.['incomplete']).toBeUndefined();
}

describe.each(ASKED)('%s of %s: a stream', (_name, model, surface, speaks) => {
  test.each(BROKEN_OFF)('%s is an error for the client, is no whole answer in the ledger, and the next one is whole', async (_how, rule, heard) => {
    expect(reasonsIn(await expectBrokenOff(rule, heard, surface, model))).toEqual([]);
  });

  test.each(WITHOUT_A_LAST_WORD)('%s after its finish reason is whole only where that is the last event', async (_how, rule, heard) => {
    if (surface === RESPONSES && speaks) return expectWhole(rule, heard, surface, model);
    // The reason is in the body only where the provider's own words are.
    expect(reasonsIn(await expectBrokenOff(rule, heard, surface, model))).toEqual(speaks ? [surface === CHAT ? 'stop' : 'end_turn'] : []);
  });

  test.each(BEFORE_ANYTHING)('%s is an answer with the status of an error', async (_how, rule) => {
    upstream.script({ chunks: 5, ...rule });
    const [client, seen] = await Promise.all([listen(surface, model), look(surface, model)]);
    const status = codeOf(rule) === 'TIMEOUT' ? 504 : 502;
    expect(client).toMatchObject({ heard: '', thrown: { status } });
    expect(isApiError(client.thrown)).toBe(true);
    expect(seen.status).toBe(status);
    expect(JSON.parse(seen.text)).toMatchObject({ error: { message: expect.stringContaining('provider') } });
    expect(seen.kept).toMatchObject({ outcome: 'failed', error_code: codeOf(rule), cost_usd: 0 });
    await expectWell(surface, model);
  });

  test('that was promised more bytes than come after its last event is whole', async () => {
    await expectWhole({ garble: { kind: 'content-length' } }, ALL, surface, model);
  });

  test('that was promised more bytes than come, and has no last event, is an error', async () => {
    upstream.script({ chunks: 5, garble: { kind: 'content-length' }, cutAfter: 0 });
    const [client, seen] = await Promise.all([listen(surface, model), look(surface, model)]);
    expect(isApiError(client.thrown)).toBe(true);
    expect(ALL.startsWith(client.heard)).toBe(true);
    expect([...LAST_WORDS.filter((word) => seen.text.includes(word)), ...reasonsIn(seen.text)]).toEqual([]);
    expect(seen.kept?.outcome).toBeOneOf(['cut', 'failed']);
    await expectWell(surface, model);
  });
});
