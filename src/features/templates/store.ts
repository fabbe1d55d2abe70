import type { Kysely } from 'kysely';
import { StoredTemplate } from '../../contract/templates.ts';
import type { Template } from '../../core/template.ts';
import type { ProjectDatabase } from '../../tables.ts';

/** The templates of the projects. A deleted version is hidden, so that its number is never given again. */
export type OwnTemplate = { readonly template: Template; readonly createdAt: Date; readonly createdBy: string | null };

type Db = Kysely<ProjectDatabase>;
type Row = { readonly name: string; readonly version: number; readonly body: unknown; readonly created_by: string | null; readonly created_at: Date };

const COLUMNS = ['name', 'version', 'body', 'created_by', 'created_at'] as const;

export async function findVersion(db: Db, projectId: string, name: string, version: number): Promise<OwnTemplate | null> {
  const row = await visible(db, projectId).where('name', '=', name).where('version', '=', version).executeTakeFirst();
  return row ? ownTemplate(row) : null;
}

/** The newest version, of those below `below` where that is said. */
export async function findNewest(db: Db, projectId: string, name: string, below?: number): Promise<OwnTemplate | null> {
  let query = visible(db, projectId).where('name', '=', name);
  if (below !== undefined) query = query.where('version', '<', below);
  const row = await query.orderBy('version', 'desc').limit(1).executeTakeFirst();
  return row ? ownTemplate(row) : null;
}

/** The highest number that was ever given, deleted ones included; 0 when none was. */
export async function highestVersion(db: Db, projectId: string, name: string): Promise<number> {
  const row = await db
    .selectFrom('templates')
    .select('version')
    .where('project_id', '=', projectId)
    .where('name', '=', name)
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row?.version ?? 0;
}

export type NewVersion = { readonly projectId: string; readonly template: Template; readonly createdAt: Date; readonly createdBy: string | null };

/** False when somebody else has just taken this number. */
export async function insertVersion(db: Db, { projectId, template, createdAt, createdBy }: NewVersion): Promise<boolean> {
  const { name, version, ...body } = template;
  const result = await db
    .insertInto('templates')
    .values({ project_id: projectId, name, version, body: JSON.stringify(body), created_by: createdBy, created_at: createdAt, deleted_at: null })
    .onConflict((conflict) => conflict.columns(['project_id', 'name', 'version']).doNothing())
    .executeTakeFirst();
  return result.numInsertedOrUpdatedRows === 1n;
}

type Hiding = { readonly projectId: string; readonly name: string; readonly version: number; readonly deletedAt: Date };

/** False when there is no such version, or not any more. */
export async function hideVersion(db: Db, { projectId, name, version, deletedAt }: Hiding): Promise<boolean> {
  const result = await db
    .updateTable('templates')
    .set({ deleted_at: deletedAt })
    .where('project_id', '=', projectId)
    .where('name', '=', name)
    .where('version', '=', version)
    .where('deleted_at', 'is', null)
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

export type ListPlace = { readonly createdAt: Date; readonly name: string; readonly version: number };
type Listing = { readonly limit: number; readonly after?: ListPlace | undefined; readonly name?: string | undefined };

/** Newest first; of one moment by name, and the higher version first. */
export async function listVersions(db: Db, projectId: string, { limit, after, name }: Listing): Promise<OwnTemplate[]> {
  let query = visible(db, projectId);
  if (name !== undefined) query = query.where('name', '=', name);
  if (after !== undefined) {
    query = query.where((where) =>
      where.or([
        where('created_at', '<', after.createdAt),
        where.and([where('created_at', '=', after.createdAt), where('name', '>', after.name)]),
        where.and([where('created_at', '=', after.createdAt), where('name', '=', after.name), where('version', '<', after.version)]),
      ]),
    );
  }
  const rows = await query.orderBy('created_at', 'desc').orderBy('name').orderBy('version', 'desc').limit(limit).execute();
  return rows.map(ownTemplate);
}

export async function listNewestIds(db: Db, projectId: string, limit: number): Promise<{ name: string; version: number }[]> {
  return db
    .selectFrom('templates')
    .select(['name', 'version'])
    .where('project_id', '=', projectId)
    .where('deleted_at', 'is', null)
    .orderBy('created_at', 'desc')
    .orderBy('name')
    .orderBy('version', 'desc')
    .limit(limit)
    .execute();
}

function visible(db: Db, projectId: string) {
  return db.selectFrom('templates').select(COLUMNS).where('project_id', '=', projectId).where('deleted_at', 'is', null);
}

function ownTemplate(row: Row): OwnTemplate {
  return { template: { name: row.name, version: row.version, ...StoredTemplate.parse(row.body) }, createdAt: row.created_at, createdBy: row.created_by };
}
