import { type Kysely, type Selectable, sql, type Updateable } from 'kysely';
import type { ProjectDatabase } from '../../../tables.ts';
import type { JobRow } from '../store.ts';

/** Batches at providers, and which of them is due. Times are those of the database, which is the same for all processes. */
export type Db = Kysely<ProjectDatabase>;
export type ProviderBatch = Selectable<ProjectDatabase['batch_provider_batches']>;
export type BatchColumns = Omit<Updateable<ProjectDatabase['batch_provider_batches']>, 'look_at'> & { readonly lookInMs?: number };

const IS_OPEN = sql<boolean>`b.step in ('new', 'uploaded', 'created', 'ended')`;
const GOES_ON = sql<boolean>`(j.status = 'in_progress' and j.cancel_asked_at is null and j.deleted_at is null and (j.expires_at is null or j.expires_at > now()))`;

export type Due = { readonly plan: readonly JobRow[]; readonly step: readonly string[]; readonly nextMs: number | null };

/** What can be done now, and in how many milliseconds there is more. */
export async function listDue(db: Db, atOnce: number): Promise<Due> {
  const { rows: plan } = await sql<JobRow>`
    select j.* from batch_jobs j
    where j.status = 'in_progress' and j.chosen_engine = 'provider_batch' and ${GOES_ON} and (
      exists (select from batch_requests r where r.job_id = j.id and r.state = 'waiting' and (r.not_before is null or r.not_before <= now()))
      or exists (select from batch_provider_batches b where b.job_id = j.id and b.step = 'new' and b.sealed_at is null)
    )
    order by j.id limit ${atOnce}`.execute(db);
  const { rows: open } = await sql<{ id: string; ms: number }>`
    select b.id, (extract(epoch from greatest(case when j.ending and b.step in ('new', 'uploaded', 'created') and b.cancel_asked_at is null then now() else b.look_at end,
      coalesce(b.kept_until, now())) - now()) * 1000)::float8 as ms
    from batch_provider_batches b join (select j.id, not ${GOES_ON} as ending from batch_jobs j) j on j.id = b.job_id
    where ${IS_OPEN} and (b.sealed_at is not null or j.ending)
    order by ms, b.id limit ${atOnce * 2}`.execute(db);
  const later = open.find(({ ms }) => ms > 0);
  return { plan, step: open.filter(({ ms }) => ms <= 0).map(({ id }) => id), nextMs: later ? later.ms : null };
}

/** Takes a batch for a while: null where somebody else has it, or it is over. */
export async function keepBatch(db: Db, keeping: { readonly id: string; readonly keeper: string; readonly seconds: number }): Promise<ProviderBatch | null> {
  const { rows } = await sql<ProviderBatch>`
    update batch_provider_batches b set keeper = ${keeping.keeper}, kept_until = now() + make_interval(secs => ${keeping.seconds})
    where b.id = ${keeping.id} and ${IS_OPEN} and (b.kept_until is null or b.kept_until <= now() or b.keeper = ${keeping.keeper})
    returning b.*`.execute(db);
  return rows[0] ?? null;
}

export async function letGoOfBatch(db: Db, { id, keeper }: Pick<ProviderBatch, 'id' | 'keeper'>): Promise<void> {
  await db.updateTable('batch_provider_batches').set({ keeper: null, kept_until: null }).where('id', '=', id).where('keeper', '=', keeper).execute();
}

/** Changes a batch that is still kept; null where it is not, and somebody else may be about to do the same. */
export async function changeBatch(
  db: Db,
  { id, keeper }: Pick<ProviderBatch, 'id' | 'keeper'>,
  { lookInMs, ...columns }: BatchColumns,
): Promise<ProviderBatch | null> {
  const changed = await db
    .updateTable('batch_provider_batches')
    .set({ ...columns, ...(lookInMs === undefined ? {} : { look_at: sql<Date>`now() + make_interval(secs => ${lookInMs / 1000})` }) })
    .where('id', '=', id)
    .where('keeper', '=', keeper)
    .where('kept_until', '>', sql<Date>`now()`)
    .returningAll()
    .executeTakeFirst();
  return changed ?? null;
}

export async function jobOf(db: Db, { job_id: jobId }: Pick<ProviderBatch, 'job_id'>): Promise<(JobRow & { readonly ending: boolean }) | null> {
  const { rows } = await sql<JobRow & { ending: boolean }>`select j.*, not ${GOES_ON} as ending from batch_jobs j where j.id = ${jobId}`.execute(db);
  return rows[0] ?? null;
}

/** Those of a provider's batches that we know to be ours, besides this one. */
export async function knownAmong(db: Db, ourId: string, upstreamIds: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await db
    .selectFrom('batch_provider_batches')
    .select('upstream_id')
    .where(sql<boolean>`upstream_id = any (${upstreamIds}::text[])`)
    .where('id', '<>', ourId)
    .execute();
  return new Set(rows.flatMap(({ upstream_id: id }) => (id === null ? [] : [id])));
}

/** The job goes on without batches. */
export async function runDirectly(db: Db, jobId: string, reason: string): Promise<void> {
  await db
    .updateTable('batch_jobs')
    .set({ chosen_engine: 'direct', engine_reason: reason, updated_at: sql<Date>`now()` })
    .where('id', '=', jobId)
    .where('engine', '=', 'auto')
    .execute();
}

/** Whether a job has batches that will be over some time. */
export async function hasOpenBatches(db: Db, jobId: string): Promise<boolean> {
  const { rows } = await sql`select from batch_provider_batches b where b.job_id = ${jobId} and ${IS_OPEN} and b.sealed_at is not null limit 1`.execute(db);
  return rows.length > 0;
}
