import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test';
import OpenAI from 'openai';
import { type FakeUpstream, startFakeUpstream } from './fake-upstream/server.ts';
import { call, parseEvents, signIn, type Sluice, startSluice, until } from './harness.ts';

/** /v1/chat/completions as OpenAI's own client uses it, on a provider that speaks the same dialect (`gpt-4o-mini`) and on one that does not (`demo`). */
let upstream: FakeUpstream;
let sluice: Sluice;
let client: OpenAI;
/** As a caller without a client asks. */
let signed: Record<string, string>;

beforeAll(async () => {
  upstream = await startFakeUpstream();
  sluice = await startSluice({
    env: {
      OPENAI_API_KEY: 'sk-upstream-000000000000',
      OPENAI_BASE_URL: upstream.url,
      UPSTREAM_BACKOFF_BASE_S: '0.01',
      UPSTREAM_READ_TIMEOUT_S: '0.5',
      RATE_LIMIT_ANONYMOUS: 'off',
      LOG_LEVEL: 'info',
    },
  });
  const { json } = await call<{ key: string }>(`${sluice.url}/api/v1/keys`, { json: { name: 'chat' }, headers: await signIn(sluice.url) });
  client = new OpenAI({ baseURL: `${sluice.url}/v1`, apiKey: json.key, maxRetries: 0 });
  signed = { authorization: `Bearer ${json.key}` };
});
afterAll(async () => {
  await sluice.stop();
  upstream.stop();
});
afterEach(() => upstream.reset());

const MODELS = ['gpt-4o-mini', 'demo'];
const ask = (content: string) => [{ role: 'user' as const, content }];
const WEATHER = {
  type: 'function' as const,
  function: {
    name: 'get_weather',
    description: 'The weather of a place',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
};

async function failureOf(asked: Promise<unknown>): Promise<InstanceType<typeof OpenAI.APIError>> {
  const failure: unknown = await asked.then(
    () => null,
    (cause: unknown) => cause,
  );
  if (failure instanceof OpenAI.APIError) return failure;
  throw new Error(`not an APIError: ${String(failure)}`);
}

describe.each(MODELS)('the client of OpenAI on %s', (model) => {
  test('gets an answer with usage', async () => {
    const answer = await client.chat.completions.create({ model, messages: ask('Say hello') });
    expect(answer.id).toMatch(/^chatcmpl-/);
    expect(answer.object).toBe('chat.completion');
    expect(answer.choices).toHaveLength(1);
    expect(answer.choices[0]).toMatchObject({ index: 0, finish_reason: 'stop', message: { role: 'assistant', refusal: null } });
    expect(answer.choices[0]?.message.content).not.toBe('');
    expect(answer.usage?.total_tokens).toBe((answer.usage?.prompt_tokens ?? 0) + (answer.usage?.completion_tokens ?? 0));
    expect(Math.abs(answer.created - Date.now() / 1000)).toBeLessThan(60);
  });

  test('gets a stream whose pieces are the answer, with usage when it asks for it and not otherwise', async () => {
    const whole = await client.chat.completions.create({ model, messages: ask('Count to ten') });
    for (const usageWanted of [true, false]) {
      const stream = await client.chat.completions.create({
        model,
        messages: ask('Count to ten'),
        stream: true,
        ...(usageWanted ? { stream_options: { include_usage: true } } : {}),
      });
      const chunks = [];
      for await (const chunk of stream) chunks.push(chunk);
      expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe(whole.choices[0]?.message.content ?? '');
      expect(new Set(chunks.map(({ id, created }) => `${id} ${created}`)).size).toBe(1);
      expect(chunks[0]?.choices[0]?.delta.role).toBe('assistant');
      expect(chunks.flatMap(({ choices }) => choices.flatMap(({ finish_reason: reason }) => reason ?? []))).toEqual(['stop']);
      const told = chunks.filter(({ usage }) => usage);
      expect(told.map(({ choices, usage }) => ({ choices, tokens: usage?.total_tokens }))).toEqual(
        usageWanted ? [{ choices: [], tokens: whole.usage?.total_tokens }] : [],
      );
      expect(chunks.some(({ choices }) => choices.length === 0)).toBe(usageWanted);
    }
  });

  test('calls tools and goes on with what they said', async () => {
    upstream.script({
      match: { prompt: 'Paris' },
      times: 2,
      toolCalls: [
        { name: 'get_weather', arguments: { city: 'Paris' } },
        { name: 'get_weather', arguments: { city: 'Rome' } },
      ],
    });
    const messages: OpenAI.ChatCompletionMessageParam[] = ask('What is the weather in Paris? Use get_weather.');
    const first = await client.chat.completions.create({ model, messages, tools: [WEATHER], tool_choice: 'required' });
    const said = first.choices[0]?.message;
    expect(first.choices[0]?.finish_reason).toBe('tool_calls');
    const calls = said?.tool_calls ?? [];
    expect(calls.map((each) => each.type === 'function' && each.function.name)).toContain('get_weather');
    for (const each of calls) expect(each.type === 'function' && typeof JSON.parse(each.function.arguments)).toBe('object');
    const stream = client.chat.completions.stream({ model, messages, tools: [WEATHER], tool_choice: 'required' });
    const streamed = (await stream.finalChatCompletion()).choices[0]?.message.tool_calls ?? [];
    const told = (each: (typeof calls)[number]) => (each.type === 'function' ? [each.function.name, each.function.arguments] : []);
    expect(streamed.map(told)).toEqual(calls.map(told));
    if (!said) throw new Error('nothing was said');
    const last = await client.chat.completions.create({
      model,
      messages: [...messages, said, ...calls.map(({ id }) => ({ role: 'tool' as const, tool_call_id: id, content: '21 degrees' }))],
      tools: [WEATHER],
    });
    expect(last.choices[0]?.finish_reason).toBe('stop');
    expect(last.choices[0]?.message.content).not.toBe('');
  });

  test('gets what fits its schema', async () => {
    const schema = {
      type: 'object',
      properties: { city: { type: 'string' }, degrees: { type: 'integer' } },
      required: ['city', 'degrees'],
      additionalProperties: false,
    };
    upstream.script({ text: '{"city":"Paris","degrees":21}' });
    const answer = await client.chat.completions.create({
      model,
      messages: ask('The weather in Paris as JSON'),
      response_format: { type: 'json_schema', json_schema: { name: 'weather', schema, strict: true } },
    });
    const said = JSON.parse(answer.choices[0]?.message.content ?? '') as { city: unknown; degrees: unknown };
    expect([typeof said.city, Number.isInteger(said.degrees)]).toEqual(['string', true]);
  });

  test('is told of its mistakes in its own words, before anything is asked of a model', async () => {
    // @ts-expect-error a role that there is not
    const wrong = await failureOf(client.chat.completions.create({ model, messages: [{ role: 'robot', content: 'x' }] }));
    expect({ status: wrong.status, type: wrong.type, param: wrong.param }).toEqual({ status: 400, type: 'invalid_request_error', param: 'messages[0].role' });
    expect(wrong.requestID).toMatch(/^req_/);
    const unknown = await failureOf(client.chat.completions.create({ model: `${model}-of-nobody`, messages: ask('x') }));
    expect([unknown.status, unknown.code]).toEqual([404, 'model_not_found']);
    const stranger = new OpenAI({ baseURL: `${sluice.url}/v1`, apiKey: 'sk-sluice-nonsense', maxRetries: 0 });
    const refused = await failureOf(stranger.chat.completions.create({ model, messages: ask('x') }));
    expect([refused.status, refused.code, refused.type]).toEqual([401, 'invalid_api_key', 'invalid_request_error']);
  });
});

describe('a provider of the same dialect', () => {
  test('gets the body as it came, and the caller the answer as it came', async () => {
    upstream.script({ garble: { kind: 'extra-fields' } });
    const body = {
      model: 'gpt-4o-mini',
      messages: [
        { role: 'developer', content: 'Be brief.' },
        { role: 'user', content: [{ type: 'text', text: 'Hi' }], name: 'Ada' },
      ],
      n: 2,
      logprobs: true,
      logit_bias: { 50256: -100 },
      reasoning_effort: 'low',
      field_of_next_year: { nested: [1, null] },
    };
    const { status, json, headers } = await call<Record<string, unknown>>(`${sluice.url}/v1/chat/completions`, { json: body, headers: signed });
    expect(status).toBe(200);
    expect(upstream.calls().at(-1)?.body).toEqual(body);
    expect(json['x_fake_unknown']).toEqual({ nested: [1, null] });
    expect((json['choices'] as { logprobs: unknown }[]).map(({ logprobs }) => logprobs !== null)).toEqual([true, true]);
    const usage = json['usage'] as { prompt_tokens: number; completion_tokens: number };
    expect(Number(headers.get('x-cost-usd'))).toBeCloseTo((usage.prompt_tokens * 0.15 + usage.completion_tokens * 0.6) / 1e6, 12);
    expect(Object.fromEntries(headers)).toMatchObject({ 'x-cache': 'BYPASS', 'x-provider': 'openai', 'x-upstream-attempts': '1' });
  });

  test('is passed on in a stream event by event, and asked for the usage that we count by', async () => {
    upstream.script({ garble: { kind: 'extra-fields' } });
    const body = { model: 'gpt-4o-mini', messages: ask('Hi'), stream: true };
    const { text } = await call(`${sluice.url}/v1/chat/completions`, { json: body, headers: signed });
    expect(upstream.calls().at(-1)?.body).toEqual({ ...body, stream_options: { include_usage: true } });
    const events = parseEvents(text);
    expect(events.at(-1)?.data).toBe('[DONE]');
    const chunks = events.slice(0, -1).map(({ data }) => JSON.parse(data) as { id: string; x_fake_unknown?: unknown; choices: unknown[] });
    expect(chunks.every((chunk) => chunk.id.startsWith('chatcmpl-fake-') && chunk.x_fake_unknown !== undefined && chunk.choices.length === 1)).toBe(true);
    const line = await logLine((each) => each['path'] === '/v1/chat/completions' && each['provider'] === 'openai' && each['cost_usd'] !== undefined);
    expect(line['estimated']).toBeUndefined();
  });

  test("says why it refused, in the provider's own words", async () => {
    upstream.script({
      status: 400,
      body: { error: { message: 'max_tokens is too large: 99999999', type: 'invalid_request_error', param: 'max_tokens', code: 'context_length_exceeded' } },
    });
    const failure = await failureOf(client.chat.completions.create({ model: 'gpt-4o-mini', messages: ask('x'), max_completion_tokens: 99_999_999 }));
    expect(failure.status).toBe(400);
    expect(failure.message).toContain('max_tokens is too large');
    expect([failure.code, failure.param]).toEqual(['context_length_exceeded', 'max_tokens']);
  });
});

describe('a provider of another dialect', () => {
  test.each([
    ['n', { n: 2 }],
    ['logprobs', { logprobs: true }],
    ['reasoning_effort', { reasoning_effort: 'low' as const }],
    [
      'messages[0].content[1]',
      {
        messages: [
          {
            role: 'user' as const,
            content: [
              { type: 'text' as const, text: 'x' },
              { type: 'input_audio' as const, input_audio: { data: '', format: 'wav' as const } },
            ],
          },
        ],
      },
    ],
  ])('cannot be told %s, which is a 400 that names it', async (param, more) => {
    const failure = await failureOf(client.chat.completions.create({ model: 'demo', messages: ask('x'), ...more }));
    expect([failure.status, failure.param, failure.code]).toEqual([400, param, 'invalid_value']);
  });

  test('is told what says nothing new: one answer, no penalties, metadata', async () => {
    const answer = await client.chat.completions.create({
      model: 'demo',
      messages: ask('x'),
      n: 1,
      presence_penalty: 0,
      logprobs: false,
      safety_identifier: 'ada',
      metadata: { a: 'b' },
    });
    expect(answer.choices).toHaveLength(1);
  });
});

describe.each(MODELS)('the cache on %s', (model) => {
  test('is used only by who asks for it', async () => {
    const once = async (prompt: string, headers: Record<string, string>) =>
      (await call(`${sluice.url}/v1/chat/completions`, { json: { model, messages: ask(prompt) }, headers: { ...signed, ...headers } })).headers.get('x-cache');
    const on = { 'x-cache-control': 'on' };
    expect([await once(`plain ${model}`, {}), await once(`plain ${model}`, {})]).toEqual(['BYPASS', 'BYPASS']);
    expect([await once(`kept ${model}`, on), await once(`kept ${model}`, on)]).toEqual(['MISS', 'HIT']);
    const { text } = await call(`${sluice.url}/v1/chat/completions`, {
      json: { model, messages: ask(`kept ${model}`), stream: true },
      headers: { ...signed, ...on },
    });
    expect(parseEvents(text).at(-1)?.data).toBe('[DONE]');
  });
});

describe('a stream that breaks', () => {
  test.each([
    ['cut', { cutAfter: 2, cutHow: 'close' }],
    ['reset', { cutAfter: 2, cutHow: 'reset' }],
    ['ended in good order without an end', { cutAfter: 2, cutHow: 'clean' }],
    ['ended after the finish reason, without [DONE]', { cutAfter: 2, cutHow: 'clean', cutWithFinish: true }],
    ['without [DONE]', { garble: { kind: 'no-done' } }],
    ['silent', { stallAfter: 2 }],
    ['garbled', { garble: { kind: 'bad-json', at: 2 } }],
    ['told of as an error', { garble: { kind: 'error-object', at: 2 } }],
  ] as const)('(%s) is an error for the client, and has no [DONE]', async (_how, rule) => {
    upstream.script({ chunks: 5, ...rule });
    const stream = await client.chat.completions.create({ model: 'gpt-4o-mini', messages: ask('Go on'), stream: true });
    let pieces = 0;
    const outcome = await (async () => {
      for await (const chunk of stream) pieces += chunk.choices[0]?.delta.content ? 1 : 0;
      return 'ended';
    })().catch((cause: unknown) => (cause instanceof OpenAI.APIError ? 'failed' : String(cause)));
    expect(outcome).toBe('failed');
    expect(pieces).toBeGreaterThan(0);
    upstream.script({ chunks: 5, ...rule });
    const { text } = await call(`${sluice.url}/v1/chat/completions`, { json: { model: 'gpt-4o-mini', messages: ask('Go on'), stream: true }, headers: signed });
    expect(text).not.toContain('[DONE]');
    expect(parseEvents(text).at(-1)?.data).toStartWith('{"error":');
  });
});

test('a caller who leaves takes the upstream call along', async () => {
  upstream.script({ chunks: 100, chunkDelayMs: 50 });
  const stream = await client.chat.completions.create({ model: 'gpt-4o-mini', messages: ask('leaving soon'), stream: true });
  for await (const chunk of stream) if (chunk.choices[0]?.delta.content) break;
  await until(() => upstream.calls().at(-1)?.closedByClientAt !== null, 1000);
  const line = await logLine((each) => each['path'] === '/v1/chat/completions' && each['incomplete'] === true && each['outcome'] === 'left');
  expect(line['incomplete']).toBe(true);
});

async function logLine(wanted: (line: Record<string, unknown>) => boolean): Promise<Record<string, unknown>> {
  await until(() => sluice.logs().some(wanted));
  return sluice.logs().findLast(wanted) ?? {};
}
