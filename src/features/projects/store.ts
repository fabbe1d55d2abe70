import { type Kysely, sql, type Updateable } from 'kysely';
import type { PagePlace } from '../../contract/paging.ts';
import type { ProjectDatabase } from '../../tables.ts';

/** Projects, and all that goes when one is deleted. */
type Db = Kysely<ProjectDatabase>;

const COLUMNS = ['id', 'name', 'time_zone', 'budget_nano_usd', 'budget_period', 'created_at', 'updated_at'] as const;

export type StoredProject = Awaited<ReturnType<typeof listProjects>>[number];

/** Null is every project. */
export async function listProjects(db: Db, projectId: string | null, { rowsMax, before }: PagePlace) {
  let query = db.selectFrom('projects').select(COLUMNS);
  if (projectId !== null) query = query.where('id', '=', projectId);
  if (before !== undefined) query = query.where('id', '<', before);
  return query.orderBy('id', 'desc').limit(rowsMax).execute();
}

export async function findProject(db: Db, id: string): Promise<StoredProject | null> {
  return (await db.selectFrom('projects').select(COLUMNS).where('id', '=', id).executeTakeFirst()) ?? null;
}

/** Nobody else changes it, or adds to it what refers to it, until the transaction is over. */
export async function lockProject(db: Db, id: string): Promise<StoredProject | null> {
  return (await db.selectFrom('projects').select(COLUMNS).where('id', '=', id).forUpdate().executeTakeFirst()) ?? null;
}

export type ProjectColumns = Omit<Updateable<ProjectDatabase['projects']>, 'id' | 'created_at'>;
export type NewProject = ProjectColumns & { readonly id: string; readonly name: string; readonly created_at: Date };

export async function insertProject(db: Db, project: NewProject): Promise<void> {
  await db.insertInto('projects').values(project).execute();
}

export async function updateProject(db: Db, id: string, columns: ProjectColumns): Promise<void> {
  await db.updateTable('projects').set(columns).where('id', '=', id).execute();
}

export async function countUsers(db: Db, projectId: string): Promise<number> {
  const { count } = await db
    .selectFrom('users')
    .select((of) => of.fn.countAll<number>().as('count'))
    .where('project_id', '=', projectId)
    .executeTakeFirstOrThrow();
  return count;
}

/** What belongs to a project besides its row, its keys and their secrets, which go by themselves. The audit log stays: it tells of the deletion. */
export const OWNED_TABLES = [
  'templates',
  'idempotency_keys',
  'ledger',
  'usage_quarters',
  'call_bodies',
  'responses',
  'files',
  'stream_events',
  'streams',
  'webhook_deliveries',
  'webhook_endpoints',
  'webhook_events',
  'job_schedule_runs',
  'job_schedules',
  'job_templates',
  'batch_responses',
  'batch_requests',
  'batch_provider_lines',
  'batch_provider_batches',
  'batch_jobs',
  'api_keys',
] as const satisfies readonly (keyof ProjectDatabase)[];

export async function deleteProject(db: Db, id: string): Promise<void> {
  await sql`delete from budget_windows where scope = ${`project:${id}`} or scope in (select 'key:' || id from api_keys where project_id = ${id})`.execute(db);
  await deleteOwned(db, id);
  await db.deleteFrom('projects').where('id', '=', id).execute();
}

export async function deleteOwned(db: Db, projectId: string): Promise<void> {
  for (const table of OWNED_TABLES) await sql`delete from ${sql.table(table)} where project_id = ${projectId}`.execute(db);
}

/** The projects that were deleted since then. */
export async function deletedSince(db: Db, since: Date): Promise<readonly string[]> {
  const events = await db.selectFrom('audit_events').select('target_id').where('action', '=', 'project.delete').where('at', '>', since).execute();
  return events.map((event) => event.target_id);
}
