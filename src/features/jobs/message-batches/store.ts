import { sql } from 'kysely';
import type { Db, JobRow } from '../store.ts';

/** Jobs in Anthropic's words. Others of the project are not among them. */
const ANTHROPIC = 'anthropic';

export async function findMessageBatch(db: Db, projectId: string, id: string): Promise<JobRow | null> {
  return (await batches(db, projectId).selectAll().where('id', '=', id).executeTakeFirst()) ?? null;
}

/** Nobody else changes it until the transaction is over. */
export async function lockMessageBatch(db: Db, projectId: string, id: string): Promise<JobRow | null> {
  return (await batches(db, projectId).selectAll().where('id', '=', id).forUpdate().executeTakeFirst()) ?? null;
}

export type BatchPlace = { readonly after: string | undefined; readonly before: string | undefined; readonly rowsMax: number };

/** Newest first; with `before` those next to it, the farthest last. */
export async function listMessageBatches(db: Db, projectId: string, { after, before, rowsMax }: BatchPlace): Promise<JobRow[]> {
  let query = batches(db, projectId).selectAll();
  if (after !== undefined) query = query.where('id', '<', after);
  if (before !== undefined) query = query.where('id', '>', before);
  return query
    .orderBy('id', before === undefined ? 'desc' : 'asc')
    .limit(rowsMax)
    .execute();
}

function batches(db: Db, projectId: string) {
  return db.selectFrom('batch_jobs').where('project_id', '=', projectId).where('surface', '=', ANTHROPIC).where('deleted_at', 'is', null);
}

export type Unanswered = { readonly canceled: number; readonly expired: number };

/** How many requests of each of these jobs were not run at all. */
export async function countUnanswered(db: Db, jobIds: readonly string[]): Promise<ReadonlyMap<string, Unanswered>> {
  if (jobIds.length === 0) return new Map();
  const { rows } = await sql<Unanswered & { id: string }>`
    select job_id as id,
      count(*) filter (where error ->> 'code' = 'batch_cancelled') as canceled,
      count(*) filter (where error ->> 'code' = 'batch_expired') as expired
    from batch_responses where job_id = any (${[...jobIds]}::text[]) and error is not null group by job_id`.execute(db);
  return new Map(rows.map(({ id, ...counts }) => [id, counts]));
}
