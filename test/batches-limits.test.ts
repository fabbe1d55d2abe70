import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import type OpenAI from 'openai';
import { type BatchStage, chat, failureOf, jsonl, openBatchStage, request } from './batches/stage.ts';
import { until } from './harness.ts';
import { run } from './test-database.ts';

/** Batches that are as large as they may be, and batches that end before they are done. */
let stage: BatchStage;
const START_LIMIT_MS = 60_000;

beforeAll(async () => {
  stage = await openBatchStage();
}, START_LIMIT_MS);
afterAll(() => stage.stop());

/** What the process has in memory that is its own, in MB. */
function memory(): number {
  const status = readFileSync(`/proc/${stage.sluice.pid}/status`, 'utf8');
  const kb = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
  return (kb('RssAnon') + kb('VmSwap')) / 1024;
}

describe('the limits of an input file', () => {
  const ROWS = 50_000;
  const BYTES = 200_000_000;

  test('one row beyond 50,000 is named with its line, and nothing of it runs', async () => {
    const batch = await stage.over(await stage.create(jsonl(Array.from({ length: ROWS + 1 }, (_, index) => request(`${index}`, chat('demo', 'x'))))));
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
    // What the database knows now is of the rows that were refused before, and that there are none.
    await run(stage.database.urlOf(stage.sluice), 'analyze batch_requests, batch_responses');
    stage.upstream.script({ delayMs: 5000 });
    const before = memory();
    let most = before;
    const watch = setInterval(() => {
      most = Math.max(most, memory());
    }, 10);
    const made = await stage.create(file);
    await until(async () => (await stage.client.batches.retrieve(made.id)).status === 'in_progress', 60_000);
    expect((await stage.client.batches.retrieve(made.id)).request_counts?.total).toBe(ROWS);
    await stage.client.batches.cancel(made.id);
    stage.upstream.script([]);
    const batch = await stage.over(made);
    clearInterval(watch);
    const lines = [...(await stage.linesOf(batch.output_file_id)), ...(await stage.linesOf(batch.error_file_id))];
    expect([lines.length, new Set(lines.map(({ custom_id: name }) => name)).size]).toEqual([ROWS, ROWS]);
    // Less than the file itself, of which whoever holds it whole holds several at once.
    expect(most - before).toBeLessThan(190);
  }, 180_000);

  test('one byte beyond 200 MB is named with its line', async () => {
    const line = `${JSON.stringify(request('a', chat('demo', 'x'.repeat(1_000_000))))}\n`;
    const lines = Math.floor(BYTES / line.length);
    const text = line.repeat(lines) + ' '.repeat(BYTES + 1 - lines * line.length);
    const batch = await stage.over(await stage.create(text));
    expect(batch.status).toBe('failed');
    expect(batch.errors?.data?.[0]).toMatchObject({ code: 'file_too_large', line: lines + 1, param: 'input_file_id' });
  }, 60_000);
});

/** A batch of so many requests that each take a while, of which some are through. */
async function halfDone(rows: number): Promise<OpenAI.Batch> {
  stage.upstream.script({ delayMs: 300 });
  const made = await stage.create(jsonl(Array.from({ length: rows }, (_, index) => request(`${index}`, chat('llama', `${index}`)))));
  await until(async () => ((await stage.client.batches.retrieve(made.id)).request_counts?.completed ?? 0) > 0, 20_000);
  return made;
}

/** Each request in one of the two files, those that were not run for this reason. */
async function expectParted(batch: OpenAI.Batch, rows: number, code: string): Promise<void> {
  stage.upstream.script([]);
  const [output, errors] = [await stage.linesOf(batch.output_file_id), await stage.linesOf(batch.error_file_id)];
  expect([...output, ...errors].map(({ custom_id: id }) => Number(id)).toSorted((a, b) => a - b)).toEqual(Array.from({ length: rows }, (_, index) => index));
  for (const { response, error } of output) expect([response?.status_code, error]).toEqual([200, null]);
  for (const { response, error } of errors) expect([response, error?.code]).toEqual([null, code]);
  expect(batch.request_counts).toEqual({ total: rows, completed: output.length, failed: errors.length });
  expect(Math.min(output.length, errors.length)).toBeGreaterThan(0);
}

test('a batch that is cancelled keeps what was answered, and tells the rest so', async () => {
  const made = await halfDone(200);
  const cancelling = await stage.client.batches.cancel(made.id);
  expect(['cancelling', 'cancelled']).toContain(cancelling.status);
  expect(cancelling.cancelling_at ?? 0).toBeGreaterThan(0);
  const batch = await stage.over(made);
  expect(batch).toMatchObject({ status: 'cancelled', errors: null });
  expect(batch.cancelled_at ?? 0).toBeGreaterThan(0);
  await expectParted(batch, 200, 'batch_cancelled');
  const again = await failureOf(stage.client.batches.cancel(made.id));
  expect([again.status, again.headers?.get('x-should-retry')]).toEqual([409, 'false']);
}, 60_000);

test('a batch whose time is over keeps what was answered, and tells the rest so', async () => {
  const made = await halfDone(200);
  await run(stage.database.urlOf(stage.sluice), `update batch_jobs set expires_at = now() where id = '${made.id}'`);
  const batch = await stage.over(made);
  expect(batch).toMatchObject({ status: 'expired', errors: null });
  expect(batch.expired_at ?? 0).toBeGreaterThan(0);
  await expectParted(batch, 200, 'batch_expired');
}, 60_000);
