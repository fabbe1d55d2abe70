import type { App } from '../../../app.ts';
import { AppError, invalidValue } from '../../../contract/errors.ts';
import { readCron } from '../../../contract/schedule.ts';
import type { NewScheduleBody, ScheduleChange, ScheduleParams } from '../../../contract/schedules.ts';
import { nextTime } from '../../../core/cron.ts';
import type { Exchange, Reply } from '../../../http/route.ts';
import { assertMayFill, reachOfJobs } from '../creator.ts';
import { there } from '../show.ts';
import { findJob } from '../store.ts';
import { makeRun } from './run.ts';
import { scheduleAt, scheduleFacts, scheduleReply } from './show.ts';
import { deleteSchedule, insertSchedule, timeZoneOf, updateSchedule } from './store.ts';

type OfOne<Body = undefined> = Exchange<ScheduleParams, undefined, Body>;

export async function createSchedule(app: App, exchange: Exchange<undefined, undefined, NewScheduleBody>): Promise<Reply> {
  const { body, principal } = exchange;
  const { projectId } = principal;
  const at = new Date(app.clock.now());
  const id = app.newId('sch');
  const json = await app.inProject(projectId, async (db) => {
    const job = await findJob(db, body.job_id, reachOfJobs(principal));
    if (!job) throw invalidValue('job_id', 'must be the id of a job of your project');
    // Its copies are the calls of whoever made it.
    assertMayFill(job, principal);
    const timeZone = body.time_zone ?? (await timeZoneOf(db, projectId));
    await insertSchedule(db, {
      id,
      project_id: projectId,
      job_id: job.id,
      name: body.name ?? job.name,
      cron: body.cron,
      time_zone: timeZone,
      enabled: body.enabled,
      catch_up: body.catch_up,
      next_at: nextAt(body.cron, timeZone, at),
      created_at: at,
      updated_at: at,
    });
    const made = await scheduleAt(db, { projectId, id });
    await app.audit(db, exchange, { action: 'schedule.create', projectId, targetId: id, after: scheduleFacts(made) });
    return scheduleReply(made, at.getTime());
  });
  return { status: 201, headers: { location: `/api/v1/schedules/${id}` }, json };
}

export async function changeSchedule(app: App, exchange: OfOne<ScheduleChange>): Promise<Reply> {
  const { body, params, principal } = exchange;
  const place = { projectId: principal.projectId, id: params.id };
  const at = new Date(app.clock.now());
  const json = await app.inProject(place.projectId, async (db) => {
    const before = await scheduleAt(db, place);
    assertMayFill(there(await findJob(db, before.job_id, reachOfJobs(principal)), before.job_id), principal);
    const [cron, timeZone] = [body.cron ?? before.cron, body.time_zone ?? before.time_zone];
    const restarts = body.enabled === true && !before.enabled;
    const isMoved = restarts || cron !== before.cron || timeZone !== before.time_zone;
    await updateSchedule(db, place, {
      name: body.name ?? before.name,
      cron,
      time_zone: timeZone,
      enabled: body.enabled ?? before.enabled,
      catch_up: body.catch_up ?? before.catch_up,
      // What was missed while it was off is not made up for.
      ...(isMoved ? { next_at: nextAt(cron, timeZone, at) } : {}),
      updated_at: at,
    });
    const after = await scheduleAt(db, place);
    const deed = { action: 'schedule.update', projectId: place.projectId, targetId: place.id, before: scheduleFacts(before), after: scheduleFacts(after) };
    await app.audit(db, exchange, deed);
    return scheduleReply(after, at.getTime());
  });
  return { json };
}

export async function removeSchedule(app: App, exchange: OfOne): Promise<Reply> {
  const { params, principal } = exchange;
  const place = { projectId: principal.projectId, id: params.id };
  await app.inProject(place.projectId, async (db) => {
    const before = await scheduleAt(db, place);
    await deleteSchedule(db, place);
    await app.audit(db, exchange, { action: 'schedule.delete', projectId: place.projectId, targetId: place.id, before: scheduleFacts(before) });
  });
  return { status: 204 };
}

/** Once more, now, whatever the clock says. */
export async function runSchedule(app: App, exchange: OfOne): Promise<Reply> {
  const { params, principal } = exchange;
  const place = { projectId: principal.projectId, id: params.id };
  const now = new Date(app.clock.now());
  const json = await app.inProject(place.projectId, async (db) => {
    const schedule = await scheduleAt(db, place);
    assertMayFill(there(await findJob(db, schedule.job_id, reachOfJobs(principal)), schedule.job_id), principal);
    const jobId = await makeRun(db, schedule, { now, newId: app.newId, due: now.getTime() });
    if (jobId === null) throw new AppError('CONFLICT', { message: 'The job of this schedule has no requests that could be run' });
    await app.audit(db, exchange, { action: 'schedule.run', projectId: place.projectId, targetId: place.id, after: { job_id: jobId } });
    return { due_at: now.toISOString(), ran_at: now.toISOString(), job_id: jobId };
  });
  return { status: 201, headers: { location: `/api/v1/jobs/${json.job_id}` }, json };
}

export function nextAt(text: string, timeZone: string, now: Date): Date | null {
  const cron = readCron(text);
  const next = cron && nextTime(cron, now.getTime(), timeZone);
  return next === null ? null : new Date(next);
}
