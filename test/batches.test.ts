import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import OpenAI, { toFile } from 'openai';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FakeUpstream, startFakeUpstream } from './fake-upstream/server.ts';
import { call, type Sluice, signIn, startSluice, until } from './harness.ts';
import { makeDatabase, run, type TestDatabase } from './test-database.ts';

/** /v1/batches as OpenAI's own client uses it: on a model of OpenAI, on one of Anthropic, and on the demo model. */
let upstream: FakeUpstream;
let sluice: Sluice;
let client: OpenAI;
let stranger: OpenAI;
let admin: Record<string, string>;
let database: TestDatabase;
let folder: string;

beforeAll(async () => {
  upstream = await startFakeUpstream();
  database = await makeDatabase();
  folder = mkdtempSync(join(tmpdir(), 'sluice-batches-'));
  const config = join(folder, 'sluice.config.yaml');
  // One that has no batches of its own.
  writeFileSync(config, JSON.stringify({ providers: { house: { base_url: upstream.url, models: ['llama'] } } }));
  sluice = await startSluice({
    env: {
      OPENAI_API_KEY: 'sk-upstream-000000000000',
      OPENAI_BASE_URL: upstream.url,
      ANTHROPIC_API_KEY: 'sk-ant-upstream-000000000000',
      ANTHROPIC_BASE_URL: upstream.origin,
      JOB_POLL_INTERVAL_S: '0.2',
      UPSTREAM_MAX_RETRIES: '0',
      SLUICE_CONFIG: config,
      ...database.env,
    },
  });
  admin = await signIn(sluice.url);
  const keyIn = async (parts: object): Promise<OpenAI> => {
    const { json } = await call<{ key: string }>(`${sluice.url}/api/v1/keys`, { json: { name: 'batches', ...parts }, headers: admin });
    return new OpenAI({ baseURL: `${sluice.url}/v1`, apiKey: json.key, maxRetries: 0 });
  };
  client = await keyIn({});
  const { json: project } = await call<{ id: string }>(`${sluice.url}/api/v1/projects`, { json: { name: 'Other' }, headers: admin });
  stranger = await keyIn({ project_id: project.id });
}, 60_000);
afterAll(async () => {
  await sluice.stop();
  await database.drop();
  upstream.stop();
  rmSync(folder, { recursive: true });
});

type Endpoint = OpenAI.BatchCreateParams['endpoint'];
type Line = {
  readonly id: string;
  readonly custom_id: string;
  readonly response: { status_code: number; request_id: string; body: Record<string, unknown> } | null;
  readonly error: { code: string; message: string } | null;
};

const CHAT = '/v1/chat/completions' as const;
const request = (customId: unknown, body: unknown, url: string = CHAT): object => ({ custom_id: customId, method: 'POST', url, body });
const chat = (model: string, content: string, more: object = {}): object => ({ model, messages: [{ role: 'user', content }], ...more });
const jsonl = (lines: readonly object[]): string => lines.map((line) => `${JSON.stringify(line)}\n`).join('');

async function upload(text: string): Promise<string> {
  return (await client.files.create({ file: await toFile(Buffer.from(text), 'übungen.jsonl'), purpose: 'batch' })).id;
}
async function create(text: string, endpoint: Endpoint = CHAT, more: object = {}): Promise<OpenAI.Batch> {
  return client.batches.create({ input_file_id: await upload(text), endpoint, completion_window: '24h', ...more });
}
const OVER = new Set(['completed', 'failed', 'expired', 'cancelled']);

async function over({ id }: { readonly id: string }): Promise<OpenAI.Batch> {
  let batch = await client.batches.retrieve(id);
  await until(async () => {
    batch = await client.batches.retrieve(id);
    return OVER.has(batch.status);
  }, 30_000);
  return batch;
}
async function linesOf(fileId: string | null | undefined): Promise<Line[]> {
  if (!fileId) return [];
  const text = await (await client.files.content(fileId)).text();
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Line);
}
async function failureOf(asked: Promise<unknown>): Promise<InstanceType<typeof OpenAI.APIError>> {
  const failure: unknown = await asked.then(
    () => null,
    (cause: unknown) => cause,
  );
  if (failure instanceof OpenAI.APIError) return failure;
  throw new Error(`not an APIError: ${String(failure)}`);
}

describe.each(['gpt-4o-mini', 'claude-haiku-4-5', 'demo'])('a batch on %s', (model) => {
  test('is uploaded, made, polled and downloaded', async () => {
    const names = Array.from({ length: 25 }, (_, index) => `row ${index} ü`);
    const made = await create(jsonl(names.map((name) => request(name, chat(model, `Say ${name}`, { max_tokens: 30 })))), CHAT, { metadata: { of: 'test' } });
    expect(made).toMatchObject({ object: 'batch', endpoint: CHAT, completion_window: '24h', metadata: { of: 'test' }, errors: null, output_file_id: null });
    expect(made.id).toStartWith('batch_');
    expect(['validating', 'in_progress']).toContain(made.status);
    expect(made.expires_at).toBe(made.created_at + 86_400);
    const batch = await over(made);
    expect(batch).toMatchObject({ status: 'completed', request_counts: { total: 25, completed: 25, failed: 0 }, model, error_file_id: null });
    for (const at of [batch.in_progress_at, batch.finalizing_at, batch.completed_at]) expect(at ?? 0).toBeGreaterThanOrEqual(batch.created_at);
    expect([batch.failed_at, batch.expired_at, batch.cancelling_at, batch.cancelled_at]).toEqual([null, null, null, null] as never);
    const lines = await linesOf(batch.output_file_id);
    expect(lines.map(({ custom_id: id }) => id)).toEqual(names);
    for (const { id, response, error } of lines) {
      expect([id.startsWith('batch_req_'), error, response?.status_code]).toEqual([true, null, 200]);
      expect(response?.request_id).toStartWith('req_');
      expect(response?.body).toMatchObject({ object: 'chat.completion', choices: [{ message: { role: 'assistant' } }], usage: {} });
    }
    expect(new Set(lines.map(({ id }) => id)).size).toBe(25);
    expect(await client.files.retrieve(batch.output_file_id ?? '')).toMatchObject({ purpose: 'batch_output', filename: `${batch.id}_output.jsonl` });
  }, 60_000);
});

describe('every endpoint', () => {
  test.each([
    ['/v1/responses', { model: 'demo', input: 'Say hello' }, { object: 'response', status: 'completed' }],
    ['/v1/embeddings', { model: 'demo', input: 'hello' }, { object: 'list', data: [{ object: 'embedding' }] }],
    ['/v1/completions', { model: 'demo', prompt: 'Once' }, { object: 'text_completion' }],
    ['/v1/moderations', { model: 'omni-moderation-latest', input: 'hello' }, { results: [{}] }],
  ] as const)(
    '%s',
    async (endpoint, body, wanted) => {
      const batch = await over(await create(jsonl([request('one', body, endpoint)]), endpoint));
      expect(batch).toMatchObject({ status: 'completed', endpoint, request_counts: { total: 1, completed: 1, failed: 0 } });
      expect((await linesOf(batch.output_file_id))[0]?.response).toMatchObject({ status_code: 200, body: wanted });
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
    const batch = await over(await create(text));
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
      const file = await client.files.create({ file: await toFile(Buffer.from(text, 'latin1'), 'x.jsonl'), purpose: 'batch' });
      const batch = await over(await client.batches.create({ input_file_id: file.id, endpoint: CHAT, completion_window: '24h' }));
      expect([batch.status, batch.errors?.data?.[0]?.code, batch.errors?.data?.[0]?.line]).toEqual(['failed', code, line] as never);
    },
    40_000,
  );

  test('of a single request runs all others, and puts it into the error file', async () => {
    const bad = request('bad', { model: 'demo', messages: 'none' });
    const batch = await over(await create(jsonl([request('a', chat('demo', 'x')), bad, request('b', chat('demo', 'y'))])));
    expect(batch).toMatchObject({ status: 'completed', errors: null, request_counts: { total: 3, completed: 2, failed: 1 } });
    expect((await linesOf(batch.output_file_id)).map(({ custom_id: id }) => id)).toEqual(['a', 'b']);
    const [line] = await linesOf(batch.error_file_id);
    expect(line).toMatchObject({
      custom_id: 'bad',
      error: null,
      response: { status_code: 400, body: { error: { type: 'invalid_request_error', param: 'messages' } } },
    });
  }, 40_000);

  test('in all of its requests is completed, with an error file alone', async () => {
    const batch = await over(await create(jsonl([request('bad', { model: 'demo' })])));
    expect(batch).toMatchObject({ status: 'completed', output_file_id: null, request_counts: { total: 1, completed: 0, failed: 1 } });
    expect(await linesOf(batch.error_file_id)).toHaveLength(1);
  }, 40_000);

  test.each([
    ['no file of this id', { input_file_id: 'file-nothing' }, 'input_file_id'],
    ['another endpoint', { endpoint: '/v1/images/generations' }, 'endpoint'],
    ['another window', { completion_window: '1h' }, 'completion_window'],
    ['too many notes', { metadata: Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`${index}`, 'x'])) }, 'metadata'],
  ])('is refused with %s', async (_what, parts, param) => {
    const refusal = await failureOf(client.batches.create({ input_file_id: await upload('{}'), endpoint: CHAT, completion_window: '24h', ...parts } as never));
    expect([refusal.status, refusal.param]).toEqual([400, param]);
  });

  test('is refused with a file for something else', async () => {
    const file = await client.files.create({ file: await toFile(Buffer.from('{}'), 'x.jsonl'), purpose: 'user_data' });
    expect((await failureOf(client.batches.create({ input_file_id: file.id, endpoint: CHAT, completion_window: '24h' }))).param).toBe('input_file_id');
  });
});

/** What the process has in memory that is its own, in MB. */
function memory(): number {
  const status = readFileSync(`/proc/${sluice.pid}/status`, 'utf8');
  const kb = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
  return (kb('RssAnon') + kb('VmSwap')) / 1024;
}

describe('the limits of an input file', () => {
  const ROWS = 50_000;
  const BYTES = 200_000_000;

  test('one row beyond 50,000 is named with its line, and nothing of it runs', async () => {
    const batch = await over(await create(jsonl(Array.from({ length: ROWS + 1 }, (_, index) => request(`${index}`, chat('demo', 'x'))))));
    expect(batch).toMatchObject({ status: 'failed', request_counts: { total: 0 } });
    expect(batch.errors?.data).toEqual([
      { code: 'too_many_requests', line: ROWS + 1, message: 'A batch has up to 50000 requests; line 50001 holds one more.', param: null },
    ] as never);
  }, 60_000);

  test('50,000 rows of 200 MB are taken in and given out, and take little memory', async () => {
    const bare = `${JSON.stringify(request('00000', chat('llama', '')))}\n`.length;
    const filling = 'x'.repeat(BYTES / ROWS - bare);
    const file = new File(
      Array.from({ length: ROWS }, (_, index) => `${JSON.stringify(request(`${index}`.padStart(5, '0'), chat('llama', filling)))}\n`),
      'large.jsonl',
    );
    expect(file.size).toBe(BYTES);
    upstream.script({ delayMs: 5000 });
    const before = memory();
    let most = before;
    const watch = setInterval(() => {
      most = Math.max(most, memory());
    }, 10);
    const { id } = await client.files.create({ file, purpose: 'batch' });
    const made = await client.batches.create({ input_file_id: id, endpoint: CHAT, completion_window: '24h' });
    await until(async () => (await client.batches.retrieve(made.id)).status === 'in_progress', 60_000);
    expect((await client.batches.retrieve(made.id)).request_counts?.total).toBe(ROWS);
    await client.batches.cancel(made.id);
    upstream.script([]);
    const batch = await over(made);
    clearInterval(watch);
    const lines = [...(await linesOf(batch.output_file_id)), ...(await linesOf(batch.error_file_id))];
    expect([lines.length, new Set(lines.map(({ custom_id: name }) => name)).size]).toEqual([ROWS, ROWS]);
    console.log('GROWTH', most - before);
    expect(most - before).toBeLessThan(150);
  }, 180_000);

  test('one byte beyond 200 MB is named with its line', async () => {
    const line = `${JSON.stringify(request('a', chat('demo', 'x'.repeat(1_000_000))))}\n`;
    const lines = Math.floor(BYTES / line.length);
    const text = line.repeat(lines) + ' '.repeat(BYTES + 1 - lines * line.length);
    const batch = await over(await create(text));
    expect(batch.status).toBe('failed');
    expect(batch.errors?.data?.[0]).toMatchObject({ code: 'file_too_large', line: lines + 1, param: 'input_file_id' });
  }, 60_000);
});

/** A batch of so many requests that each take a while, of which some are through. */
async function halfDone(rows: number): Promise<OpenAI.Batch> {
  upstream.script({ delayMs: 300 });
  const made = await create(jsonl(Array.from({ length: rows }, (_, index) => request(`${index}`, chat('llama', `${index}`)))));
  await until(async () => ((await client.batches.retrieve(made.id)).request_counts?.completed ?? 0) > 0, 20_000);
  return made;
}

/** Each request in one of the two files, those that were not run for this reason. */
async function expectParted(batch: OpenAI.Batch, rows: number, code: string): Promise<void> {
  upstream.script([]);
  const [output, errors] = [await linesOf(batch.output_file_id), await linesOf(batch.error_file_id)];
  expect([...output, ...errors].map(({ custom_id: id }) => Number(id)).toSorted((a, b) => a - b)).toEqual(Array.from({ length: rows }, (_, index) => index));
  for (const { response, error } of output) expect([response?.status_code, error]).toEqual([200, null]);
  for (const { response, error } of errors) expect([response, error?.code]).toEqual([null, code]);
  expect(batch.request_counts).toEqual({ total: rows, completed: output.length, failed: errors.length });
  expect(Math.min(output.length, errors.length)).toBeGreaterThan(0);
}

test('a batch that is cancelled keeps what was answered, and tells the rest so', async () => {
  const made = await halfDone(200);
  const cancelling = await client.batches.cancel(made.id);
  expect(['cancelling', 'cancelled']).toContain(cancelling.status);
  expect(cancelling.cancelling_at ?? 0).toBeGreaterThan(0);
  const batch = await over(made);
  expect(batch).toMatchObject({ status: 'cancelled', errors: null });
  expect(batch.cancelled_at ?? 0).toBeGreaterThan(0);
  await expectParted(batch, 200, 'batch_cancelled');
  const again = await failureOf(client.batches.cancel(made.id));
  expect([again.status, again.headers?.get('x-should-retry')]).toEqual([409, 'false']);
}, 60_000);

test('a batch whose time is over keeps what was answered, and tells the rest so', async () => {
  const made = await halfDone(200);
  await run(database.urlOf(sluice), `update batch_jobs set expires_at = now() where id = '${made.id}'`);
  const batch = await over(made);
  expect(batch).toMatchObject({ status: 'expired', errors: null });
  expect(batch.expired_at ?? 0).toBeGreaterThan(0);
  await expectParted(batch, 200, 'batch_expired');
}, 60_000);

test('batches are listed in pages, are jobs too, and nobody else sees them', async () => {
  const made = [];
  for (let count = 0; count < 3; count++)
    made.push(await create(jsonl([request('a', chat('demo', `${count}`))]), CHAT, { metadata: { name: `Night ${count}` } }));
  for (const batch of made) await over(batch);
  const ids = (await Array.fromAsync(client.batches.list({ limit: 2 }))).map(({ id }) => id);
  expect(ids.slice(0, 3).toSorted()).toEqual(made.map(({ id }) => id).toSorted());
  expect(new Set(ids).size).toBe(ids.length);
  const [first = { id: '' }] = made;
  const { json: job } = await call<{ name: string; status: string; completed_requests: number }>(`${sluice.url}/api/v1/jobs/${first.id}`, { headers: admin });
  expect(job).toMatchObject({ name: 'Night 0', status: 'completed', completed_requests: 1 });
  expect((await stranger.batches.list()).data).toEqual([]);
  const failures = await Promise.all([failureOf(stranger.batches.retrieve(first.id)), failureOf(stranger.batches.cancel(first.id))]);
  expect(failures.map(({ status }) => status)).toEqual([404, 404]);
  const file = await upload(jsonl([request('a', chat('demo', 'x'))]));
  expect((await failureOf(stranger.batches.create({ input_file_id: file, endpoint: CHAT, completion_window: '24h' }))).status).toBe(400);
}, 60_000);

test('its files go when its maker says', async () => {
  const batch = await over(await create(jsonl([request('a', chat('demo', 'x'))]), CHAT, { output_expires_after: { anchor: 'created_at', seconds: 3600 } }));
  const file = await client.files.retrieve(batch.output_file_id ?? '');
  expect(file.expires_at).toBe(file.created_at + 3600);
}, 40_000);
