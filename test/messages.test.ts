import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test';
import Anthropic from '@anthropic-ai/sdk';
import { type FakeUpstream, startFakeUpstream } from './fake-upstream/server.ts';
import { call, parseEvents, signIn, type Sluice, startSluice, until } from './harness.ts';

/** /v1/messages as Anthropic's own client uses it, on providers that do not speak its dialect: an OpenAI-like one (`gpt-4o-mini`) and `demo`. */
let upstream: FakeUpstream;
let sluice: Sluice;
let client: Anthropic;
let key: string;

beforeAll(async () => {
  upstream = await startFakeUpstream();
  sluice = await startSluice({
    env: {
      OPENAI_API_KEY: 'sk-upstream-000000000000',
      OPENAI_BASE_URL: upstream.url,
      UPSTREAM_BACKOFF_BASE_S: '0.01',
      UPSTREAM_READ_TIMEOUT_S: '0.5',
      LOG_LEVEL: 'info',
    },
  });
  ({ key } = (await call<{ key: string }>(`${sluice.url}/api/v1/keys`, { json: { name: 'messages' }, headers: await signIn(sluice.url) })).json);
  client = new Anthropic({ baseURL: sluice.url, apiKey: key, maxRetries: 0 });
});
afterAll(async () => {
  await sluice.stop();
  upstream.stop();
});
afterEach(() => upstream.reset());

const MODELS = ['gpt-4o-mini', 'demo'];
const USAGE = {
  cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
  inference_geo: null,
  output_tokens_details: { thinking_tokens: 0 },
  server_tool_use: null,
  service_tier: null,
};
const ask = (content: Anthropic.MessageParam['content']): Anthropic.MessageParam[] => [{ role: 'user', content }];
const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const WEATHER: Anthropic.Tool = {
  name: 'get_weather',
  description: 'The weather of a place',
  input_schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
};

/** What was asked of the OpenAI-like provider last. */
const toldUpstream = (): Record<string, unknown> => upstream.calls().at(-1)?.body as Record<string, unknown>;
const post = (body: object, headers: Record<string, string> = {}, path = '/v1/messages') =>
  call<Record<string, unknown>>(`${sluice.url}${path}`, { json: body, headers: { 'x-api-key': key, ...headers } });

async function failureOf(asked: Promise<unknown>): Promise<InstanceType<typeof Anthropic.APIError>> {
  const failure: unknown = await asked.then(
    () => null,
    (cause: unknown) => cause,
  );
  if (failure instanceof Anthropic.APIError) return failure;
  throw new Error(`not an APIError: ${String(failure)}`);
}

describe.each(MODELS)('the client of Anthropic on %s', (model) => {
  test('gets a message with all its members', async () => {
    const { data: message, response, request_id } = await client.messages.create({ model, max_tokens: 200, messages: ask('Say hello') }).withResponse();
    expect(message).toMatchObject({
      type: 'message',
      role: 'assistant',
      model,
      stop_reason: 'end_turn',
      stop_sequence: null,
      stop_details: null,
      container: null,
    });
    expect(message.id).toMatch(/^msg_/);
    expect(message.content).toEqual([{ type: 'text', text: expect.stringMatching(/./), citations: [] }]);
    expect(message.usage).toMatchObject(USAGE);
    expect([message.usage.input_tokens > 0, message.usage.output_tokens > 0]).toEqual([true, true]);
    expect(request_id).toMatch(/^req_/);
    expect(response.headers.get('x-request-id')).toBe(request_id ?? null);
  });

  test('gets a stream whose pieces are the message, with the true usage at its end', async () => {
    const asked = { model, max_tokens: 500, messages: ask('Count to ten') };
    const whole = await client.messages.create(asked);
    const stream = client.messages.stream(asked);
    const types: string[] = [];
    stream.on('streamEvent', ({ type }) => types.push(type));
    const streamed = await stream.finalMessage();
    expect({ ...streamed, id: whole.id }).toMatchObject({ content: whole.content, stop_reason: 'end_turn', usage: whole.usage });
    expect(streamed.id).toMatch(/^msg_/);
    expect(stream.request_id).toMatch(/^req_/);
    expect([...new Set(types)]).toEqual(['message_start', 'content_block_start', 'content_block_delta', 'content_block_stop', 'message_delta', 'message_stop']);
    expect(types.filter((type) => type === 'content_block_delta').length).toBeGreaterThan(1);
  });

  test('calls tools, several at once, and goes on with what they said', async () => {
    upstream.script({
      match: { prompt: 'Paris' },
      times: 2,
      toolCalls: [
        { name: 'get_weather', arguments: { city: 'Paris' } },
        { name: 'get_weather', arguments: { city: 'Rome' } },
      ],
    });
    const messages = ask('What is the weather in Paris and in Rome? Use get_weather.');
    const asked = { model, max_tokens: 500, messages, tools: [WEATHER], tool_choice: { type: 'any' as const } };
    const first = await client.messages.create(asked);
    expect(first.stop_reason).toBe('tool_use');
    const calls = first.content.filter((block) => block.type === 'tool_use');
    expect(calls.map(({ name, input, caller }) => ({ name, input, caller }))).toEqual(
      ['Paris', 'Rome'].map((city) => ({ name: 'get_weather', input: { city }, caller: { type: 'direct' as const } })),
    );
    const streamed = await client.messages.stream(asked).finalMessage();
    expect(streamed.content.map((block) => block.type === 'tool_use' && [block.name, block.input])).toEqual(calls.map(({ name, input }) => [name, input]));
    const results = calls.map(({ id }, index) => ({ type: 'tool_result' as const, tool_use_id: id, content: `${20 + index} degrees` }));
    const last = await client.messages.create({
      ...asked,
      tool_choice: { type: 'auto' },
      messages: [...messages, { role: 'assistant', content: first.content }, { role: 'user', content: results }],
    });
    const [text] = last.content;
    expect(last.stop_reason).toBe('end_turn');
    expect(text?.type === 'text' && text.text).toMatch(model === 'demo' ? /20 degrees[^]*21 degrees/ : /./);
    if (model !== 'demo')
      expect((toldUpstream()['messages'] as { role: string }[]).slice(1)).toMatchObject([
        { role: 'assistant', tool_calls: calls.map(({ id }) => ({ id, function: { name: 'get_weather' } })) },
        ...calls.map(({ id }, index) => ({ role: 'tool', tool_call_id: id, content: `${20 + index} degrees` })),
      ]);
  });

  test('gets what fits its schema', async () => {
    const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false };
    upstream.script({ text: '{"city":"Paris"}' });
    const message = await client.messages.create({
      model,
      max_tokens: 200,
      messages: ask('The weather in Paris as JSON'),
      output_config: { format: { type: 'json_schema', schema } },
    });
    const [block] = message.content;
    expect(JSON.parse(block?.type === 'text' ? block.text : '')).toEqual({ city: expect.any(String) });
    if (model !== 'demo') expect(toldUpstream()['response_format']).toMatchObject({ type: 'json_schema', json_schema: { schema } });
  });

  test('is told that the longest length cut the answer', async () => {
    expect((await client.messages.create({ model, max_tokens: 3, messages: ask('Say very much') })).stop_reason).toBe('max_tokens');
  });

  test('is told of its mistakes in its own words, before anything is asked of a model', async () => {
    const messages = [{ role: 'robot' as 'user', content: 'x' }];
    const wrong = await failureOf(client.messages.create({ model, max_tokens: 5, messages }));
    expect([wrong.status, wrong.type]).toEqual([400, 'invalid_request_error']);
    expect(wrong.message).toContain('messages[0].role');
    expect(wrong.requestID).toMatch(/^req_/);
    const unknown = await failureOf(client.messages.create({ model: `${model}-of-nobody`, max_tokens: 5, messages: ask('x') }));
    expect([unknown.status, unknown.type]).toEqual([404, 'not_found_error']);
    const stranger = new Anthropic({ baseURL: sluice.url, apiKey: 'sk-sluice-nonsense', maxRetries: 0 });
    const refused = await failureOf(stranger.messages.create({ model, max_tokens: 5, messages: ask('x') }));
    expect([refused.status, refused.type]).toEqual([401, 'authentication_error']);
    expect(upstream.calls()).toEqual([]);
  });

  test('counts tokens without asking, and is told that it is an estimate', async () => {
    const { data, response } = await client.messages
      .countTokens({ model, system: 'Be brief.', messages: ask('one two three four five'), tools: [WEATHER] })
      .withResponse();
    expect(data.input_tokens).toBeWithin(20, 100);
    expect(response.headers.get('x-usage-estimated')).toBe('true');
    expect(response.headers.get('request-id')).toMatch(/^req_/);
    expect(upstream.calls()).toEqual([]);
  });
});

describe('a provider of another dialect', () => {
  test('is told all that has words: instructions, images, samples, what tools answered', async () => {
    const used = { type: 'tool_use' as const, id: 'toolu_1', name: 'get_weather', input: { city: 'Paris' } };
    const result = { type: 'tool_result' as const, tool_use_id: 'toolu_1', content: [{ type: 'text' as const, text: 'no city' }], is_error: true };
    await client.beta.messages.create({
      model: 'gpt-4o-mini',
      max_tokens: 50,
      system: [{ type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral' } }],
      stop_sequences: ['END'],
      metadata: { user_id: 'ada' },
      betas: ['some-beta-2026-01-01'],
      tools: [WEATHER],
      tool_choice: { type: 'tool', name: 'get_weather' },
      messages: [
        ...ask([
          { type: 'text', text: 'What is this?' },
          { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PIXEL } },
        ]),
        { role: 'assistant', content: [{ type: 'thinking', thinking: 'hm', signature: 'theirs' }, used] },
        ...ask([result, { type: 'text', text: 'So?' }]),
      ],
    });
    expect(toldUpstream()).toEqual({
      model: 'gpt-4o-mini',
      max_tokens: 50,
      stop: ['END'],
      tools: [{ type: 'function', function: { name: 'get_weather', description: 'The weather of a place', parameters: WEATHER.input_schema } }],
      tool_choice: { type: 'function', function: { name: 'get_weather' } },
      messages: [
        { role: 'system', content: 'Be brief.' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is this?' },
            { type: 'image_url', image_url: { url: `data:image/png;base64,${PIXEL}` } },
          ],
        },
        {
          role: 'assistant',
          content: null,
          tool_calls: [{ id: 'toolu_1', type: 'function', function: { name: 'get_weather', arguments: '{"city":"Paris"}' } }],
        },
        { role: 'tool', tool_call_id: 'toolu_1', content: 'Error: no city' },
        { role: 'user', content: 'So?' },
      ],
    });
  });

  test('is heard in thinking, text and tools, each a block of its own', async () => {
    upstream.script({
      reasoning: 'first I think',
      text: 'then I speak',
      toolCalls: [{ name: 'get_weather', arguments: { city: 'Paris' } }],
      usage: { input: 90, output: 20, cached: 40, reasoning: 5 },
    });
    const asked = { model: 'gpt-4o-mini', max_tokens: 50, messages: ask('x'), tools: [WEATHER] };
    const content = [
      { type: 'thinking', thinking: 'first I think', signature: '' },
      { type: 'text', text: 'then I speak', citations: [] },
      { type: 'tool_use', name: 'get_weather', input: { city: 'Paris' } },
    ];
    const usage = { input_tokens: 50, cache_read_input_tokens: 40, output_tokens: 20, output_tokens_details: { thinking_tokens: 5 } };
    expect(await client.messages.create(asked)).toMatchObject({ content, usage, stop_reason: 'tool_use' });
    expect(await client.messages.stream(asked).finalMessage()).toMatchObject({ content, usage, stop_reason: 'tool_use' });
  });

  const document = { type: 'document' as const, source: { type: 'text' as const, media_type: 'text/plain' as const, data: 'x' } };
  test.each([
    ['top_k', { top_k: 5 }],
    ['thinking', { thinking: { type: 'enabled' as const, budget_tokens: 1024 } }],
    ['messages[0].content[0]', { messages: ask([document]) }],
    ['tools[0]', { tools: [{ type: 'web_search_20250305' as const, name: 'web_search' as const }] }],
    ['field_of_next_year', { field_of_next_year: 1 }],
  ])('cannot be told %s, which is a 400 that names it', async (field, more) => {
    const failure = await failureOf(client.messages.create({ model: 'gpt-4o-mini', max_tokens: 5, messages: ask('x'), ...more }));
    expect([failure.status, failure.type, failure.headers?.get('x-error-code')]).toEqual([400, 'invalid_request_error', 'INVALID_VALUE']);
    expect(failure.message).toContain(`${field} `);
    expect(upstream.calls()).toEqual([]);
  });

  test('is not asked for a count of what has no size that we know', async () => {
    const failure = await failureOf(client.messages.countTokens({ model: 'demo', messages: ask([document]) }));
    expect([failure.status, failure.message.includes('messages[0].content[0]')]).toEqual([400, true]);
  });

  test('says why it refused, in its own words', async () => {
    upstream.script({ status: 400, body: { error: { message: 'that is too long', type: 'invalid_request_error', param: null, code: null } } });
    const failure = await failureOf(client.messages.create({ model: 'gpt-4o-mini', max_tokens: 5, messages: ask('x') }));
    expect([failure.status, failure.headers?.get('x-error-code')]).toEqual([400, 'UPSTREAM_REJECTED']);
    expect(failure.message).toContain('that is too long');
  });
});

test('a bearer token is as good as the header of a key', async () => {
  const bearer = new Anthropic({ baseURL: sluice.url, authToken: key, apiKey: null, maxRetries: 0 });
  expect((await bearer.messages.create({ model: 'demo', max_tokens: 50, messages: ask('x') })).role).toBe('assistant');
});

describe('the cache', () => {
  test('is used only by who asks for it, and can be streamed', async () => {
    const once = async (prompt: string, headers: Record<string, string>, more: object = {}) =>
      (await post({ model: 'demo', max_tokens: 50, messages: ask(prompt), ...more }, headers)).headers.get('x-cache');
    const on = { 'x-cache-control': 'on' };
    expect([await once('plain', {}), await once('plain', {})]).toEqual(['BYPASS', 'BYPASS']);
    expect([await once('kept', on), await once('kept', on)]).toEqual(['MISS', 'HIT']);
    const { text } = await post({ model: 'demo', max_tokens: 50, messages: ask('kept'), stream: true }, on);
    expect(parseEvents(text).at(-1)?.event).toBe('message_stop');
  });
});

describe('a stream that breaks', () => {
  test.each([
    ['cut', { cutAfter: 2, cutHow: 'close' }],
    ['reset', { cutAfter: 2, cutHow: 'reset' }],
    ['ended in good order without an end', { cutAfter: 2, cutHow: 'clean' }],
    ['without [DONE]', { garble: { kind: 'no-done' } }],
    ['silent', { stallAfter: 2 }],
    ['garbled', { garble: { kind: 'bad-json', at: 2 } }],
    ['told of as an error', { garble: { kind: 'error-object', at: 2 } }],
  ] as const)('(%s) is an error for the client, and has no message_stop', async (_how, rule) => {
    upstream.script({ chunks: 5, ...rule });
    const asked = { model: 'gpt-4o-mini', max_tokens: 50, messages: ask('Go on') };
    const failure = await failureOf(client.messages.stream(asked).finalMessage());
    expect(failure.type).toMatch(/^(api|timeout)_error$/);
    const { text } = await post({ ...asked, stream: true });
    const events = parseEvents(text);
    expect(events.map(({ event }) => event)).not.toContain('message_delta');
    expect(events.map(({ event }) => event)).not.toContain('message_stop');
    expect(events.at(-1)?.event).toBe('error');
    expect(JSON.parse(events.at(-1)?.data ?? '')).toEqual({
      type: 'error',
      error: { type: expect.stringMatching(/_error$/), message: expect.any(String) },
      request_id: expect.stringMatching(/^req_/),
    });
  });
});

test.each([true, false])('a caller who leaves takes the upstream call along within a second (stream: %p)', async (stream) => {
  upstream.script({ chunks: 100, chunkDelayMs: 50, ...(stream ? {} : { stall: true }) });
  const leaving = new AbortController();
  const asked = client.messages.create({ model: 'gpt-4o-mini', max_tokens: 500, messages: ask('leaving soon'), stream }, { signal: leaving.signal });
  asked.catch(() => undefined);
  await upstream.until((calls) => calls.length === 1);
  if (stream) for await (const event of (await asked) as AsyncIterable<{ type: string }>) if (event.type === 'content_block_delta') break;
  leaving.abort();
  await until(() => typeof upstream.calls().at(-1)?.closedByClientAt === 'number', 1000);
});
