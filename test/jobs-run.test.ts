import { afterAll, beforeAll, expect, test } from 'bun:test';
import { call, signIn, type Sluice, until } from './harness.ts';
import { insertJob, jobOf, makeJob, openRunWorld, overJob, type RunWorld } from './jobs/run-world.ts';

/** Jobs that run by themselves, in the service as it starts by default. */
let world: RunWorld;
let sluice: Sluice;
beforeAll(async () => {
  // What is submitted is heard of, and what becomes of it is known here: nobody has to look around.
  world = await openRunWorld({ JOB_POLL_INTERVAL_S: '3600' });
  sluice = await world.start();
});
afterAll(async () => {
  await sluice.end();
  await world.stop();
});

const job = (about: Parameters<typeof makeJob>[1]): Promise<string> => makeJob({ ...world, url: sluice.url }, about);

type Stored = {
  line: number;
  custom_id: string;
  status_code: number;
  response: { choices: { message: { content: string } }[] };
  error: { code: string } | null;
  retry_count: number;
};

test('each request is asked once and has its own answer, and the sums are those of the ledger', async () => {
  world.upstream.reset();
  world.upstream.script({ echo: true });
  const id = await job({ rows: 200 });
  expect(await overJob(world, id)).toMatchObject({ status: 'completed', completed_requests: 200, failed_requests: 0 });
  const rows = await world.query<Stored>('select * from batch_responses where job_id = $1 order by line', [id]);
  expect(rows.map(({ response }) => response.choices[0]?.message.content)).toEqual(Array.from({ length: 200 }, (_, nth) => `row ${nth + 1};`));
  expect(world.upstream.calls().length).toBe(200);
});

test('what the ledger charges to a job is what the job says', async () => {
  world.upstream.script({ echo: true });
  const id = await job({ rows: 40 });
  const over = await overJob(world, id);
  const calls = async (): Promise<{ calls: number; cost: string }[]> =>
    world.query(`select count(*)::int as calls, sum(cost_nano_usd)::text as cost from ledger where job_id = $1 and root_id = id`, [id]);
  await until(async () => (await calls())[0]?.calls === 40);
  expect(await calls()).toEqual([{ calls: 40, cost: over.cost_nano_usd }]);
  expect(Number(over.cost_nano_usd)).toBeGreaterThan(0);
});

test('a job that is cancelled is over within 10 s: what was answered stays, and the rest says why it never ran', async () => {
  world.upstream.script({ echo: true, delayMs: 500 });
  const id = await job({ rows: 500 });
  await until(async () => (await jobOf(world, id)).completed_requests > 0, 10_000);
  const askedAt = performance.now();
  expect((await call(`${sluice.url}/api/v1/jobs/${id}/cancel`, { method: 'POST' })).status).toBe(202);
  const over = await overJob(world, id);
  expect(performance.now() - askedAt).toBeLessThan(10_000);
  expect(over.status).toBe('cancelled');
  expect(over.completed_requests + over.failed_requests).toBe(500);
  expect(await codesOf(id)).toEqual([
    { code: 'batch_cancelled', rows: over.failed_requests },
    { code: null, rows: over.completed_requests },
  ]);
  expect(await eventsOf(id)).toEqual(['batch.cancelled']);
});

test('a job whose time is over expires, with what was answered until then', async () => {
  world.upstream.script({ echo: true, delayMs: 500 });
  const id = await job({ rows: 500, columns: { expires_at: new Date(Date.now() + 2500) } });
  const over = await overJob(world, id);
  expect(over).toMatchObject({ status: 'expired', error: { code: 'batch_expired' } });
  expect((await codesOf(id))[0]).toEqual({ code: 'batch_expired', rows: over.failed_requests });
  expect(over.completed_requests + over.failed_requests).toBe(500);
  expect(await eventsOf(id)).toEqual(['batch.expired']);
});

test('what a provider does wrong is tried again, and what it refuses is not', async () => {
  world.upstream.reset();
  world.upstream.script([
    { match: { prompt: 'row 3;' }, status: 400 },
    { match: { prompt: 'row 5;' }, times: 2, status: 503 },
    { match: { prompt: 'row 7;' }, times: 1, status: 429, headers: { 'retry-after': '1' } },
    { echo: true },
  ]);
  const id = await job({ rows: 10 });
  expect(await overJob(world, id)).toMatchObject({ status: 'completed_with_errors', completed_requests: 9, failed_requests: 1 });
  const rows = await world.query<Stored>('select * from batch_responses where job_id = $1 order by line', [id]);
  expect(rows[2]).toMatchObject({ status_code: 400, error: { code: 'UPSTREAM_REJECTED' }, retry_count: 0 });
  expect([rows[4]?.retry_count, rows[6]?.retry_count, rows[0]?.retry_count]).toEqual([2, 1, 0]);
  expect(world.upstream.calls().length).toBe(13);
  expect(await eventsOf(id)).toEqual(['batch.completed']);
});

test('a job never costs more than its budget', async () => {
  world.upstream.script({ echo: true });
  const budget = 100_000;
  const id = await job({ rows: 60, said: { budget_usd: budget / 1e9 } });
  const over = await overJob(world, id, 60_000);
  expect(over.status).toBe('completed_with_errors');
  expect(Number(over.cost_nano_usd)).toBeLessThanOrEqual(budget);
  expect(Number(over.cost_nano_usd)).toBeGreaterThan(budget * 0.5);
  expect((await codesOf(id)).map(({ code }) => code)).toEqual(['BUDGET_EXCEEDED', null]);
}, 90_000);

test('a job of somebody who is gone does not begin, and says so', async () => {
  const id = await insertJob(world, { rows: 5, columns: { creator: { kind: 'key', id: 'key_gone' } } });
  expect(await overJob(world, id)).toMatchObject({ status: 'failed', failed_requests: 5, error: { code: 'FORBIDDEN' } });
  expect(await eventsOf(id)).toEqual(['batch.failed']);
});

test('a job on hold waits, and one that is not to begin yet does too', async () => {
  const later = new Date(Date.now() + 3_600_000);
  const held = await insertJob(world, { rows: 1, columns: { hold: true } });
  const timed = await insertJob(world, { rows: 1, columns: { hold: false, not_before: later } });
  await overJob(world, await job({ rows: 1 }));
  for (const id of [held, timed]) {
    expect((await jobOf(world, id)).status).toBe('pending');
    expect((await call(`${sluice.url}/api/v1/jobs/${id}/submit`, { method: 'POST' })).status).toBe(202);
    expect((await overJob(world, id)).status).toBe('completed');
  }
});

test('a large job is as fast where the database has seen small ones alone', async () => {
  await world.query('analyze batch_requests, batch_responses');
  world.upstream.script({ echo: true, delayMs: 20 });
  const large = await job({ rows: 20_000 });
  await until(async () => (await jobOf(world, large)).completed_requests > 100, 10_000);
  await call(`${sluice.url}/api/v1/jobs/${large}/cancel`, { method: 'POST' });
  await overJob(world, large, 10_000);
}, 60_000);

test('a small job is through soon while a huge one runs', async () => {
  world.upstream.script({ echo: true, delayMs: 20 });
  const huge = await job({ rows: 20_000 });
  await until(async () => (await jobOf(world, huge)).completed_requests > 100, 10_000);
  const beganAt = performance.now();
  const small = await job({ rows: 100 });
  expect((await overJob(world, small)).status).toBe('completed');
  expect(performance.now() - beganAt).toBeLessThan(10_000);
  expect((await jobOf(world, huge)).status).toBe('in_progress');
  await call(`${sluice.url}/api/v1/jobs/${huge}/cancel`, { method: 'POST' });
  await overJob(world, huge, 30_000);
}, 60_000);

test('of more large jobs than there are places none keeps a small one from its turn', async () => {
  world.upstream.script({ echo: true, delayMs: 20 });
  const large: string[] = [];
  for (let nth = 0; nth < 20; nth++) large.push(await job({ rows: 500 }));
  const beganAt = performance.now();
  const small = await job({ rows: 20 });
  expect((await overJob(world, small)).status).toBe('completed');
  expect(performance.now() - beganAt).toBeLessThan(10_000);
  for (const id of large) await call(`${sluice.url}/api/v1/jobs/${id}/cancel`, { method: 'POST' });
  for (const id of large) await overJob(world, id, 30_000);
}, 60_000);

test('a provider that wants a pause gets it, and the rows of another one go on meanwhile', async () => {
  world.upstream.reset();
  world.upstream.script([
    { match: { model: 'gpt-4o-mini' }, times: 16, status: 429, headers: { 'retry-after': '3' } },
    { match: { model: 'gpt-4o-mini' }, echo: true },
    { echo: true },
  ]);
  const limited = await job({ rows: 40 });
  await until(() => world.upstream.calls().length > 0);
  const pausedAt = performance.now();
  const other = await job({ rows: 40, said: { model: 'anthropic/claude-haiku-4-5' } });
  expect(await overJob(world, other)).toMatchObject({ status: 'completed', completed_requests: 40 });
  expect(performance.now() - pausedAt).toBeLessThan(2900);
  expect(await overJob(world, limited)).toMatchObject({ status: 'completed', completed_requests: 40 });
  const asked = world.upstream.calls().filter(({ path }) => path === '/v1/chat/completions');
  // Those that were under way when the first one was refused, and then nobody for the time that was asked for.
  const early = asked.filter(({ startedAt }) => startedAt < pausedAt + 2500);
  expect(early.length).toBeLessThanOrEqual(16);
  expect(early.every(({ startedAt }) => startedAt < pausedAt + 500)).toBe(true);
}, 60_000);

test("a key's limits slow its jobs down, and cost no row an attempt", async () => {
  world.upstream.reset();
  world.upstream.script({ echo: true, delayMs: 30 });
  const admin = await signIn(sluice.url);
  const made = await call<{ key: string; id: string }>(`${sluice.url}/api/v1/keys`, { headers: admin, json: { name: 'narrow', max_parallel: 2 } });
  const headers = { authorization: `Bearer ${made.json.key}` };
  const id = await makeJob({ ...world, url: sluice.url, headers }, { rows: 30 });
  expect(await overJob(world, id, 30_000)).toMatchObject({ status: 'completed', completed_requests: 30 });
  const rows = await world.query<Stored>('select * from batch_responses where job_id = $1 and retry_count > 0', [id]);
  expect(rows).toEqual([]);
  expect(world.upstream.counts().activePeak).toBeLessThanOrEqual(2);
}, 60_000);

test('the rows of a key that is revoked meanwhile are not run, and say why', async () => {
  world.upstream.script({ echo: true, delayMs: 300 });
  const admin = await signIn(sluice.url);
  const made = await call<{ key: string; id: string }>(`${sluice.url}/api/v1/keys`, { headers: admin, json: { name: 'short-lived' } });
  const id = await makeJob({ ...world, url: sluice.url, headers: { authorization: `Bearer ${made.json.key}` } }, { rows: 300 });
  await until(async () => (await jobOf(world, id)).completed_requests > 0, 10_000);
  expect((await call(`${sluice.url}/api/v1/keys/${made.json.id}`, { method: 'DELETE', headers: admin })).status).toBe(204);
  const over = await overJob(world, id);
  expect(over.status).toBe('completed_with_errors');
  expect(await codesOf(id)).toEqual([
    { code: 'FORBIDDEN', rows: over.failed_requests },
    { code: null, rows: over.completed_requests },
  ]);
});

test('a template is filled by each row', async () => {
  world.upstream.script({ echo: true });
  const id = await job({
    rows: 2,
    said: { template_id: 'basic_chat_v1' },
    request: (line) => ({ input: `question ${line}` }),
  });
  await overJob(world, id);
  const [first] = await world.query<{ response: { output: string; template_id: string } }>(
    'select response from batch_responses where job_id = $1 order by line',
    [id],
  );
  expect(first?.response).toMatchObject({ output: 'question 1', template_id: 'basic_chat_v1' });
});

/** How many outcomes there are of each error. */
function codesOf(id: string): Promise<{ code: string | null; rows: number }[]> {
  return world.query(`select error ->> 'code' as code, count(*)::int as rows from batch_responses where job_id = $1 group by 1 order by 1 nulls last`, [id]);
}

async function eventsOf(id: string): Promise<string[]> {
  const events = await world.query<{ type: string }>('select type from webhook_events where subject_id = $1', [id]);
  return events.map(({ type }) => type);
}
