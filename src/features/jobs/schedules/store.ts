import { type Insertable, type Selectable, sql, type Updateable } from 'kysely';
import type { PagePlace } from '../../../contract/paging.ts';
import type { ProjectDatabase } from '../../../tables.ts';
import type { Db } from '../store.ts';

type Place = { readonly projectId: string; readonly id: string };
export type ScheduleRow = Selectable<ProjectDatabase['job_schedules']>;
export type NewSchedule = Insertable<ProjectDatabase['job_schedules']>;
export type ScheduleColumns = Omit<Updateable<ProjectDatabase['job_schedules']>, 'id' | 'project_id' | 'job_id'>;

export async function insertSchedule(db: Db, row: NewSchedule): Promise<ScheduleRow> {
  return db.insertInto('job_schedules').values(row).returningAll().executeTakeFirstOrThrow();
}

/** With what came of each the last time; without those whose job is deleted. */
function schedules(db: Db, projectId: string) {
  return db
    .selectFrom('job_schedules as s')
    .innerJoin('batch_jobs as j', 'j.id', 's.job_id')
    .leftJoinLateral(
      (of) =>
        of
          .selectFrom('job_schedule_runs as r')
          .select(['r.ran_at as last_at', 'r.job_id as last_job_id'])
          .whereRef('r.schedule_id', '=', 's.id')
          .orderBy('r.due_at', 'desc')
          .limit(1)
          .as('last'),
      (join) => join.onTrue(),
    )
    .selectAll('s')
    .select(['last.last_at', 'last.last_job_id'])
    .where('s.project_id', '=', projectId)
    .where('j.deleted_at', 'is', null);
}
export type ShownSchedule = Awaited<ReturnType<typeof listSchedules>>[number];

export async function listSchedules(db: Db, { projectId, jobId }: { readonly projectId: string; readonly jobId: string | undefined }, place: PagePlace) {
  let query = schedules(db, projectId);
  if (jobId !== undefined) query = query.where('s.job_id', '=', jobId);
  if (place.before !== undefined) query = query.where('s.id', '<', place.before);
  return query.orderBy('s.id', 'desc').limit(place.rowsMax).execute();
}

export async function findSchedule(db: Db, { projectId, id }: Place): Promise<ShownSchedule | null> {
  return (await schedules(db, projectId).where('s.id', '=', id).executeTakeFirst()) ?? null;
}

export async function updateSchedule(db: Db, { projectId, id }: Place, columns: ScheduleColumns): Promise<void> {
  await db.updateTable('job_schedules').set(columns).where('project_id', '=', projectId).where('id', '=', id).execute();
}

export async function deleteSchedule(db: Db, { projectId, id }: Place): Promise<boolean> {
  const result = await db.deleteFrom('job_schedules').where('project_id', '=', projectId).where('id', '=', id).executeTakeFirst();
  return result.numDeletedRows === 1n;
}

export async function deleteSchedulesOf(db: Db, jobId: string): Promise<void> {
  await db.deleteFrom('job_schedules').where('job_id', '=', jobId).execute();
}

export function listRuns(db: Db, { projectId, id }: Place, most: number) {
  const query = db.selectFrom('job_schedule_runs').select(['due_at', 'ran_at', 'job_id']).where('project_id', '=', projectId);
  return query.where('schedule_id', '=', id).orderBy('due_at', 'desc').limit(most).execute();
}

export async function timeZoneOf(db: Db, projectId: string): Promise<string> {
  const project = await db.selectFrom('projects').select('time_zone').where('id', '=', projectId).executeTakeFirst();
  return project?.time_zone ?? 'UTC';
}

/** Nobody else takes them until the transaction is over. */
export function takeDue(db: Db, now: Date, most: number): Promise<ScheduleRow[]> {
  return db
    .selectFrom('job_schedules as s')
    .innerJoin('batch_jobs as j', 'j.id', 's.job_id')
    .selectAll('s')
    .where('s.enabled', '=', true)
    .where('s.next_at', '<=', now)
    .where('j.deleted_at', 'is', null)
    .orderBy('s.next_at')
    .limit(most)
    .forUpdate('s')
    .skipLocked()
    .execute();
}

/** Runs as one transaction, for all projects. */
export function together<Result>(db: Db, run: (db: Db) => Promise<Result>): Promise<Result> {
  return db.transaction().execute(run);
}

/** False where this run was made before. */
export async function insertRun(db: Db, run: Insertable<ProjectDatabase['job_schedule_runs']>): Promise<boolean> {
  const result = await db
    .insertInto('job_schedule_runs')
    .values(run)
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return result.numInsertedOrUpdatedRows === 1n;
}

export async function nameJobOfRun(
  db: Db,
  { schedule_id: id, due_at: dueAt }: { readonly schedule_id: string; readonly due_at: Date },
  jobId: string,
): Promise<void> {
  await db.updateTable('job_schedule_runs').set({ job_id: jobId }).where('schedule_id', '=', id).where('due_at', '=', dueAt).execute();
}

export type Copy = { readonly from: string; readonly id: string; readonly name: string; readonly scheduleId: string; readonly at: Date };

/** Another job of the same settings and requests. False where it has none, and there is nothing to run. */
export async function copyJob(db: Db, { from, id, name, scheduleId, at }: Copy): Promise<boolean> {
  const { numAffectedRows = 0n } = await sql`
    insert into batch_jobs (id, project_id, creator, name, description, endpoint, model, max_tokens, temperature, template_id, metadata, engine,
      budget_nano_usd, webhook_url, schedule_id, total_requests, created_at, updated_at, submitted_at)
    select ${id}, project_id, creator, ${name}, description, endpoint, model, max_tokens, temperature, template_id, metadata, engine,
      budget_nano_usd, webhook_url, ${scheduleId}, total_requests, ${at}, ${at}, ${at}
    from batch_jobs where id = ${from} and total_requests > 0 and deleted_at is null for share`.execute(db);
  if (numAffectedRows === 0n) return false;
  await sql`
    insert into batch_requests (job_id, line, project_id, custom_id, body)
    select ${id}, line, project_id, custom_id, body from batch_requests where job_id = ${from}`.execute(db);
  return true;
}
