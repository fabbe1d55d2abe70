import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { parseEvents } from './harness.ts';
import { chat, type Failure, type Job, type JobsWorld, openJobsWorld, type Page, POST } from './jobs/world.ts';

/** What comes of jobs: run, watched, retried, cancelled, given back. */
type Outcome = {
  readonly line: number;
  readonly custom_id: string;
  readonly status: string;
  readonly error: { readonly code: string } | null;
  readonly response: unknown;
};

/** Of a model that is none, so that it fails each time. */
const REFUSED = { custom_id: 'bad', body: { model: 'nothing-that-is', messages: [{ role: 'user', content: 'hi' }] } };

let world: JobsWorld;
beforeAll(async () => {
  world = await openJobsWorld();
});
afterAll(() => world.stop());

describe('a job that runs', () => {
  test('ends with one outcome for each request, told in order, in pages and as files', async () => {
    const job = await world.makeWith([chat('a'), REFUSED, chat('c', '=1+1 is "two",\nor so')]);
    const ended = await world.run(job);
    expect(ended).toMatchObject({ status: 'completed_with_errors', total_requests: 3, completed_requests: 2, failed_requests: 1, chosen_engine: 'direct' });
    for (const time of ['submitted_at', 'started_at', 'completed_at']) expect(ended[time]).toBeString();

    const all = (await world.ask<Page<Outcome>>(`/${job.id}/responses`)).json;
    expect(all.data.map(({ line: nth, custom_id: id, status }) => [nth, id, status])).toEqual([
      [1, 'a', 'completed'],
      [2, 'bad', 'failed'],
      [3, 'c', 'completed'],
    ]);
    expect(all.data[1]?.error?.code).toBe('MODEL_NOT_FOUND');
    const failed = (await world.ask<Page<Outcome>>(`/${job.id}/responses?status=failed`)).json;
    expect([failed.total, failed.data]).toEqual([1, all.data.slice(1, 2)]);
    expect((await world.ask<Page<Outcome>>(`/${job.id}/responses?custom_id=c`)).json.data).toEqual(all.data.slice(2));
    const requests = (await world.ask<Page<{ status: string }>>(`/${job.id}/requests?status=done`)).json;
    expect(requests.data.map(({ status }) => status)).toEqual(['completed', 'failed', 'completed']);

    const pages = await Promise.all([1, 2, 3, 4].map((page) => world.ask<Page<Outcome>>(`/${job.id}/responses?status=completed&page_size=1&page=${page}`)));
    expect(pages.map(({ json }) => [json.data.map(({ custom_id: id }) => id), json.has_more, json.total])).toEqual([
      [['a'], true, 2],
      [['c'], false, 2],
      [[], false, 2],
      [[], false, 2],
    ]);

    const jsonl = await world.ask(`/${job.id}/responses?format=jsonl`);
    expect(
      jsonl.text
        .trimEnd()
        .split('\n')
        .map((one) => JSON.parse(one) as unknown),
    ).toEqual([...all.data]);
    expect(jsonl.headers.get('content-disposition')).toBe(`attachment; filename="${job.id}.jsonl"`);
    const csv = await world.ask(`/${job.id}/responses?format=csv`);
    expect(csv.headers.get('content-type')).toStartWith('text/csv');
    expect(csv.text).toStartWith('custom_id,status,status_code,output,');
    expect(csv.text).toContain('bad,failed,404,,MODEL_NOT_FOUND,');
  });

  test('runs again only what failed', async () => {
    const job = await world.makeWith([chat('a'), REFUSED]);
    await world.run(job);
    const before = (await world.ask<Page<Outcome>>(`/${job.id}/responses`)).json.data;
    const retried = await world.ask<Job>(`/${job.id}/retry`, POST);
    expect([retried.status, retried.json.failed_requests, retried.json.completed_requests]).toEqual([202, 0, 1]);
    expect(await world.over(job)).toMatchObject({ status: 'completed_with_errors', completed_requests: 1, failed_requests: 1 });
    const after = (await world.ask<Page<Outcome & { retry_count: number; request_id: string }>>(`/${job.id}/responses`)).json.data;
    expect(after[0]).toEqual(before[0] as (typeof after)[0]);
    expect([after[1]?.status, after[1]?.retry_count]).toEqual(['failed', 1]);
  });

  test('is watched to its end, and nothing is told twice', async () => {
    const job = await world.makeWith([chat('a'), chat('b')]);
    await world.ask(`/${job.id}/submit`, POST);
    const events = parseEvents((await world.ask(`/${job.id}/events`)).text);
    expect(new Set(events.map(({ event }) => event))).toEqual(new Set(['progress', 'done']));
    const last = events.at(-1);
    expect(JSON.parse(last?.data ?? '{}')).toMatchObject({ id: job.id, status: 'completed', completed_requests: 2 });
    expect(JSON.parse(events.at(-2)?.data ?? '{}')).toMatchObject({ status: 'completed', completed_requests: 2, total_requests: 2, eta_s: null });

    const taken = await world.ask(`/${job.id}/events`, { headers: { 'last-event-id': events.at(-2)?.id ?? '' } });
    expect(parseEvents(taken.text).map(({ event, id }) => [event, id])).toEqual([['done', last?.id ?? '']]);
    const ended = await world.ask(`/${job.id}/events`, { headers: { 'last-event-id': last?.id ?? '' } });
    expect([ended.status, ended.text]).toEqual([204, '']);
  });

  test('is told to be gone when it is deleted while it is watched', async () => {
    const job = await world.makeWith([chat('a')]);
    const watching = world.ask(`/${job.id}/events`);
    await world.ask(`/${job.id}`, { method: 'DELETE' });
    const last = parseEvents((await watching).text).at(-1);
    expect(last?.event).toBe('error');
    expect(JSON.parse(last?.data ?? '{}')).toMatchObject({ error: { code: 'NOT_FOUND' } });
  });

  test('starts by itself when it is not on hold', async () => {
    const job = await world.makeWith([chat('a')], { hold: false });
    expect(await world.over(job)).toMatchObject({ status: 'completed', completed_requests: 1 });
  });

  test('that is cancelled before it began ends so, and can be run after all', async () => {
    const job = await world.makeWith([chat('a'), chat('b')]);
    const asked = await world.ask<Job>(`/${job.id}/cancel`, POST);
    expect([asked.status, typeof asked.json['cancel_requested_at']]).toEqual([202, 'string']);
    expect(await world.over(job)).toMatchObject({ status: 'cancelled' });
    await world.ask(`/${job.id}/retry`, POST);
    expect(await world.over(job)).toMatchObject({ status: 'completed', completed_requests: 2, failed_requests: 0 });
  });

  test.each([
    ['submit', []],
    ['retry', [chat('a')]],
  ])('cannot %s while there is nothing to do', async (deed, rows) => {
    const job = rows.length === 0 ? await world.make() : await world.makeWith(rows);
    const { status, json } = await world.ask<Failure>(`/${job.id}/${deed}`, POST);
    expect([status, json.error.code, json.error.details]).toEqual([409, 'CONFLICT', { status: 'pending' }]);
  });

  test('is reckoned before at both prices, and all jobs are summed up', async () => {
    const job = await world.makeWith([chat('a'), chat('b')], { max_tokens: 100 });
    expect((await world.ask(`/${job.id}/estimate`)).json).toEqual({
      requests: 2,
      sampled_requests: 2,
      models: [{ model: 'demo', requests: 2, price_assumed: false }],
      input_tokens: expect.any(Number),
      output_tokens: 200,
      max_output_tokens: 200,
      direct: { cost_usd: 0, max_cost_usd: 0 },
      provider_batch: null,
      saved_usd: 0,
      budget_usd: null,
    });
    const { json } = await world.ask<Record<string, number> & { by_status: Record<string, number> }>('/stats/overview');
    expect(json['total_jobs']).toBe(Object.values(json.by_status).reduce((sum, count) => sum + count, 0));
    expect(json['total_requests']).toBe((json['completed_requests'] ?? 0) + (json['failed_requests'] ?? 0) + (json['open_requests'] ?? 0));
    expect(json['success_rate']).toBeGreaterThan(0.5);
  });
});

test('who watches a job keeps no service from stopping, and sees that it is not over', async () => {
  const job = await world.makeWith([chat('a')]);
  const response = await fetch(`${world.sluice.url}/api/v1/jobs/${job.id}/events`, { headers: world.authorization });
  const startedAt = performance.now();
  expect(await world.sluice.end()).toBe(0);
  // Far below what calls are given to end.
  expect(performance.now() - startedAt).toBeLessThan(12_000);
  expect(parseEvents(await response.text()).map(({ event }) => event)).toEqual(['progress']);
});
