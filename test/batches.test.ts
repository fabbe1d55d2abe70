import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { toFile } from 'openai';
import { type BatchStage, chat, CHAT, failureOf, jsonl, openBatchStage, request } from './batches/stage.ts';
import { call } from './harness.ts';

/** /v1/batches as OpenAI's own client uses it: on a model of OpenAI, on one of Anthropic, and on the demo model. */
let stage: BatchStage;
const START_LIMIT_MS = 60_000;

beforeAll(async () => {
  stage = await openBatchStage();
}, START_LIMIT_MS);
afterAll(() => stage.stop());

describe.each(['gpt-4o-mini', 'claude-haiku-4-5', 'demo'])('a batch on %s', (model) => {
  test('is uploaded, made, polled and downloaded', async () => {
    const names = Array.from({ length: 25 }, (_, index) => `row ${index} ü`);
    const made = await stage.create(jsonl(names.map((name) => request(name, chat(model, `Say ${name}`, { max_tokens: 30 })))), CHAT, {
      metadata: { of: 'test' },
    });
    expect(made).toMatchObject({ object: 'batch', endpoint: CHAT, completion_window: '24h', metadata: { of: 'test' }, errors: null, output_file_id: null });
    expect(made.id).toStartWith('batch_');
    expect(['validating', 'in_progress']).toContain(made.status);
    expect(made.expires_at).toBe(made.created_at + 86_400);
    const batch = await stage.over(made);
    expect(batch).toMatchObject({ status: 'completed', request_counts: { total: 25, completed: 25, failed: 0 }, model, error_file_id: null });
    for (const at of [batch.in_progress_at, batch.finalizing_at, batch.completed_at]) expect(at ?? 0).toBeGreaterThanOrEqual(batch.created_at);
    expect([batch.failed_at, batch.expired_at, batch.cancelling_at, batch.cancelled_at]).toEqual([null, null, null, null] as never);
    const lines = await stage.linesOf(batch.output_file_id);
    expect(lines.map(({ custom_id: id }) => id)).toEqual(names);
    for (const { id, response, error } of lines) {
      expect([id.startsWith('batch_req_'), error, response?.status_code]).toEqual([true, null, 200]);
      expect(response?.request_id).toStartWith('req_');
      expect(response?.body).toMatchObject({ object: 'chat.completion', choices: [{ message: { role: 'assistant' } }], usage: {} });
    }
    expect(new Set(lines.map(({ id }) => id)).size).toBe(25);
    expect(await stage.client.files.retrieve(batch.output_file_id ?? '')).toMatchObject({ purpose: 'batch_output', filename: `${batch.id}_output.jsonl` });
  }, 60_000);
});

test.each(['gpt-4o-mini', 'llama'])(
  'its usage is that of its requests, on %s',
  async (model) => {
    stage.upstream.script({ usage: { input: 100, output: 50, cached: 40, reasoning: 20 } });
    const batch = await stage.over(await stage.create(jsonl(['a', 'b', 'c'].map((name) => request(name, chat(model, name, { max_tokens: 60 }))))));
    stage.upstream.script([]);
    const [input, output] = [
      { input_tokens: 300, input_tokens_details: { cached_tokens: 120 } },
      { output_tokens: 150, output_tokens_details: { reasoning_tokens: 60 } },
    ];
    expect(batch.usage).toEqual({ ...input, ...output, total_tokens: 450 });
  },
  40_000,
);

describe('every endpoint', () => {
  test.each([
    ['/v1/responses', { model: 'demo', input: 'Say hello' }, { object: 'response', status: 'completed' }],
    ['/v1/embeddings', { model: 'demo', input: 'hello' }, { object: 'list', data: [{ object: 'embedding' }] }],
    ['/v1/completions', { model: 'demo', prompt: 'Once' }, { object: 'text_completion' }],
    ['/v1/moderations', { model: 'omni-moderation-latest', input: 'hello' }, { results: [{}] }],
  ] as const)(
    '%s',
    async (endpoint, body, wanted) => {
      const batch = await stage.over(await stage.create(jsonl([request('one', body, endpoint)]), endpoint));
      expect(batch).toMatchObject({ status: 'completed', endpoint, request_counts: { total: 1, completed: 1, failed: 0 } });
      expect((await stage.linesOf(batch.output_file_id))[0]?.response).toMatchObject({ status_code: 200, body: wanted });
    },
    40_000,
  );
});

describe('a batch with mistakes', () => {
  test('fails before it begins, with the number of each line', async () => {
    const good = request('good', chat('demo', 'x'));
    const text = [
      JSON.stringify(good),
      '{"custom_id": ',
      '',
      JSON.stringify({ ...good, custom_id: undefined }),
      JSON.stringify(good),
      JSON.stringify({ ...good, custom_id: 'get', method: 'GET' }),
      JSON.stringify({ ...good, custom_id: 'url', url: '/v1/embeddings' }),
      JSON.stringify({ ...good, custom_id: 'body', body: undefined }),
      JSON.stringify(request('stream', chat('demo', 'x', { stream: true }))),
      JSON.stringify(request('model', chat('no-such-model', 'x'))),
      JSON.stringify(request(7, chat('demo', 'x'))),
      '[]',
    ].join('\n');
    const batch = await stage.over(await stage.create(text));
    expect(batch).toMatchObject({ status: 'failed', request_counts: { total: 0, completed: 0, failed: 0 }, output_file_id: null, error_file_id: null });
    expect(batch.failed_at ?? 0).toBeGreaterThan(0);
    expect(batch.errors?.data?.map(({ line, code, param }) => [line, code, param])).toEqual([
      [2, 'invalid_json_line', null],
      [4, 'missing_required_parameter', 'custom_id'],
      [5, 'duplicate_custom_id', 'custom_id'],
      [6, 'invalid_method', 'method'],
      [7, 'mismatched_url', 'url'],
      [8, 'missing_required_parameter', 'body'],
      [9, 'invalid_value', 'body.stream'],
      [10, 'model_not_found', 'body.model'],
      [11, 'invalid_custom_id', 'custom_id'],
      [12, 'invalid_json_line', null],
    ] as never);
  }, 40_000);

  test.each([
    ['an empty file', '', 'empty_file', null],
    ['a file of blank lines', '\n\n \n', 'empty_file', null],
    ['what is not UTF-8', Buffer.from([0x7b, 0xff, 0x7d]).toString('latin1'), 'invalid_json_line', 1],
  ])(
    'fails with %s',
    async (_what, text, code, line) => {
      const file = await stage.client.files.create({ file: await toFile(Buffer.from(text, 'latin1'), 'x.jsonl'), purpose: 'batch' });
      const batch = await stage.over(await stage.client.batches.create({ input_file_id: file.id, endpoint: CHAT, completion_window: '24h' }));
      expect([batch.status, batch.errors?.data?.[0]?.code, batch.errors?.data?.[0]?.line]).toEqual(['failed', code, line] as never);
    },
    40_000,
  );

  test('of a single request runs all others, and puts it into the error file', async () => {
    const bad = request('bad', { model: 'demo', messages: 'none' });
    const batch = await stage.over(await stage.create(jsonl([request('a', chat('demo', 'x')), bad, request('b', chat('demo', 'y'))])));
    expect(batch).toMatchObject({ status: 'completed', errors: null, request_counts: { total: 3, completed: 2, failed: 1 } });
    expect((await stage.linesOf(batch.output_file_id)).map(({ custom_id: id }) => id)).toEqual(['a', 'b']);
    const [line] = await stage.linesOf(batch.error_file_id);
    expect(line).toMatchObject({
      custom_id: 'bad',
      error: null,
      response: { status_code: 400, body: { error: { type: 'invalid_request_error', param: 'messages' } } },
    });
  }, 40_000);

  test('in all of its requests is completed, with an error file alone', async () => {
    const batch = await stage.over(await stage.create(jsonl([request('bad', { model: 'demo' })])));
    expect(batch).toMatchObject({ status: 'completed', output_file_id: null, request_counts: { total: 1, completed: 0, failed: 1 } });
    expect(await stage.linesOf(batch.error_file_id)).toHaveLength(1);
  }, 40_000);

  test.each([
    ['no file of this id', { input_file_id: 'file-nothing' }, 'input_file_id'],
    ['another endpoint', { endpoint: '/v1/images/generations' }, 'endpoint'],
    ['another window', { completion_window: '1h' }, 'completion_window'],
    ['too many notes', { metadata: Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`${index}`, 'x'])) }, 'metadata'],
  ])('is refused with %s', async (_what, parts, param) => {
    const refusal = await failureOf(
      stage.client.batches.create({ input_file_id: await stage.upload('{}'), endpoint: CHAT, completion_window: '24h', ...parts } as never),
    );
    expect([refusal.status, refusal.param]).toEqual([400, param]);
  });

  test('is refused with a file for something else', async () => {
    const file = await stage.client.files.create({ file: await toFile(Buffer.from('{}'), 'x.jsonl'), purpose: 'user_data' });
    expect((await failureOf(stage.client.batches.create({ input_file_id: file.id, endpoint: CHAT, completion_window: '24h' }))).param).toBe('input_file_id');
  });
});

test('batches are listed in pages, are jobs too, and nobody else sees them', async () => {
  const made = [];
  for (let count = 0; count < 3; count++)
    made.push(await stage.create(jsonl([request('a', chat('demo', `${count}`))]), CHAT, { metadata: { name: `Night ${count}` } }));
  for (const batch of made) await stage.over(batch);
  const ids = (await Array.fromAsync(stage.client.batches.list({ limit: 2 }))).map(({ id }) => id);
  expect(ids.slice(0, 3).toSorted()).toEqual(made.map(({ id }) => id).toSorted());
  expect(new Set(ids).size).toBe(ids.length);
  const [first = { id: '' }] = made;
  const { json: job } = await call<{ name: string; status: string; completed_requests: number }>(`${stage.sluice.url}/api/v1/jobs/${first.id}`, {
    headers: stage.admin,
  });
  expect(job).toMatchObject({ name: 'Night 0', status: 'completed', completed_requests: 1 });
  expect((await stage.stranger.batches.list()).data).toEqual([]);
  const failures = await Promise.all([failureOf(stage.stranger.batches.retrieve(first.id)), failureOf(stage.stranger.batches.cancel(first.id))]);
  expect(failures.map(({ status }) => status)).toEqual([404, 404]);
  const file = await stage.upload(jsonl([request('a', chat('demo', 'x'))]));
  expect((await failureOf(stage.stranger.batches.create({ input_file_id: file, endpoint: CHAT, completion_window: '24h' }))).status).toBe(400);
}, 60_000);

test('its files go when its maker says', async () => {
  const batch = await stage.over(
    await stage.create(jsonl([request('a', chat('demo', 'x'))]), CHAT, { output_expires_after: { anchor: 'created_at', seconds: 3600 } }),
  );
  const file = await stage.client.files.retrieve(batch.output_file_id ?? '');
  expect(file.expires_at).toBe(file.created_at + 3600);
}, 40_000);
