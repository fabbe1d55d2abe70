import { sql } from 'kysely';
import type { Db, JobColumns, JobRow } from '../../store.ts';

/** Who moves a job from state to state: one at a time, by a compare-and-set, and nobody for longer than this without a word. */
const KEPT_S = 30;

const KEPT_UNTIL = sql<Date>`now() + make_interval(secs => ${KEPT_S})`;
const IS_FREE = sql<boolean>`(kept_until is null or kept_until <= now())`;

/** Nobody who fills a job in several calls is to find it begun between two of them. */
const STILL = sql`interval '2 s'`;

/** A job of which something is to be done besides running its rows. */
const IS_DUE = sql<boolean>`(
  status in ('validating', 'finalizing')
  or status = 'pending' and (
    cancel_asked_at is not null or submitted_at is not null or expires_at <= now()
    or not hold and (not_before is null or not_before <= now()) and (surface = 'openai' or total_requests > 0 and updated_at <= now() - ${STILL})
  )
  or status = 'in_progress' and (
    cancel_asked_at is not null or expires_at <= now() or completed_requests + failed_requests >= total_requests
  )
)`;

/** Takes the first job that is due and that nobody keeps, and that is none of those that were seen. Null where there is none. */
export async function keepJob(db: Db, keeper: string, seen: readonly string[]): Promise<JobRow | null> {
  const { rows } = await sql<JobRow>`
    update batch_jobs set keeper = ${keeper}, kept_until = ${KEPT_UNTIL}
    where id = (
      select id from batch_jobs
      where status in ('pending', 'validating', 'in_progress', 'finalizing') and ${IS_DUE} and ${IS_FREE} and id <> all (${seen})
      order by id limit 1 for update skip locked
    )
    returning *`.execute(db);
  return rows[0] ?? null;
}

/** Changes a job that is still kept, and still in this state; null where it is not. Whoever keeps it may do so for a while longer. */
export async function changeKept(db: Db, { id, keeper, status }: Pick<JobRow, 'id' | 'keeper' | 'status'>, columns: JobColumns): Promise<JobRow | null> {
  const changed = await db
    .updateTable('batch_jobs')
    .set({ ...columns, updated_at: sql<Date>`now()`, kept_until: KEPT_UNTIL })
    .where('id', '=', id)
    .where('keeper', '=', keeper)
    .where('status', '=', status)
    .returningAll()
    .executeTakeFirst();
  return changed ?? null;
}

export async function letGoOfJob(db: Db, { id, keeper }: Pick<JobRow, 'id' | 'keeper'>): Promise<void> {
  await db.updateTable('batch_jobs').set({ keeper: null, kept_until: null }).where('id', '=', id).where('keeper', '=', keeper).execute();
}

/**
 * Gives requests that wait an outcome that says why they never ran, so many at a time. Answers how many, and the job; null where it is not kept any more.
 * They are found again by where they lie: whatever the database believes of how many there are, no plan goes through the job for each of them.
 */
export async function endWaiting(
  db: Db,
  { id, keeper }: Pick<JobRow, 'id' | 'keeper'>,
  ending: { readonly error: { readonly code: string; readonly message: string }; readonly atOnce: number },
): Promise<{ readonly job: JobRow; readonly ended: number } | null> {
  const { rows } = await sql<JobRow & { ended: number }>`
    with kept as materialized (select id from batch_jobs where id = ${id} and keeper = ${keeper} for no key update),
    waiting as materialized (
      select ctid from batch_requests where job_id = (select id from kept) and state = 'waiting' order by line limit ${ending.atOnce} for update skip locked
    ),
    done as (
      update batch_requests r set state = 'done' where r.ctid = any (array(select ctid from waiting))
      returning r.line, r.project_id, r.custom_id, r.retry_count
    ),
    stored as (
      insert into batch_responses (job_id, line, project_id, custom_id, error, retry_count)
      select ${id}, line, project_id, custom_id, ${JSON.stringify(ending.error)}::json, retry_count from done
      returning 1
    ),
    counted as (select count(*)::integer as ended from stored)
    update batch_jobs set failed_requests = failed_requests + counted.ended, kept_until = ${KEPT_UNTIL}, updated_at = now()
    from counted where id = ${id} and keeper = ${keeper}
    returning batch_jobs.*, counted.ended`.execute(db);
  const [row] = rows;
  if (!row) return null;
  const { ended, ...job } = row;
  return { job, ended };
}

/** Whether the time of a job is over, by the clock of the database. */
export async function isExpired(db: Db, id: string): Promise<boolean> {
  const row = await db
    .selectFrom('batch_jobs')
    .select(sql<boolean>`expires_at <= now()`.as('expired'))
    .where('id', '=', id)
    .executeTakeFirst();
  return row?.expired === true;
}
