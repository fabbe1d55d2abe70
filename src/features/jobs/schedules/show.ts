import type { App } from '../../../app.ts';
import { AppError } from '../../../contract/errors.ts';
import { isId, pageOf, pagePlace } from '../../../contract/paging.ts';
import { readCron } from '../../../contract/schedule.ts';
import type { ScheduleListQuery, ScheduleParams, ScheduleReply } from '../../../contract/schedules.ts';
import { nextTime } from '../../../core/cron.ts';
import type { Exchange, Reply } from '../../../http/route.ts';
import type { Db } from '../store.ts';
import { findSchedule, listRuns, listSchedules, type ShownSchedule } from './store.ts';

const UPCOMING = 5;
const RUNS_MAX = 100;

export async function showSchedules(app: App, { principal: { projectId }, query }: Exchange<undefined, ScheduleListQuery>): Promise<Reply> {
  const place = pagePlace(query);
  const rows = await app.inProject(projectId, (db) => listSchedules(db, { projectId, jobId: query.job_id }, place));
  const page = pageOf(rows, place);
  return { json: { ...page, data: page.data.map((row) => scheduleReply(row, app.clock.now())) } };
}

export async function showSchedule(app: App, { principal: { projectId }, params: { id } }: Exchange<ScheduleParams>): Promise<Reply> {
  const row = await app.inProject(projectId, (db) => scheduleAt(db, { projectId, id }));
  return { json: scheduleReply(row, app.clock.now()) };
}

export async function showRuns(app: App, { principal: { projectId }, params: { id } }: Exchange<ScheduleParams>): Promise<Reply> {
  const runs = await app.inProject(projectId, async (db) => {
    await scheduleAt(db, { projectId, id });
    return listRuns(db, { projectId, id }, RUNS_MAX);
  });
  const data = runs.map((run) => ({ due_at: run.due_at.toISOString(), ran_at: run.ran_at.toISOString(), job_id: run.job_id }));
  return { json: { data } };
}

/** The schedule that a path names. */
export async function scheduleAt(db: Db, place: { readonly projectId: string; readonly id: string }): Promise<ShownSchedule> {
  const row = isId(place.id) ? await findSchedule(db, place) : null;
  if (row) return row;
  throw new AppError('NOT_FOUND', { message: `There is no schedule ${JSON.stringify(place.id.slice(0, 100))}` });
}

export function scheduleReply(row: ShownSchedule, nowMs: number): ScheduleReply {
  return {
    id: row.id,
    name: row.name,
    job_id: row.job_id,
    cron: row.cron,
    time_zone: row.time_zone,
    enabled: row.enabled,
    catch_up: row.catch_up,
    next_run_at: row.enabled ? (row.next_at?.toISOString() ?? null) : null,
    upcoming: row.enabled ? upcoming(row, nowMs) : [],
    last_run_at: row.last_at?.toISOString() ?? null,
    last_job_id: row.last_job_id,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  };
}

function upcoming({ cron: text, time_zone: timeZone }: ShownSchedule, nowMs: number): string[] {
  const cron = readCron(text);
  if (cron === null) return [];
  const times: string[] = [];
  for (let at = nextTime(cron, nowMs, timeZone); at !== null && times.length < UPCOMING; at = nextTime(cron, at, timeZone))
    times.push(new Date(at).toISOString());
  return times;
}

/** What the audit log keeps of a schedule. */
export function scheduleFacts({ name, job_id, cron, time_zone, enabled, catch_up }: ShownSchedule): object {
  return { name, job_id, cron, time_zone, enabled, catch_up };
}
