import { sql } from 'kysely';
import type { Db, JobRow } from '../store.ts';

/** Jobs in OpenAI's words: batches. Others of the project are not among them. */
const OPENAI = 'openai';

export async function findBatch(db: Db, projectId: string, id: string): Promise<JobRow | null> {
  return (await batches(db, projectId).selectAll().where('id', '=', id).executeTakeFirst()) ?? null;
}

/** Nobody else changes it until the transaction is over. */
export async function lockBatch(db: Db, projectId: string, id: string): Promise<JobRow | null> {
  return (await batches(db, projectId).selectAll().where('id', '=', id).forUpdate().executeTakeFirst()) ?? null;
}

/** Newest first. */
export async function listBatches(
  db: Db,
  projectId: string,
  { after, rowsMax }: { readonly after: string | undefined; readonly rowsMax: number },
): Promise<JobRow[]> {
  let query = batches(db, projectId).selectAll();
  if (after !== undefined) query = query.where('id', '<', after);
  return query.orderBy('id', 'desc').limit(rowsMax).execute();
}

function batches(db: Db, projectId: string) {
  return db.selectFrom('batch_jobs').where('project_id', '=', projectId).where('surface', '=', OPENAI).where('deleted_at', 'is', null);
}

/** A file that another one took the place of. */
export async function dropFile(db: Db, projectId: string, id: string): Promise<void> {
  await db.deleteFrom('files').where('project_id', '=', projectId).where('id', '=', id).where('purpose', '=', sql.lit('batch_output')).execute();
}
