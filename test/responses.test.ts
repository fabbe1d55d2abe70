import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test';
import OpenAI from 'openai';
import { type FakeUpstream, startFakeUpstream } from './fake-upstream/server.ts';
import { call, signIn, type Sluice, startSluice } from './harness.ts';

/** /v1/responses as OpenAI's own client uses it, on a provider that speaks the same dialect (`gpt-4o-mini`) and on one that does not (`demo`). */
let upstream: FakeUpstream;
let sluice: Sluice;
let client: OpenAI;
/** Of another project. */
let stranger: OpenAI;

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
  const headers = await signIn(sluice.url);
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
    const response = await client.responses.create({ model, input: 'Tell a long story about a river and its gates', max_output_tokens: 16 });
    if (response.status === 'completed') return expect(response.usage?.output_tokens).toBeLessThanOrEqual(16);
    return expect(response).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } });
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
