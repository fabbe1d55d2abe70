import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test';
import OpenAI, { toFile } from 'openai';
import { type FakeUpstream, startFakeUpstream } from './server.ts';

/** The official SDK finds in the fake what it expects of the vendor. */
let fake: FakeUpstream;
let client: OpenAI;

beforeAll(async () => {
  fake = await startFakeUpstream();
  client = new OpenAI({ apiKey: 'sk-fake', baseURL: fake.url, maxRetries: 0 });
});
afterEach(() => fake.reset());
afterAll(() => fake.stop());

const question = [{ role: 'user' as const, content: 'What is the weather_now in Paris?' }];
const weather = {
  type: 'object',
  properties: { city: { type: 'string' }, days: { type: 'integer', minimum: 1, maximum: 5 } },
  required: ['city', 'days'],
  additionalProperties: false,
};
const tools = [{ type: 'function' as const, function: { name: 'weather_now', parameters: weather } }];

const chat = (more: object = {}) => client.chat.completions.create({ model: 'gpt-4o-mini', messages: question, ...more });
const formatOf = (schema: object) => ({ response_format: { type: 'json_schema', json_schema: { name: 'w', strict: true, schema } } });
const upload = (text: string) => toFile(Buffer.from(text), 'zürich.jsonl').then((file) => client.files.create({ file, purpose: 'batch' }));
const line = (id: string, content: string) =>
  JSON.stringify({ custom_id: id, method: 'POST', url: '/v1/chat/completions', body: { model: 'gpt-4o-mini', messages: [{ role: 'user', content }] } });
const create = (inputFileId: string) => client.batches.create({ input_file_id: inputFileId, endpoint: '/v1/chat/completions', completion_window: '24h' });
/** What a call failed with: a promise of the SDK is none that `expect().rejects` knows. */
const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'no failure',
    (thrown: unknown) => thrown,
  );

describe('chat completions', () => {
  test('the same prompt gets the same answer, and usage adds up', async () => {
    const [first, second] = await Promise.all([0, 1].map(() => client.chat.completions.create({ model: 'gpt-4o-mini', messages: question })));
    expect(first?.choices[0]?.message.content).toContain('weather_now in Paris');
    expect(second?.choices[0]?.message.content).toBe(first?.choices[0]?.message.content ?? '');
    expect(first?.usage?.total_tokens).toBe((first?.usage?.prompt_tokens ?? 0) + (first?.usage?.completion_tokens ?? 0));
  });

  test('a stream says piece by piece what the whole answer says, with usage at the end when it is asked for', async () => {
    fake.script({ text: 'Grüße an alle 👋 da draußen', chunks: 5 });
    const stream = await client.chat.completions.create({ model: 'gpt-4o-mini', messages: question, stream: true, stream_options: { include_usage: true } });
    const chunks = await Array.fromAsync(stream);
    const pieces = chunks.flatMap((chunk) => chunk.choices[0]?.delta.content || []);
    expect(pieces).toHaveLength(5);
    expect(pieces.join('')).toBe('Grüße an alle 👋 da draußen');
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: 7 } });
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe('stop');
    expect(new Set(chunks.map((chunk) => chunk.id)).size).toBe(1);
  });

  test('max_tokens cuts, and says so; a rule can ignore it', async () => {
    expect((await chat({ max_completion_tokens: 2 })).choices[0]).toMatchObject({ finish_reason: 'length', message: { content: 'The fake' } });
    fake.script({ ignoreMaxTokens: true });
    expect((await chat({ max_completion_tokens: 2 })).choices[0]?.finish_reason).toBe('stop');
  });

  test('a tool that the prompt names is called with valid arguments, whole and in pieces', async () => {
    const whole = await client.chat.completions.create({ model: 'gpt-4o-mini', messages: question, tools });
    expect(whole.choices[0]?.finish_reason).toBe('tool_calls');
    const streamed = await client.chat.completions.stream({ model: 'gpt-4o-mini', messages: question, tools }).finalChatCompletion();
    for (const answer of [whole, streamed]) {
      const call = answer.choices[0]?.message.tool_calls?.[0];
      const given: unknown = JSON.parse(call?.type === 'function' ? call.function.arguments : '');
      expect(given).toEqual({ city: expect.any(String), days: expect.any(Number) });
    }
    const after = await client.chat.completions.create({
      model: 'gpt-4o-mini',
      messages: [
        ...question,
        { role: 'assistant', content: null, tool_calls: whole.choices[0]?.message.tool_calls ?? [] },
        { role: 'tool', tool_call_id: 'x', content: 'rain' },
      ],
      tools,
    });
    expect(after.choices[0]?.message.content).toBe('The tool said: rain');
  });

  test('a JSON schema gets an instance, and one that the vendor would refuse is refused', async () => {
    const answer: unknown = JSON.parse((await chat(formatOf(weather))).choices[0]?.message.content ?? '');
    expect(answer).toEqual({ city: expect.any(String), days: expect.any(Number) });
    const loose = { type: 'object', properties: weather.properties, required: ['city'], additionalProperties: false };
    expect(await failure(chat(formatOf(loose)))).toMatchObject({ status: 400, message: expect.stringContaining("Missing 'days'") });
  });

  test('errors have the words of the vendor, and the headers of the rule', async () => {
    fake.script({ match: { nth: 1 }, status: 429, headers: { 'retry-after': '7' } });
    const error: unknown = await failure(chat());
    expect(error).toBeInstanceOf(OpenAI.RateLimitError);
    expect(error).toMatchObject({ code: 'rate_limit_exceeded', requestID: 'req_fake_0' });
    expect(error instanceof OpenAI.APIError && error.headers?.get('retry-after')).toBe('7');
    expect((await chat()).choices).toHaveLength(1);
  });
});

describe('responses', () => {
  test('whole and streamed are the same, the events in the vendor’s order and numbered', async () => {
    const whole = await client.responses.create({ model: 'gpt-4o-mini', input: 'Hello there', instructions: 'Be brief.' });
    const events = await Array.fromAsync(
      await client.responses.create({ model: 'gpt-4o-mini', input: 'Hello there', instructions: 'Be brief.', stream: true }),
    );
    expect(whole.output_text).toContain('Hello there');
    expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, index) => index));
    expect([...new Set(events.map((event) => event.type))]).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.completed',
    ]);
    const text = events.map((event) => (event.type === 'response.output_text.delta' ? event.delta : '')).join('');
    expect(text).toBe(whole.output_text);

    expect(events.at(-1)).toMatchObject({ type: 'response.completed', response: { usage: whole.usage } });
  });

  test('a cut answer is incomplete, a tool is called, a schema is kept', async () => {
    const cut = await client.responses.create({ model: 'gpt-4o-mini', input: 'Hello', max_output_tokens: 2 });
    expect(cut).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } });
    const called = await client.responses.create({
      model: 'gpt-4o-mini',
      input: 'weather_now?',
      tools: [{ type: 'function', name: 'weather_now', parameters: weather, strict: true }],
    });
    expect(called.output[0]).toMatchObject({ type: 'function_call', name: 'weather_now' });
    const parsed = await client.responses.create({
      model: 'gpt-4o-mini',
      input: 'x',
      text: { format: { type: 'json_schema', name: 'w', strict: true, schema: weather } },
    });
    expect(JSON.parse(parsed.output_text)).toEqual({ city: expect.any(String), days: expect.any(Number) });
  });
});

test('embeddings come as numbers and in base64, the same unit vectors', async () => {
  const ask = (encoding: 'float' | 'base64') =>
    client.embeddings.create({ model: 'text-embedding-3-small', input: ['a cat', 'a dog'], dimensions: 64, encoding_format: encoding });
  const [numbers, packed] = await Promise.all([
    ask('float'),
    client.embeddings.create({ model: 'text-embedding-3-small', input: ['a cat', 'a dog'], dimensions: 64 }),
  ]);
  expect(numbers.data).toHaveLength(2);
  expect(Math.hypot(...(numbers.data[0]?.embedding ?? []))).toBeCloseTo(1, 5);
  expect(packed.data.map((row) => row.embedding.map(Math.fround))).toEqual(numbers.data.map((row) => row.embedding.map(Math.fround)));
});

test('models and moderations answer', async () => {
  expect((await client.models.list()).data.map((model) => model.id)).toContain('gpt-4o-mini');
  expect(await failure(client.models.retrieve('none'))).toBeInstanceOf(OpenAI.NotFoundError);
  expect((await client.moderations.create({ input: ['hello', 'I will kill you'] })).results.map((result) => result.flagged)).toEqual([false, true]);
});

describe('files and batches', () => {
  test('a file is kept as it came, listed page by page, and deleted', async () => {
    const ids: string[] = [];
    for (const text of ['a', 'b', 'c']) ids.push((await upload(text)).id);
    const listed = await Array.fromAsync(client.files.list({ limit: 2 }));
    expect(listed.map((file) => file.id)).toEqual(ids.toReversed());
    expect(listed[0]).toMatchObject({ filename: 'zürich.jsonl', bytes: 1, purpose: 'batch' });
    expect(await (await client.files.content(ids[1] ?? '')).text()).toBe('b');
    expect(await client.files.delete(ids[1] ?? '')).toMatchObject({ deleted: true });
    expect(await failure(client.files.retrieve(ids[1] ?? ''))).toBeInstanceOf(OpenAI.NotFoundError);
  });

  test('a batch goes on with each look, and ends with one line for each request', async () => {
    fake.script({ match: { prompt: 'bad' }, status: 400 });
    const file = await upload([line('one', 'good'), line('two', 'bad')].join('\n'));
    const batch = await create(file.id);
    const states = [batch.status];
    while (!['completed', 'failed'].includes(states.at(-1) ?? '')) states.push((await client.batches.retrieve(batch.id)).status);
    expect(states).toEqual(['validating', 'in_progress', 'finalizing', 'completed']);
    const done = await client.batches.retrieve(batch.id);
    expect(done.request_counts).toEqual({ total: 2, completed: 1, failed: 1 });
    const read = async (id: string | undefined): Promise<unknown> => JSON.parse(await (await client.files.content(id ?? '')).text());
    expect(await read(done.output_file_id)).toMatchObject({
      custom_id: 'one',
      error: null,
      response: { status_code: 200, body: { object: 'chat.completion' } },
    });
    expect(await read(done.error_file_id)).toMatchObject({
      custom_id: 'two',
      response: { status_code: 400, body: { error: { type: 'invalid_request_error' } } },
    });
  });

  test('a cancelled and an expired batch keep what was answered', async () => {
    for (const outcome of ['cancelled', 'expired'] as const) {
      fake.setBatches({ looks: 1, outcome: 'expired', answered: 1 });
      const batch = await create((await upload([line('one', 'a'), line('two', 'b')].join('\n'))).id);
      if (outcome === 'cancelled') expect((await client.batches.cancel(batch.id)).status).toBe('cancelling');
      const ended = await client.batches.retrieve(batch.id);
      expect(ended).toMatchObject({ status: outcome, request_counts: { total: 2, completed: 1, failed: 1 } });
      expect(await (await client.files.content(ended.error_file_id ?? '')).text()).toContain(`batch_${outcome}`);
    }
  });

  test('a bad line fails the batch and is named', async () => {
    fake.setBatches({ looks: 1, outcome: 'completed' });
    const batch = await create((await upload([line('one', 'a'), line('one', 'b'), '{'].join('\n'))).id);
    const ended = await client.batches.retrieve(batch.id);
    expect(ended.status).toBe('failed');
    expect(ended.errors?.data?.map((error) => [error.line, error.code])).toEqual([
      [2, 'duplicate_custom_id'],
      [3, 'invalid_json_line'],
    ]);
  });
});
