import Anthropic from '@anthropic-ai/sdk';
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { type BatchStage, openBatchStage } from './batches/stage.ts';
import { call, until } from './harness.ts';
import { run } from './test-database.ts';

/** /v1/messages/batches as Anthropic's own client uses it: on a model of Anthropic, on one of OpenAI, and on the demo model. */
let stage: BatchStage;
let client: Anthropic;
let stranger: Anthropic;
const START_LIMIT_MS = 60_000;
const LIMIT_MS = 60_000;

beforeAll(async () => {
  stage = await openBatchStage();
  const open = (apiKey: string): Anthropic => new Anthropic({ baseURL: stage.sluice.url, apiKey, maxRetries: 0 });
  client = open(stage.key);
  stranger = open(String(stage.stranger.apiKey));
}, START_LIMIT_MS);
afterAll(() => stage.stop());

type Requests = Anthropic.Messages.BatchCreateParams['requests'];
type Batch = Anthropic.Messages.MessageBatch;
const ask = (name: string, model: string, more: object = {}): Requests[number] => ({
  custom_id: name,
  params: { model, max_tokens: 30, messages: [{ role: 'user', content: `Say ${name}` }], ...more },
});

async function over({ id }: { readonly id: string }): Promise<Batch> {
  let batch = await client.messages.batches.retrieve(id);
  await until(async () => {
    batch = await client.messages.batches.retrieve(id);
    return batch.processing_status === 'ended';
  }, LIMIT_MS);
  return batch;
}
async function resultsOf({ id }: { readonly id: string }): Promise<Anthropic.Messages.MessageBatchIndividualResponse[]> {
  return Array.fromAsync(await client.messages.batches.results(id));
}
async function failureOf(asked: Promise<unknown>): Promise<InstanceType<typeof Anthropic.APIError>> {
  const failure: unknown = await asked.then(
    () => null,
    (cause: unknown) => cause,
  );
  if (failure instanceof Anthropic.APIError) return failure;
  throw new Error(`not an APIError: ${String(failure)}`);
}

test.each(['claude-haiku-4-5', 'gpt-4o-mini', 'demo'])(
  'a batch on %s is made, polled and read',
  async (model) => {
    const names = Array.from({ length: 12 }, (_, index) => `row-${index}`);
    const made = await client.messages.batches.create({ requests: names.map((name) => ask(name, model)) });
    const processing = { processing: 12, succeeded: 0, errored: 0, canceled: 0, expired: 0 };
    expect(made).toMatchObject({ type: 'message_batch', processing_status: 'in_progress', request_counts: processing, ended_at: null, results_url: null });
    expect(made.id).toStartWith('msgbatch_');
    expect(Date.parse(made.expires_at) - Date.parse(made.created_at)).toBe(86_400_000);
    const batch = await over(made);
    expect(batch).toMatchObject({ request_counts: { processing: 0, succeeded: 12, errored: 0, canceled: 0, expired: 0 }, cancel_initiated_at: null });
    expect(Date.parse(batch.ended_at ?? '')).toBeGreaterThanOrEqual(Date.parse(batch.created_at));
    const results = await resultsOf(batch);
    expect(results.map(({ custom_id: name }) => name)).toEqual(names);
    for (const { result } of results) {
      expect(result).toMatchObject({ type: 'succeeded', message: { type: 'message', role: 'assistant', content: [{ type: 'text' }], usage: {} } });
    }
  },
  LIMIT_MS,
);

describe('a request that is wrong', () => {
  test(
    'is told so in its result, and no other one suffers',
    async () => {
      const requests = [
        ask('good', 'demo'),
        ask('temperature', 'demo', { temperature: 7 }),
        ask('model', 'no-such-model'),
        ask('stream', 'demo', { stream: true }),
      ];
      const batch = await over(await client.messages.batches.create({ requests }));
      expect(batch.request_counts).toEqual({ processing: 0, succeeded: 1, errored: 3, canceled: 0, expired: 0 });
      const results = new Map((await resultsOf(batch)).map(({ custom_id: name, result }) => [name, result]));
      expect(results.get('good')).toMatchObject({ type: 'succeeded' });
      expect(results.get('temperature')).toMatchObject({ type: 'errored', error: { type: 'error', error: { type: 'invalid_request_error' } } });
      expect(results.get('model')).toMatchObject({ type: 'errored', error: { type: 'error', error: { type: 'not_found_error' } } });
      expect(results.get('stream')).toMatchObject({ type: 'errored', error: { error: { type: 'invalid_request_error' } } });
    },
    LIMIT_MS,
  );

  test.each([
    ['no requests', []],
    ['a name twice', [ask('a', 'demo'), ask('a', 'demo')]],
    ['a name with a space', [ask('a b', 'demo')]],
  ])('keeps a batch from being made: %s', async (_what, requests) => {
    const refusal = await failureOf(client.messages.batches.create({ requests }));
    expect([refusal.status, refusal.type]).toEqual([400, 'invalid_request_error']);
  });
});

test.each([
  ['canceled', (id: string) => client.messages.batches.cancel(id).then(({ processing_status: status }) => expect(['canceling', 'ended']).toContain(status))],
  ['expired', (id: string) => run(stage.database.urlOf(stage.sluice), `update batch_jobs set expires_at = now() where id = '${id}'`)],
] as const)(
  'a batch that is half done and %s keeps what was answered',
  async (kind, end) => {
    stage.upstream.script({ delayMs: 300 });
    const requests = Array.from({ length: 100 }, (_, index) => ask(`${index}`, 'llama'));
    const made = await client.messages.batches.create({ requests });
    await until(async () => {
      const { json } = await call<{ completed_requests: number }>(`${stage.sluice.url}/api/v1/jobs/${made.id}`, { headers: stage.admin });
      return json.completed_requests > 0;
    }, 20_000);
    await end(made.id);
    const batch = await over(made);
    stage.upstream.script([]);
    const results = await resultsOf(batch);
    const ended = results.filter(({ result }) => result.type === kind).length;
    expect(results.map(({ custom_id: name }) => name)).toEqual(requests.map(({ custom_id: name }) => name));
    expect(batch.request_counts).toEqual({ processing: 0, errored: 0, canceled: 0, expired: 0, succeeded: 100 - ended, [kind]: ended });
    expect(Math.min(ended, 100 - ended)).toBeGreaterThan(0);
    expect((await failureOf(client.messages.batches.cancel(made.id))).status).toBe(409);
  },
  LIMIT_MS,
);

test(
  'batches are listed in pages in both directions, deleted, and nobody else sees them',
  async () => {
    for (const name of ['a', 'b', 'c']) await over(await client.messages.batches.create({ requests: [ask(name, 'demo')] }));
    const ids = (await Array.fromAsync(client.messages.batches.list({ limit: 2 }))).map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toEqual(ids.toSorted().toReversed());
    const [first = '', second = '', third = ''] = ids;
    const before = await client.messages.batches.list({ limit: 1, before_id: third });
    expect([before.data.map(({ id }) => id), before.has_more]).toEqual([[second], true]);
    expect((await stranger.messages.batches.list()).data).toEqual([]);
    const strange = [stranger.messages.batches.retrieve(first), stranger.messages.batches.cancel(first), stranger.messages.batches.delete(first)];
    expect((await Promise.all(strange.map(failureOf))).map(({ status }) => status)).toEqual([404, 404, 404]);
    expect(await client.messages.batches.delete(first)).toEqual({ id: first, type: 'message_batch_deleted' });
    expect((await failureOf(client.messages.batches.retrieve(first))).type).toBe('not_found_error');
  },
  LIMIT_MS,
);
