import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { RequestReply } from '../src/contract/requests.ts';
import type { Rule } from './fake-upstream/rule.ts';
import { type FakeUpstream, startFakeUpstream } from './fake-upstream/server.ts';
import { type Answered, call, parseEvents, type Sluice, signIn, startSluice, until } from './harness.ts';

/** The real process before Anthropic, and before several vendors at once. */
const MODEL = 'claude-haiku-4-5';
const KEY = 'sk-ant-000000000000';
/** What it used, and what that costs: 1 USD for a million tokens of input, 0.1 for those from the cache, 5 for those of output. */
const USED = { input: 1200, output: 300, cached: 1000, reasoning: 20 };
const COST_USD = (200 * 1 + 1000 * 0.1 + 300 * 5) / 1e6;

type Generated = { readonly response: string; readonly usage: object; readonly cost_usd: number; readonly request_id: string };
type Failed = { readonly error: { readonly code: string; readonly details: Record<string, unknown>; readonly request_id: string } };

type ToolCalls = readonly { readonly function: object }[];
type Completion = { readonly choices: readonly { readonly finish_reason: string; readonly message: { readonly tool_calls: ToolCalls } }[] };

let upstream: FakeUpstream;
let sluice: Sluice;
let admin: Record<string, string>;

beforeAll(async () => {
  upstream = await startFakeUpstream();
  const env = {
    ANTHROPIC_API_KEY: KEY,
    ANTHROPIC_BASE_URL: upstream.origin,
    GROQ_API_KEY: 'gsk_0000000000',
    DEFAULT_MODEL: MODEL,
    UPSTREAM_BACKOFF_BASE_S: '0.01',
  };
  sluice = await startSluice({ env });
  admin = await signIn(sluice.url);
});
afterAll(async () => {
  await sluice.stop();
  upstream.stop();
});

let prompts = 0;
/** A prompt that no other test asks, answered by this rule. */
function asked(rule: Rule): string {
  const prompt = `prompt ${++prompts} of this run`;
  upstream.script({ ...rule, match: { prompt } });
  return prompt;
}

function generate<Body = Generated>(prompt: string, query = '', more: object = {}): Promise<Answered<Body>> {
  return call<Body>(`${sluice.url}/generate${query}`, { json: { prompt, ...more } });
}

/** What the ledger says of a request, as soon as it does. */
async function entered(id: string): Promise<RequestReply> {
  let found: Answered<RequestReply> | null = null;
  await until(async () => (found = await call<RequestReply>(`${sluice.url}/api/v1/requests/${id}`, { headers: admin })).status === 200);
  if (found === null) throw new Error('until waits for it');
  return (found as Answered<RequestReply>).json;
}

const failing = (status: number, type: string): Rule => ({ status, body: { type: 'error', error: { type, message: 'not now' } } });

describe('Anthropic', () => {
  test('is asked in its own words, with its own headers', async () => {
    const prompt = asked({ text: 'Hallo.' });
    expect((await generate(prompt, '', { system: 'Be brief.', temperature: 1.5, max_tokens: 7 })).json.response).toBe('Hallo.');
    const { path, headers, body } = upstream.calls().at(-1) ?? {};
    expect(path).toBe('/v1/messages');
    expect(headers).toMatchObject({ 'x-api-key': KEY, 'anthropic-version': '2023-06-01' });
    expect(body).toEqual({ model: MODEL, max_tokens: 7, system: 'Be brief.', messages: [{ role: 'user', content: prompt }], temperature: 1 });
  });

  test('answers in one piece: tokens and cost are right in the answer, its headers and the ledger', async () => {
    const { json, headers } = await generate(asked({ text: 'Hallo.', reasoning: 'German.', usage: USED }));
    expect(json).toMatchObject({ response: 'Hallo.', usage: { input_tokens: 1200, output_tokens: 300, total_tokens: 1500 } });
    expect(json.cost_usd).toBeCloseTo(COST_USD, 12);
    expect(Object.fromEntries(headers)).toMatchObject({ 'x-model': MODEL, 'x-provider': 'anthropic', 'x-cost-usd': String(json.cost_usd) });
    const { calls, ...request } = await entered(json.request_id);
    expect(request).toMatchObject({ provider: 'anthropic', model: MODEL, outcome: 'ok', cost_usd: json.cost_usd });
    expect(calls[0]?.usage).toMatchObject({ input_tokens: 1200, output_tokens: 300, cached_input_tokens: 1000, reasoning_tokens: 20 });
  });

  test('answers piece by piece, and says the same at the end', async () => {
    const pieces = ['One\n', 'two ', 'drei ü 🦜'];
    const { text, headers } = await generate(asked({ chunks: pieces, usage: USED }), '?stream=true');
    const events = parseEvents(text);
    expect(events.slice(0, -1).map(({ data }) => data)).toEqual(pieces);
    expect(events.at(-1)?.event).toBe('done');
    const done = JSON.parse(events.at(-1)?.data ?? '') as { readonly cost_usd: number; readonly request_id: string };
    expect(done).toMatchObject({ model: MODEL, finish_reason: 'stop', usage: { input_tokens: 1200, output_tokens: 300 } });
    expect(done.cost_usd).toBeCloseTo(COST_USD, 12);
    expect(headers.get('x-provider')).toBe('anthropic');
    expect(await entered(done.request_id)).toMatchObject({ outcome: 'ok', cost_usd: done.cost_usd });
  });

  const cuts: [string, Rule][] = [
    ['broken off', { cutAfter: 2 }],
    ['ended in good order, but too early', { cutAfter: 2, cutHow: 'clean' }],
    ['ended after the reason and before `message_stop`', { cutAfter: 2, cutHow: 'clean', cutWithFinish: true }],
    ['with an error in it', { garble: { kind: 'error-object', at: 2 } }],
    ['with garbage in it', { garble: { kind: 'bad-json', at: 2 } }],
  ];
  test.each(cuts)('a stream that is %s is an error and no done, and incomplete in the ledger', async (_, rule) => {
    const { text, headers } = await generate(asked({ chunks: ['half ', 'of ', 'it'], ...rule }), '?stream=true');
    const events = parseEvents(text);
    expect(events.map(({ event }) => event)).toEqual(['message', 'message', 'error']);
    const { error } = JSON.parse(events.at(-1)?.data ?? '') as Failed;
    expect([error.code, error.details['upstream']] as unknown[]).toMatchObject(['INTERNAL_ERROR', { provider: 'anthropic' }]);
    expect(await entered(headers.get('x-request-id') ?? '')).toMatchObject({ outcome: 'cut' });
  });

  test.each([
    [429, 'rate_limit_error'],
    [529, 'overloaded_error'],
    [500, 'api_error'],
  ])('%d %s is asked again', async (status, type) => {
    const { status: answered, headers } = await generate(asked({ ...failing(status, type), times: 2 }));
    expect([answered, headers.get('x-upstream-attempts')]).toEqual([200, '3']);
  });

  test('that is overloaded for long says so after four attempts; a key that it does not take is no mistake of the caller', async () => {
    const overloaded = await generate<Failed>(asked(failing(529, 'overloaded_error')));
    expect(overloaded.json.error.details['upstream']).toMatchObject({ provider: 'anthropic', status: 529, attempts: 4 });
    const refused = await generate<Failed>(asked(failing(401, 'authentication_error')));
    expect([refused.status, refused.json.error.code]).toEqual([500, 'INTERNAL_ERROR']);
    const rejected = await generate<Failed>(asked(failing(400, 'invalid_request_error')));
    expect([rejected.status, rejected.json.error.code]).toEqual([400, 'UPSTREAM_REJECTED']);
  });

  test('calls tools for who asks in the words of OpenAI', async () => {
    const prompt = asked({
      toolCalls: [
        { name: 'look', arguments: { city: 'Rome' } },
        { name: 'look', arguments: { city: 'Oslo' } },
      ],
    });
    const tools = [{ type: 'function', function: { name: 'look', parameters: { type: 'object', properties: { city: { type: 'string' } } } } }];
    const messages = [{ role: 'user', content: prompt }];
    const { json } = await call<Completion>(`${sluice.url}/v1/chat/completions`, { json: { model: MODEL, messages, tools }, headers: admin });
    const [choice] = json.choices;
    expect(choice?.finish_reason).toBe('tool_calls');
    expect(choice?.message.tool_calls.map(({ function: called }) => called)).toEqual([
      { name: 'look', arguments: '{"city":"Rome"}' },
      { name: 'look', arguments: '{"city":"Oslo"}' },
    ]);
    expect(upstream.calls().at(-1)?.body).toMatchObject({ max_tokens: expect.any(Number), tools: [{ name: 'look', input_schema: { type: 'object' } }] });
  });

  test('answers in JSON of a form', async () => {
    const text = 'I am glad that the parcel came.';
    const mood = { sentiment: 'positive', score: 0.9, confidence: 1, emotions: ['joy'], explanation: 'It came.' };
    upstream.script({ match: { prompt: text }, text: JSON.stringify(mood) });
    const { json } = await call(`${sluice.url}/analyze`, { json: { text }, headers: admin });
    expect(json).toMatchObject(mood);
    const body = upstream.calls().at(-1)?.body;
    expect(body).toMatchObject({ output_config: { format: { type: 'json_schema', schema: { additionalProperties: false } } } });
    expect(JSON.stringify(body)).not.toContain('"minimum"');
  });
});

test('the models of every vendor with a key are listed, with the prices of its own', async () => {
  const { json } = await call<{ data: { id: string; provider: string }[] }>(`${sluice.url}/api/v1/models`, { headers: admin });
  const listed = new Map(json.data.map((model) => [model.id, model]));
  expect(listed.get(MODEL)).toMatchObject({ provider: 'anthropic', price: { input: 1, output: 5, assumed: false } });
  expect(listed.get('groq/openai/gpt-oss-120b')).toMatchObject({ provider: 'groq' });
  expect(listed.get('openai/gpt-oss-120b')).toMatchObject({ provider: 'groq' });
  expect(listed.get('gpt-4o-mini')).toBeUndefined();
});
