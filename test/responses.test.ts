import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test';
import OpenAI from 'openai';
import { type FakeUpstream, startFakeUpstream } from './fake-upstream/server.ts';
import { call, parseEvents, signIn, type Sluice, startSluice } from './harness.ts';

/** /v1/responses as OpenAI's own client uses it, on a provider that speaks the same dialect (`gpt-4o-mini`) and on one that does not (`demo`). */
let upstream: FakeUpstream;
let sluice: Sluice;
let client: OpenAI;
/** Of another project. */
let stranger: OpenAI;
let headers: Record<string, string>;

beforeAll(async () => {
  upstream = await startFakeUpstream();
  sluice = await startSluice({
    env: {
      OPENAI_API_KEY: 'sk-upstream-000000000000',
      OPENAI_BASE_URL: upstream.url,
      UPSTREAM_BACKOFF_BASE_S: '0.01',
      UPSTREAM_READ_TIMEOUT_S: '0.5',
    },
  });
  headers = await signIn(sluice.url);
  const keyIn = async (parts: object): Promise<OpenAI> => {
    const { json } = await call<{ key: string }>(`${sluice.url}/api/v1/keys`, { json: { name: 'responses', ...parts }, headers });
    return new OpenAI({ baseURL: `${sluice.url}/v1`, apiKey: json.key, maxRetries: 0 });
  };
  client = await keyIn({});
  const { json: project } = await call<{ id: string }>(`${sluice.url}/api/v1/projects`, { json: { name: 'Other' }, headers });
  stranger = await keyIn({ project_id: project.id });
});
afterAll(async () => {
  await sluice.stop();
  upstream.stop();
});
afterEach(() => upstream.reset());

const MODELS = ['gpt-4o-mini', 'demo'];
const WEATHER = {
  type: 'function' as const,
  name: 'get_weather',
  description: 'The weather of a place',
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false },
  strict: true,
};
type Event = OpenAI.Responses.ResponseStreamEvent;

async function failureOf(asked: Promise<unknown>): Promise<InstanceType<typeof OpenAI.APIError>> {
  const failure: unknown = await asked.then(
    () => null,
    (cause: unknown) => cause,
  );
  if (failure instanceof OpenAI.APIError) return failure;
  throw new Error(`not an APIError: ${String(failure)}`);
}

async function read(stream: AsyncIterable<Event>, into: Event[] = []): Promise<Event[]> {
  for await (const event of stream) into.push(event);
  return into;
}

/** Each event once where it comes several times in a row. */
function order(events: readonly { readonly type: string }[]): string[] {
  return events.map(({ type }) => type.replace('response.', '')).filter((type, index, all) => type !== all[index - 1]);
}

const TEXT_ORDER =
  'created in_progress output_item.added content_part.added output_text.delta output_text.done content_part.done output_item.done completed'.split(' ');
const CALL_ORDER = 'created in_progress output_item.added function_call_arguments.delta function_call_arguments.done output_item.done completed'.split(' ');

describe.each(MODELS)('the client of OpenAI on %s', (model) => {
  test('gets a response', async () => {
    const response = await client.responses.create({ model, input: 'Say hello', instructions: 'Be brief.', metadata: { of: 'test' } });
    expect(response).toMatchObject({ object: 'response', status: 'completed', error: null, instructions: 'Be brief.', metadata: { of: 'test' } });
    expect(response.id).toMatch(/^resp_/);
    expect(response.output[0]).toMatchObject({ type: 'message', role: 'assistant', content: [{ type: 'output_text', annotations: [] }] });
    expect(response.output_text).not.toBe('');
    expect(response.usage?.total_tokens).toBe((response.usage?.input_tokens ?? 0) + (response.usage?.output_tokens ?? 0));
    expect(response.usage).toMatchObject({ input_tokens_details: { cached_tokens: 0 }, output_tokens_details: { reasoning_tokens: 0 } });
  });

  test('gets a stream in the order of the vendor whose pieces are the response', async () => {
    const events = await read(await client.responses.create({ model, input: 'Count to ten', stream: true }));
    expect(order(events)).toEqual(TEXT_ORDER);
    expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, index) => index));
    const text = events.map((event) => (event.type === 'response.output_text.delta' ? event.delta : '')).join('');
    const last = events.at(-1);
    if (last?.type !== 'response.completed') throw new Error('it was not completed');
    const [message] = last.response.output;
    expect(message).toMatchObject({ type: 'message', content: [{ type: 'output_text', text }] });
    expect(await client.responses.retrieve(last.response.id)).toMatchObject({ id: last.response.id, output: last.response.output });
  });

  test('has its stream helper put it together', async () => {
    const response = await client.responses.stream({ model, input: 'Count to five' }).finalResponse();
    expect(response).toMatchObject({ status: 'completed' });
    expect(response.output_text).not.toBe('');
  });

  test('has a tool called, and goes on with what came of it by previous_response_id', async () => {
    const asked = await client.responses.create({ model, input: 'What is the weather in Paris?', tools: [WEATHER], tool_choice: 'required' });
    const called = asked.output.find((item) => item.type === 'function_call');
    if (called?.type !== 'function_call') throw new Error('no tool was called');
    expect(called.id).toMatch(/^fc_/);
    expect(JSON.parse(called.arguments)).toHaveProperty('city');
    const output = JSON.stringify({ degrees: 21, sky: 'clear' });
    const answered = await client.responses.create({
      model,
      previous_response_id: asked.id,
      input: [{ type: 'function_call_output', call_id: called.call_id, output }],
      tools: [WEATHER],
    });
    expect(answered).toMatchObject({ status: 'completed', previous_response_id: asked.id, store: true });
    expect(answered.output_text).toContain('21');
    const items = await client.responses.inputItems.list(answered.id, { order: 'asc' });
    expect(items.data.map((item) => item.type)).toEqual(['message', 'function_call', 'function_call_output']);
  });

  test('gets a tool call in a stream', async () => {
    const events = await read(await client.responses.create({ model, input: 'Weather in Rome?', tools: [WEATHER], tool_choice: 'required', stream: true }));
    expect(order(events)).toEqual(CALL_ORDER);
    const pieces = events.map((event) => (event.type === 'response.function_call_arguments.delta' ? event.delta : '')).join('');
    expect(events.find((event) => event.type === 'response.function_call_arguments.done')).toMatchObject({ arguments: pieces });
  });

  test('gets an answer in the form that it asks for', async () => {
    const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false };
    const format = { type: 'json_schema' as const, name: 'place', schema, strict: true };
    const response = await client.responses.create({ model, input: 'Name a city', text: { format } });
    expect(typeof (JSON.parse(response.output_text) as { city: unknown }).city).toBe('string');
    expect(response.text?.format).toMatchObject({ type: 'json_schema', name: 'place', schema });
  });

  test('is told when the answer was cut at its longest', async () => {
    const response = await client.responses.create({ model, input: 'Write a story about a river, its gates and the people there', max_output_tokens: 2 });
    expect(response).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' }, completed_at: null });
    expect(response.output[0]).toMatchObject({ status: 'incomplete' });
  });

  test('finds what it stored, and nobody else does', async () => {
    const { id } = await client.responses.create({
      model,
      input: [
        { role: 'developer', content: 'Be kind.' },
        { role: 'user', content: 'Hi' },
      ],
    });
    expect((await client.responses.retrieve(id)).id).toBe(id);
    const items = await client.responses.inputItems.list(id, { order: 'asc' });
    expect(items.data).toMatchObject([
      { type: 'message', role: 'developer', content: [{ type: 'input_text', text: 'Be kind.' }] },
      { type: 'message', role: 'user' },
    ]);
    expect((await failureOf(stranger.responses.retrieve(id))).status).toBe(404);
    expect((await failureOf(stranger.responses.delete(id))).status).toBe(404);
    expect((await failureOf(stranger.responses.create({ model, input: 'go on', previous_response_id: id }))).status).toBe(400);
    expect((await client.responses.retrieve(id)).id).toBe(id);
  });

  test('finds no more what it deleted, and cannot go on from it', async () => {
    const { id } = await client.responses.create({ model, input: 'Hi' });
    await client.responses.delete(id);
    expect((await failureOf(client.responses.retrieve(id))).status).toBe(404);
    expect(await failureOf(client.responses.create({ model, input: 'go on', previous_response_id: id }))).toMatchObject({
      status: 400,
      param: 'previous_response_id',
    });
  });

  test('has nothing stored when it says so', async () => {
    const response = await client.responses.create({ model, input: 'Hi', store: false });
    expect(response).toMatchObject({ status: 'completed', store: false });
    expect((await failureOf(client.responses.retrieve(response.id))).status).toBe(404);
  });
});

describe('a body', () => {
  test('passes through to a provider of the same dialect as it came, and so does what it says', async () => {
    const asked = { model: 'gpt-4o-mini', input: 'Hi', tools: [{ type: 'web_search' }], reasoning: { effort: 'low' }, made_up: { by: 'nobody' }, store: true };
    const whole = await call<{ id: string }>(`${sluice.url}/v1/responses`, { json: asked, headers });
    expect(upstream.calls()[0]?.body).toEqual(asked);
    expect(whole.json.id).toMatch(/^resp_fake_/);
    const stream = await call(`${sluice.url}/v1/responses`, { json: { ...asked, stream: true }, headers });
    expect(upstream.calls()[1]?.body).toEqual({ ...asked, stream: true });
    const named = parseEvents(stream.text);
    const events = named.map(({ data }) => JSON.parse(data) as { type: string; item_id?: string });
    expect(order(events)).toEqual(TEXT_ORDER);
    expect(named.map(({ event }) => event)).toEqual(events.map(({ type }) => type));
    expect(events.flatMap(({ item_id: id }) => id ?? []).every((id) => id.startsWith('msg_fake_'))).toBe(true);
  });

  test('that goes on from a response holds all before it, and nothing that is ours', async () => {
    const first = await client.responses.create({ model: 'gpt-4o-mini', input: 'One', instructions: 'Count.' });
    const second = await client.responses.create({ model: 'demo', input: 'Two', previous_response_id: first.id });
    const third = await client.responses.create({ model: 'gpt-4o-mini', input: 'Three', previous_response_id: second.id, stream: true });
    const events = await read(third);
    const sent = upstream.calls().at(-1)?.body as { input: { role: string; id?: string }[]; store: boolean; previous_response_id?: string };
    expect(sent.input.map(({ role }) => role)).toEqual(['user', 'assistant', 'user', 'assistant', 'user']);
    expect(sent.input.filter(({ id }) => id !== undefined)).toEqual([]);
    expect([sent.store, sent.previous_response_id]).toEqual([false, undefined]);
    const told = events.flatMap((event) => ('response' in event ? [event.response] : []));
    expect(told.map(({ previous_response_id: id }) => id)).toEqual([second.id, second.id, second.id]);
    expect(await client.responses.retrieve(told.at(-1)?.id ?? '')).toMatchObject({ previous_response_id: second.id, store: true });
  });

  test('that a model of another dialect cannot be told is refused by name', async () => {
    const cases: [object, string][] = [
      [{ tools: [{ type: 'web_search' }] }, 'tools[0]'],
      [{ reasoning: { effort: 'high' } }, 'reasoning.effort'],
      [{ top_logprobs: 2 }, 'top_logprobs'],
      [{ input: [{ type: 'message', role: 'user', content: [{ type: 'input_file', file_id: 'file_1' }] }] }, 'input[0].content[0]'],
      [{ input: [{ type: 'item_reference', id: 'msg_1' }] }, 'input[0]'],
      [{ conversation: 'conv_1' }, 'conversation'],
      [{ background: true, store: false }, 'background'],
      [{ temperature: 3 }, 'temperature'],
      [{ input: undefined }, 'input'],
    ];
    for (const [parts, param] of cases) {
      const { status, json } = await call<{ error: { param: string; type: string } }>(`${sluice.url}/v1/responses`, {
        json: { model: 'demo', input: 'Hi', ...parts },
        headers,
      });
      expect([status, json.error.param, json.error.type]).toEqual([400, param, 'invalid_request_error']);
    }
  });
});

test('an answer from the cache is a response of its own', async () => {
  const asked = { json: { model: 'demo', input: 'The same again' }, headers: { ...headers, 'x-cache-control': 'on' } };
  const [one, two] = [await call<{ id: string }>(`${sluice.url}/v1/responses`, asked), await call<{ id: string }>(`${sluice.url}/v1/responses`, asked)];
  expect([one.headers.get('x-cache'), two.headers.get('x-cache')]).toEqual(['MISS', 'HIT']);
  expect(two.json).toMatchObject({ status: 'completed', usage: { input_tokens: expect.any(Number) as number } });
  expect(two.json.id).not.toBe(one.json.id);
  expect((await client.responses.retrieve(two.json.id)).output_text).not.toBe('');
});

describe('what goes wrong', () => {
  test('before the answer is an error in the words of OpenAI', async () => {
    expect(await failureOf(client.responses.create({ model: 'nothing', input: 'Hi' }))).toMatchObject({ status: 404, code: 'model_not_found' });
    upstream.script({ status: 429 });
    expect((await failureOf(client.responses.create({ model: 'gpt-4o-mini', input: 'Hi' }))).status).toBe(429);
  });

  test.each([
    ['demo-cut', {}],
    ['gpt-4o-mini', { cutAfter: 2 }],
    ['gpt-4o-mini', { cutAfter: 2, cutHow: 'clean' as const }],
    ['gpt-4o-mini', { garble: { kind: 'error-object' as const, at: 2 } }],
    ['gpt-4o-mini', { stallAfter: 2 }],
  ])('in the middle of a stream of %s (%j) ends in response.failed, and the client throws', async (model, rule) => {
    upstream.script({ chunks: 6, ...rule });
    const events: Event[] = [];
    const failure = await failureOf(read(await client.responses.create({ model, input: 'Hi', stream: true }), events));
    expect(failure.message).not.toBe('');
    const last = events.at(-1);
    if (last?.type !== 'response.failed') throw new Error(`it ended with ${last?.type}`);
    expect(last.response).toMatchObject({ status: 'failed', error: { code: 'server_error' } });
    expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, index) => index));
    expect(events.filter(({ type }) => type === 'response.completed')).toEqual([]);
  });
});
