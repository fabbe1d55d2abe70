import { type Insertable, type Kysely, type Selectable, sql, type Updateable } from 'kysely';
import type { JobStatus } from '../../contract/jobs.ts';
import { StoredTemplate } from '../../contract/templates.ts';
import type { Template } from '../../core/template.ts';
import type { ProjectDatabase } from '../../tables.ts';
import type { Place } from './place.ts';

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

/** What jobs are looked for: in a state, with a text in name or description, or that as their id. */
export type WantedJobs = { readonly status: JobStatus | null; readonly text: string };
type Listing = { readonly reach: JobReach; readonly wanted: WantedJobs; readonly place: Place };

/** Newest first. */
export async function listJobs(db: Db, { reach, wanted, place: { rowsMax, skip, after } }: Listing): Promise<JobRow[]> {
  const query = matching(db, reach, wanted).selectAll().orderBy('id', 'desc').limit(rowsMax).offset(skip);
  return (after === null ? query : query.where('id', '<', after)).execute();
}

export async function countJobs(db: Db, reach: JobReach, wanted: WantedJobs): Promise<number> {
  const { count } = await matching(db, reach, wanted)
    .select((of) => of.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return count;
}

function matching(db: Db, reach: JobReach, { status, text }: WantedJobs) {
  let query = visible(db, reach);
  if (status !== null) query = query.where('status', '=', status);
  if (text === '') return query;
  const pattern = `%${text.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
  return query.where((where) => where.or([where('id', '=', text), where('name', 'ilike', pattern), where('description', 'ilike', pattern)]));
}

/** In the order in which they were made. */
export async function listProviderBatches(db: Db, jobIds: readonly string[]) {
  return db.selectFrom('batch_provider_batches').selectAll().where('job_id', 'in', jobIds).orderBy('job_id').orderBy('id').execute();
}
export type ProviderBatchRow = Awaited<ReturnType<typeof listProviderBatches>>[number];

export type StatusSums = {
  readonly status: JobStatus;
  readonly jobs: number;
  readonly total: number;
  readonly completed: number;
  readonly failed: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costNanoUsd: number;
  readonly savedNanoUsd: number;
  /** The part of it that batches of providers saved. */
  readonly savedByBatchNanoUsd: number;
};

/** Of the sums that each job keeps: no request is looked at. */
export async function sumJobs(db: Db, reach: JobReach): Promise<StatusSums[]> {
  return visible(db, reach)
    .groupBy('status')
    .select((of) => [
      'status',
      of.fn.countAll<number>().as('jobs'),
      wholeSum('total_requests').as('total'),
      wholeSum('completed_requests').as('completed'),
      wholeSum('failed_requests').as('failed'),
      wholeSum('input_tokens').as('inputTokens'),
      wholeSum('output_tokens').as('outputTokens'),
      wholeSum('cost_nano_usd').as('costNanoUsd'),
      wholeSum('saved_nano_usd').as('savedNanoUsd'),
      sql<number>`coalesce(sum(saved_nano_usd) filter (where chosen_engine = 'provider_batch'), 0)::bigint`.as('savedByBatchNanoUsd'),
    ])
    .execute();
}

function wholeSum(column: string) {
  return sql<number>`sum(${sql.ref(column)})::bigint`;
}

/** Jobs that were deleted and are over: nothing of them is on its way. */
export async function listDeleted(db: Db): Promise<string[]> {
  const over = sql<boolean>`status not in ('pending', 'validating', 'in_progress', 'finalizing')`;
  const rows = await db.selectFrom('batch_jobs').select('id').where('deleted_at', 'is not', null).where(over).execute();
  return rows.map(({ id }) => id);
}

export async function dropJob(db: Db, id: string): Promise<void> {
  await db.deleteFrom('batch_jobs').where('id', '=', id).execute();
}

/** A template of the project: a version, or the newest. */
export async function findOwnTemplate(db: Db, projectId: string, wanted: { readonly name: string; readonly version: number | null }): Promise<Template | null> {
  let query = db.selectFrom('templates').select(['name', 'version', 'body']).where('project_id', '=', projectId).where('name', '=', wanted.name);
  query = query.where('deleted_at', 'is', null).orderBy('version', 'desc').limit(1);
  const row = await (wanted.version === null ? query : query.where('version', '=', wanted.version)).executeTakeFirst();
  return row ? { ...StoredTemplate.parse(row.body), name: row.name, version: row.version } : null;
}

function visible(db: Db, { projectId, anonymousOnly }: JobReach) {
  const query = db.selectFrom('batch_jobs').where('project_id', '=', projectId).where('deleted_at', 'is', null);
  return anonymousOnly ? query.where(sql<boolean>`creator ->> 'kind' = 'anonymous'`) : query;
}
