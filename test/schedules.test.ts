import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { until } from './harness.ts';
import { type Headers, type Listed, openPeople, type People } from './people.ts';

setDefaultTimeout(30_000);

type Job = {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly model: string | null;
  readonly hold: boolean;
  readonly total_requests: number;
  readonly schedule_id: string | null;
};
type Schedule = {
  readonly id: string;
  readonly name: string;
  readonly job_id: string;
  readonly cron: string;
  readonly time_zone: string;
  readonly enabled: boolean;
  readonly next_run_at: string | null;
  readonly upcoming: readonly string[];
  readonly last_job_id: string | null;
};
type Run = { readonly due_at: string; readonly job_id: string | null };
type Template = { readonly id: string; readonly name: string; readonly settings: Readonly<Record<string, unknown>> };

let people: People;
beforeAll(async () => {
  people = await openPeople();
}, 60_000);
afterAll(() => people.stop());

const REQUESTS = [1, 2].map((number) => ({ custom_id: `row ${number}`, body: { messages: [{ role: 'user', content: `Say ${number}` }] } }));

async function newJob(parts: object = {}, headers: Headers = people.admin): Promise<Job> {
  const { json, status, text } = await people.ask<Job>('POST', '/api/v1/jobs/', { name: 'Report', hold: true, model: 'demo', ...parts }, headers);
  if (status !== 201) throw new Error(text);
  await people.ask('POST', `/api/v1/jobs/${json.id}/requests`, REQUESTS, headers);
  return json;
}
async function newSchedule(parts: object): Promise<Schedule> {
  const { json, status, text } = await people.ask<Schedule>('POST', '/api/v1/schedules', parts);
  if (status !== 201) throw new Error(text);
  return json;
}
const show = async (id: string): Promise<Schedule> => (await people.ask<Schedule>('GET', `/api/v1/schedules/${id}`)).json;
const runsOf = async (id: string): Promise<readonly Run[]> => (await people.ask<{ data: Run[] }>('GET', `/api/v1/schedules/${id}/runs`)).json.data;
const isDue = (id: string) => people.rows("update job_schedules set next_at = now() - interval '1 s' where id = $1", [id]);

describe('a schedule', () => {
  test('says when it is due, by the clock of its place', async () => {
    const { id } = await newJob();
    const schedule = await newSchedule({ job_id: id, cron: '30 6 * * *', time_zone: 'Asia/Kolkata' });
    expect(schedule).toMatchObject({ name: 'Report', job_id: id, enabled: true, time_zone: 'Asia/Kolkata' });
    expect(schedule.upcoming).toHaveLength(5);
    for (const time of schedule.upcoming) expect(time.slice(11)).toBe('01:00:00.000Z');
    expect(schedule.next_run_at).toBe(schedule.upcoming[0] ?? '');
  });

  test('follows the clock of its project where it says none', async () => {
    const project = await people.newProject({ time_zone: 'America/New_York' });
    const member = await people.asUser(await people.newUser({ project_id: project.id }));
    const { id } = await newJob({}, member);
    const { json } = await people.ask<Schedule>('POST', '/api/v1/schedules', { job_id: id, cron: '@daily' }, member);
    expect(json.time_zone).toBe('America/New_York');
  });

  test('that is due runs a copy of its job, once', async () => {
    const job = await newJob({ max_tokens: 20 });
    const schedule = await newSchedule({ job_id: job.id, cron: '0 0 1 1 *', name: 'Yearly' });
    await isDue(schedule.id);
    await until(async () => (await runsOf(schedule.id)).length === 1);
    const [run] = await runsOf(schedule.id);
    await until(async () => (await people.ask<Job>('GET', `/api/v1/jobs/${run?.job_id}`)).json.status === 'completed', 20_000);
    const { json: copy } = await people.ask<Job>('GET', `/api/v1/jobs/${run?.job_id}`);
    expect(copy).toMatchObject({ schedule_id: schedule.id, model: 'demo', max_tokens: 20, total_requests: 2, completed_requests: 2 });
    expect(copy.name).toStartWith('Yearly · ');
    expect(await show(schedule.id)).toMatchObject({ last_job_id: copy.id });
    expect((await people.ask<Job>('GET', `/api/v1/jobs/${job.id}`)).json.status).toBe('pending');
    expect(await runsOf(schedule.id)).toHaveLength(1);
  });

  test('runs at once when somebody says so, and not while it is disabled', async () => {
    const job = await newJob();
    const schedule = await newSchedule({ job_id: job.id, cron: '0 0 1 1 *' });
    const { status, json } = await people.ask<Run>('POST', `/api/v1/schedules/${schedule.id}/run`);
    expect(status).toBe(201);
    expect((await people.ask<Job>('GET', `/api/v1/jobs/${json.job_id}`)).json.total_requests).toBe(2);
    const { json: disabled } = await people.ask<Schedule>('PATCH', `/api/v1/schedules/${schedule.id}`, { enabled: false });
    expect([disabled.next_run_at, disabled.upcoming]).toEqual([null, []]);
    const other = await newSchedule({ job_id: job.id, cron: '0 0 1 1 *' });
    await isDue(schedule.id);
    await isDue(other.id);
    await until(async () => (await runsOf(other.id)).length === 1);
    expect(await runsOf(schedule.id)).toHaveLength(1);
  });

  test('comes with a job that says when it is to be run again, follows it, and goes with it', async () => {
    const job = await newJob({ hold: false, schedule: { cron: '0 5 * * *', time_zone: 'UTC' } });
    expect(job.hold).toBe(true);
    const ofJob = async (): Promise<readonly Schedule[]> => (await people.ask<Listed<Schedule>>('GET', `/api/v1/schedules?job_id=${job.id}`)).json.data;
    expect((await ofJob()).map(({ cron }) => cron)).toEqual(['0 5 * * *']);
    await people.ask('PUT', `/api/v1/jobs/${job.id}`, { schedule: { cron: '0 7 * * *' } });
    expect((await ofJob()).map(({ cron }) => cron)).toEqual(['0 7 * * *']);
    await people.ask('PUT', `/api/v1/jobs/${job.id}`, { schedule: null });
    expect(await ofJob()).toEqual([]);
    const schedule = await newSchedule({ job_id: job.id, cron: '0 8 * * *' });
    await people.ask('DELETE', `/api/v1/jobs/${job.id}`);
    expect((await people.ask('GET', `/api/v1/schedules/${schedule.id}`)).status).toBe(404);
  });

  test('is nobody in particular’s never', async () => {
    const { status, json } = await people.ask('POST', '/api/v1/jobs/', { name: 'Mine', schedule: { cron: '@daily' } }, {});
    expect([status, json.error.code, json.error.field]).toEqual([401, 'UNAUTHORIZED', 'schedule']);
    expect((await people.ask('POST', '/api/v1/schedules', { job_id: 'job_1', cron: '@daily' }, {})).status).toBe(401);
  });

  test.each([
    ['a cron that is none', { cron: '61 * * * *' }, 'cron'],
    ['a place that is none', { time_zone: 'Mars/Olympus' }, 'time_zone'],
    ['a job that is not there', { job_id: 'job_none' }, 'job_id'],
  ])('is refused with %s', async (_, parts, field) => {
    const { id } = await newJob();
    const { status, json } = await people.ask('POST', '/api/v1/schedules', { job_id: id, cron: '@daily', ...parts });
    expect([status, json.error.field]).toEqual([422, field]);
  });

  test('of somebody else’s job is for them, or an administrator', async () => {
    const { id } = await newJob();
    const member = await people.asUser(await people.newUser());
    const { status, json } = await people.ask('POST', '/api/v1/schedules', { job_id: id, cron: '@daily' }, member);
    expect([status, json.error.code]).toEqual([403, 'FORBIDDEN']);
  });
});

describe('a template of jobs', () => {
  test('is what jobs are made with, but for what they say otherwise', async () => {
    const { json: template } = await people.ask<Template>('POST', '/api/v1/job-templates', {
      name: 'Nightly',
      settings: { model: 'demo', max_tokens: 7, hold: true },
    });
    const { status, json: job } = await people.ask<Job>('POST', `/api/v1/job-templates/${template.id}/jobs`, { max_tokens: 9 });
    expect(status).toBe(201);
    expect(job).toMatchObject({ name: 'Nightly', model: 'demo', max_tokens: 9, hold: true, status: 'pending' });
    await people.ask('PATCH', `/api/v1/job-templates/${template.id}`, { settings: { model: 'demo-slow', name: 'Slow' } });
    expect((await people.ask<Job>('POST', `/api/v1/job-templates/${template.id}/jobs`, {})).json).toMatchObject({
      name: 'Slow',
      model: 'demo-slow',
      hold: false,
    });
    expect((await people.ask<Listed<Template>>('GET', '/api/v1/job-templates')).json.data.map(({ id }) => id)).toContain(template.id);
    expect((await people.ask('DELETE', `/api/v1/job-templates/${template.id}`)).status).toBe(204);
    expect((await people.ask('GET', `/api/v1/job-templates/${template.id}`)).status).toBe(404);
  });

  test.each([
    ['a model that there is not', { settings: { model: 'no/such' } }, 404],
    ['settings of no job', { settings: { colour: 'red' } }, 422],
  ])('is refused with %s', async (_, parts, wanted) => {
    expect((await people.ask('POST', '/api/v1/job-templates', { name: 'Wrong', ...parts })).status).toBe(wanted);
  });
});
