import { type Insertable, type Kysely, type Selectable, sql, type Updateable } from 'kysely';
import type { ProjectDatabase } from '../../tables.ts';

export type Db = Kysely<ProjectDatabase>;
export type JobRow = Selectable<ProjectDatabase['batch_jobs']>;
export type NewJob = Insertable<ProjectDatabase['batch_jobs']>;
export type JobColumns = Omit<Updateable<ProjectDatabase['batch_jobs']>, 'id' | 'project_id' | 'creator' | 'surface'>;

/** Whose jobs somebody may see: those of a project, and of these perhaps only what nobody in particular made. */
export type JobReach = { readonly projectId: string; readonly anonymousOnly: boolean };

/** What wakes the processors of all processes. */
export const JOBS_CHANNEL = 'sluice_jobs';

export async function insertJob(db: Db, job: NewJob): Promise<JobRow> {
  return db.insertInto('batch_jobs').values(job).returningAll().executeTakeFirstOrThrow();
}

/** One that is not deleted. */
export async function findJob(db: Db, id: string, reach: JobReach): Promise<JobRow | null> {
  return (await visible(db, reach).selectAll().where('id', '=', id).executeTakeFirst()) ?? null;
}

/** Nobody else changes it, or adds to it, until the transaction is over. */
export async function lockJob(db: Db, id: string, reach: JobReach): Promise<JobRow | null> {
  return (await visible(db, reach).selectAll().where('id', '=', id).forUpdate().executeTakeFirst()) ?? null;
}

export async function updateJob(db: Db, id: string, columns: JobColumns): Promise<JobRow> {
  return db.updateTable('batch_jobs').set(columns).where('id', '=', id).returningAll().executeTakeFirstOrThrow();
}

/** Heard when the transaction is over. */
export async function wakeProcessors(db: Db, id: string): Promise<void> {
  await sql`select pg_notify(${JOBS_CHANNEL}, ${id})`.execute(db);
}

function visible(db: Db, { projectId, anonymousOnly }: JobReach) {
  const query = db.selectFrom('batch_jobs').where('project_id', '=', projectId).where('deleted_at', 'is', null);
  return anonymousOnly ? query.where(sql<boolean>`creator ->> 'kind' = 'anonymous'`) : query;
}
