import { beforeEach, describe, expect, test } from 'bun:test';
import { type ManualClock, manualClock } from '../../../../test/manual-clock.ts';
import { EVERY_PROJECT } from '../../../app.ts';
import { readCron } from '../../../contract/schedule.ts';
import { nextTime } from '../../../core/cron.ts';
import { createInProject } from '../../../platform/postgres/in-project.ts';
import { ownDatabase, quiet } from '../../../platform/postgres/own-database.test.ts';
import { idMaker } from '../../../platform/ids.ts';
import { nextAt } from './change.ts';
import { runDue } from './run.ts';

const open = ownDatabase();
const HOUR_MS = 3_600_000;
const BEGIN = Date.UTC(2026, 9, 20);

beforeEach(() => createInProject(open.db)(EVERY_PROJECT, (db) => db.deleteFrom('batch_jobs').execute()));

/** A scheduler whose clock is this much ahead of the one of the test. */
function scheduler(clock: ManualClock, aheadMs = 0) {
  const now = (): number => clock.now() + aheadMs;
  return { inProject: createInProject(open.db), clock: { ...clock, now }, newId: idMaker(now), log: quiet };
}

async function scheduled(cron: string, { timeZone = 'UTC', catchUp = 'one' }: { timeZone?: string; catchUp?: 'one' | 'none' } = {}) {
  const id = `${cron} ${timeZone}`;
  const job = {
    id: `job of ${id}`,
    project_id: 'default',
    creator: '{"kind":"anonymous","id":null}',
    name: 'Report',
    endpoint: '/v1/chat/completions',
    hold: true,
    total_requests: 2,
  };
  await createInProject(open.db)(EVERY_PROJECT, async (db) => {
    await db.insertInto('batch_jobs').values(job).execute();
    const row = (line: number) => ({ job_id: job.id, line, project_id: 'default', custom_id: `row ${line}`, body: '{"messages":[]}' });
    await db
      .insertInto('batch_requests')
      .values([row(1), row(2)])
      .execute();
    const next = nextAt(cron, timeZone, new Date(BEGIN));
    await db
      .insertInto('job_schedules')
      .values({ id, project_id: 'default', job_id: job.id, name: 'Report', cron, time_zone: timeZone, catch_up: catchUp, next_at: next })
      .execute();
  });
  return id;
}

const runsOf = async (id: string): Promise<readonly string[]> => {
  const query = createInProject(open.db)(EVERY_PROJECT, (db) =>
    db.selectFrom('job_schedule_runs').selectAll().where('schedule_id', '=', id).orderBy('due_at').execute(),
  );
  return (await query).map((run) => run.due_at.toISOString());
};
const madeBy = (id: string) =>
  createInProject(open.db)(EVERY_PROJECT, (db) => db.selectFrom('batch_jobs').selectAll().where('schedule_id', '=', id).orderBy('id').execute());

/** All times of a cron from `from` on, `until` included. */
function wanted(cron: string, { timeZone = 'UTC', from, until }: { timeZone?: string; from: number; until: number }): string[] {
  const read = readCron(cron);
  if (!read) throw new Error(cron);
  const times: string[] = [];
  for (let at = nextTime(read, from, timeZone); at !== null && at <= until; at = nextTime(read, at, timeZone)) times.push(new Date(at).toISOString());
  return times;
}

describe('schedules', () => {
  test('make of a job a copy with its requests, and a name that says for when', async () => {
    const id = await scheduled('30 6 * * *', { timeZone: 'Asia/Kolkata' });
    const clock = manualClock(BEGIN + 2 * HOUR_MS);
    await runDue(scheduler(clock));
    const [job, ...more] = await madeBy(id);
    expect(more).toEqual([]);
    expect(job).toMatchObject({ name: 'Report · 2026-10-20 06:30', status: 'pending', hold: false, total_requests: 2, completed_requests: 0 });
    const rows = await createInProject(open.db)(EVERY_PROJECT, (db) =>
      db
        .selectFrom('batch_requests')
        .select(['line', 'custom_id', 'state'])
        .where('job_id', '=', job?.id ?? '')
        .orderBy('line')
        .execute(),
    );
    expect(rows).toEqual([
      { line: 1, custom_id: 'row 1', state: 'waiting' },
      { line: 2, custom_id: 'row 2', state: 'waiting' },
    ]);
  });

  test('run each time once over 1,000 looks of three schedulers, whose clocks differ, over changes of the clock', async () => {
    const crons = [
      ['*/30 * * * *', 'UTC'],
      ['30 1 * * *', 'America/New_York'],
      ['30 2 * * *', 'Europe/Berlin'],
      ['0 9 * * mon-fri', 'Australia/Lord_Howe'],
    ] as const;
    const ids = await Promise.all(crons.map(([cron, timeZone]) => scheduled(cron, { timeZone })));
    const clock = manualClock(BEGIN);
    const schedulers = [0, 1500, -1500].map((aheadMs) => scheduler(clock, aheadMs));
    for (let look = 0; look < 1000; look++) {
      await clock.advance(20 * 60_000);
      await Promise.all(schedulers.map((each) => runDue(each)));
    }
    const until = clock.now() + 1500;
    for (const [index, [cron, timeZone]] of crons.entries()) {
      expect(await runsOf(ids[index] ?? '')).toEqual(wanted(cron, { timeZone, from: BEGIN, until }));
      expect(await madeBy(ids[index] ?? '')).toHaveLength(wanted(cron, { timeZone, from: BEGIN, until }).length);
    }
  }, 120_000);

  test('that were missed are made up for by one run, or by none where they say so', async () => {
    const [one, none] = [await scheduled('0 * * * *'), await scheduled('5 * * * *', { catchUp: 'none' })];
    const clock = manualClock(BEGIN + 30 * 24 * HOUR_MS + 40 * 60_000);
    await runDue(scheduler(clock));
    expect(await runsOf(one)).toEqual([new Date(BEGIN + 30 * 24 * HOUR_MS).toISOString()]);
    expect(await runsOf(none)).toEqual([]);
    await clock.advance(26 * 60_000);
    await runDue(scheduler(clock));
    expect(await runsOf(one)).toHaveLength(2);
    expect(await runsOf(none)).toEqual([new Date(BEGIN + 30 * 24 * HOUR_MS + 65 * 60_000).toISOString()]);
  });

  test('run nothing twice when the clock is put back', async () => {
    const id = await scheduled('0 * * * *');
    const clock = manualClock(BEGIN + 3 * HOUR_MS);
    await runDue(scheduler(clock));
    await runDue(scheduler(clock, -2 * HOUR_MS));
    expect(await runsOf(id)).toHaveLength(1);
    await clock.advance(HOUR_MS);
    await runDue(scheduler(clock));
    expect(await runsOf(id)).toHaveLength(2);
  });

  test('rest while they are disabled, or their job is deleted', async () => {
    const [disabled, deleted] = [await scheduled('0 * * * *'), await scheduled('1 * * * *')];
    await createInProject(open.db)(EVERY_PROJECT, async (db) => {
      await db.updateTable('job_schedules').set({ enabled: false }).where('id', '=', disabled).execute();
      await db
        .updateTable('batch_jobs')
        .set({ deleted_at: new Date(BEGIN) })
        .where('id', '=', `job of ${deleted}`)
        .execute();
    });
    await runDue(scheduler(manualClock(BEGIN + 5 * HOUR_MS)));
    expect([...(await runsOf(disabled)), ...(await runsOf(deleted))]).toEqual([]);
  });
});
