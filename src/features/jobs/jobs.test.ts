import { expect, test } from 'bun:test';
import { sql } from 'kysely';
import { EVERY_PROJECT } from '../../app.ts';
import { AppError } from '../../contract/errors.ts';
import { createInProject } from '../../platform/postgres/in-project.ts';
import { ownDatabase } from '../../platform/postgres/own-database.test.ts';
import { purgeDeletedJobs } from './purge.ts';
import { eachOutcome } from './rows/outcomes.ts';
import { retryRows } from './rows/retry.ts';
import { type IncomingRow, takeIn } from './rows/take-in.ts';
import { type Db, findJob, insertJob, type JobRow, lockJob, type NewJob, updateJob } from './store.ts';

/** What is kept of jobs, in a database. */
const open = ownDatabase();
const REACH = { projectId: 'default', anonymousOnly: false };
const AT = new Date('2026-11-21T12:00:00Z');

function inDefault<Result>(run: (db: Db) => Promise<Result>): Promise<Result> {
  return createInProject(open.db)('default', run);
}

let made = 0;
function newJob(more: Partial<NewJob> = {}): Promise<JobRow> {
  const creator = JSON.stringify({ kind: 'anonymous', id: null });
  const job = { id: `job_${++made}`, project_id: 'default', creator, name: 'a job', endpoint: '/v1/chat/completions', template_id: null, ...more };
  return inDefault((db) => insertJob(db, job));
}

async function* rows(count: number, from = 1, body: object = {}): AsyncGenerator<IncomingRow> {
  for (let nth = from; nth < from + count; nth++) yield { line: nth, customId: `id-${nth}`, body };
}

function fill({ id }: JobRow, coming: AsyncIterable<IncomingRow>): Promise<number> {
  return inDefault(async (db) => {
    const job = await lockJob(db, id, REACH);
    if (!job) throw new Error(`there is no job ${id}`);
    return takeIn(db, job, coming);
  });
}

async function answer({ id }: JobRow, failedEach: number, response = '{}'): Promise<void> {
  await inDefault((db) =>
    sql`insert into batch_responses (job_id, line, project_id, custom_id, response, error, cost_nano_usd, retry_count)
      select job_id, line, project_id, custom_id, ${response}::json, case when line % ${failedEach} = 0 then '{"code":"TIMEOUT","message":"late"}'::json end, 5, retry_count
      from batch_requests where job_id = ${id} and state = 'waiting'`.execute(db),
  );
  await inDefault((db) => sql`update batch_requests set state = 'done', ran_at = now() where job_id = ${id}`.execute(db));
}

function stateOf({ id }: JobRow): Promise<readonly { state: string; retries: number; rows: number }[]> {
  return inDefault(async (db) => {
    const { rows: found } = await sql<{ state: string; retries: number; rows: number }>`
      select state, retry_count as retries, count(*)::integer as rows from batch_requests where job_id = ${id} group by 1, 2 order by 1, 2`.execute(db);
    return found;
  });
}

test('requests are counted through over calls and pieces, and an id that is taken takes all of its call with it', async () => {
  const job = await newJob();
  expect([await fill(job, rows(2500)), await fill(job, rows(3, 2501))]).toEqual([2500, 3]);
  const taken = await fill(job, rows(2500, 2503)).catch((cause: unknown) => cause);
  expect(taken).toBeInstanceOf(AppError);
  expect(taken).toMatchObject({ code: 'CONFLICT', parts: { field: 'requests[0].custom_id', details: { line: 2503, custom_id: 'id-2503', request: 2503 } } });
  const { rows: lines } = await inDefault((db) =>
    sql<{ lines: number; last: number; inOrder: boolean }>`
      select count(*)::integer as lines, max(line) as last, bool_and(custom_id = 'id-' || line) as "inOrder" from batch_requests where job_id = ${job.id}`.execute(
      db,
    ),
  );
  expect([lines, (await inDefault((db) => findJob(db, job.id, REACH)))?.total_requests]).toEqual([[{ lines: 2503, last: 2503, inOrder: true }], 2503]);
});

test('a body is kept as it is, whatever stands in it', async () => {
  const job = await newJob();
  const body = { text: 'two\nlines\r\u2028 \\n "quoted" \u0000 \ud83d\ude00 \ud800', __proto__: null, deep: [{ a: [null, 1.5e300, -0] }] };
  await fill(job, rows(1, 1, body));
  const kept = await inDefault((db) => db.selectFrom('batch_requests').select('body').where('job_id', '=', job.id).executeTakeFirstOrThrow());
  expect(kept.body).toEqual(JSON.parse(JSON.stringify(body)) as Record<string, unknown>);
});

test('a job has a million requests and no more', async () => {
  const job = await newJob({ total_requests: 999_999 });
  const refused = await fill(job, rows(2)).catch((cause: unknown) => cause);
  expect(refused).toMatchObject({ code: 'PAYLOAD_TOO_LARGE', parts: { details: { line: 2, max_requests: 1_000_000 } } });
});

test('a retry takes failed outcomes away and no other, and keeps what they cost', async () => {
  const job = await newJob({ chosen_engine: 'direct', expires_at: new Date('2026-11-22T11:00:00Z'), submitted_at: new Date('2026-11-21T11:00:00Z') });
  await fill(job, rows(100));
  await answer(job, 4);
  await inDefault((db) =>
    updateJob(db, job.id, { status: 'completed_with_errors', completed_requests: 75, failed_requests: 25, cost_nano_usd: 500, completed_at: AT }),
  );
  const retried = await inDefault(async (db) => {
    const before = await lockJob(db, job.id, REACH);
    if (!before) throw new Error('it is gone');
    return retryRows(db, before, AT);
  });
  expect(retried).toMatchObject({
    status: 'in_progress',
    completed_requests: 75,
    failed_requests: 0,
    cost_nano_usd: 500,
    completed_at: null,
    submitted_at: AT,
  });
  expect(retried.expires_at).toEqual(new Date('2026-11-22T12:00:00Z'));
  expect(await stateOf(job)).toEqual([
    { state: 'done', retries: 0, rows: 75 },
    { state: 'waiting', retries: 1, rows: 25 },
  ]);
  const { rows: left } = await inDefault((db) => sql<{ count: number }>`select count(*)::integer from batch_responses where job_id = ${job.id}`.execute(db));
  expect(left).toEqual([{ count: 75 }]);
});

test('outcomes come in their order, each once, in pages that are the smaller the longer they are', async () => {
  const sizes: Record<string, number[]> = {};
  for (const [name, response] of Object.entries({ short: '{}', long: JSON.stringify({ text: 'x'.repeat(200_000) }) })) {
    const job = await newJob();
    await fill(job, rows(200));
    await answer(job, 7, response);
    const lines: number[] = [];
    sizes[name] = [];
    for await (const page of eachOutcome({ inProject: createInProject(open.db) }, job)) {
      sizes[name].push(page.length);
      lines.push(...page.map(({ line }) => line));
      expect(page.every(({ response: text, error, line }) => text === response && (error === null) === (line % 7 !== 0))).toBe(true);
    }
    expect(lines).toEqual(Array.from({ length: 200 }, (_, index) => index + 1));
  }
  expect(sizes['short']).toEqual([16, 64, 120]);
  expect(Math.max(...(sizes['long'] ?? []))).toBeLessThanOrEqual(16);
});

test('deleted jobs go with all that they have once they are over, and no other one', async () => {
  const [kept, running, gone] = [
    await newJob(),
    await newJob({ status: 'in_progress', deleted_at: AT }),
    await newJob({ status: 'cancelled', deleted_at: AT }),
  ];
  for (const job of [kept, gone]) {
    await inDefault((db) =>
      sql`insert into batch_requests (job_id, line, project_id, custom_id, body) select ${job.id}, n, 'default', n::text, '{}' from generate_series(1, 25000) as n`.execute(
        db,
      ),
    );
    await answer(job, 5);
  }
  const every = createInProject(open.db);
  await purgeDeletedJobs({ inProject: every });
  const count = async (table: string): Promise<readonly object[]> => {
    const ids = [kept, running, gone].map(({ id }) => id);
    const column = table === 'batch_jobs' ? 'id' : 'job_id';
    const { rows: found } = await every(EVERY_PROJECT, (db) =>
      sql<object>`select ${sql.ref(column)} as job, count(*)::integer from ${sql.table(table)} where ${sql.ref(column)} = any (${ids}) group by 1 order by 1`.execute(
        db,
      ),
    );
    return found;
  };
  expect([await count('batch_requests'), await count('batch_responses')]).toEqual([[{ job: kept.id, count: 25_000 }], [{ job: kept.id, count: 25_000 }]]);
  expect(await count('batch_jobs')).toEqual([kept, running].map(({ id }) => ({ job: id, count: 1 })).toSorted((a, b) => (a.job < b.job ? -1 : 1)));
});
