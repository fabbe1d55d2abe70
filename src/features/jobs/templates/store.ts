import type { Insertable, Selectable, Updateable } from 'kysely';
import type { PagePlace } from '../../../contract/paging.ts';
import type { ProjectDatabase } from '../../../tables.ts';
import type { Db } from '../store.ts';

type Place = { readonly projectId: string; readonly id: string };
export type TemplateRow = Selectable<ProjectDatabase['job_templates']>;

export async function insertTemplate(db: Db, row: Insertable<ProjectDatabase['job_templates']>): Promise<TemplateRow> {
  return db.insertInto('job_templates').values(row).returningAll().executeTakeFirstOrThrow();
}

export async function listTemplates(db: Db, projectId: string, { rowsMax, before }: PagePlace): Promise<readonly TemplateRow[]> {
  let query = db.selectFrom('job_templates').selectAll().where('project_id', '=', projectId);
  if (before !== undefined) query = query.where('id', '<', before);
  return query.orderBy('id', 'desc').limit(rowsMax).execute();
}

export async function findTemplate(db: Db, { projectId, id }: Place): Promise<TemplateRow | null> {
  return (await db.selectFrom('job_templates').selectAll().where('project_id', '=', projectId).where('id', '=', id).executeTakeFirst()) ?? null;
}

type Columns = Omit<Updateable<ProjectDatabase['job_templates']>, 'id' | 'project_id'>;

export async function updateTemplate(db: Db, { projectId, id }: Place, columns: Columns): Promise<TemplateRow> {
  const query = db.updateTable('job_templates').set(columns).where('project_id', '=', projectId).where('id', '=', id);
  return query.returningAll().executeTakeFirstOrThrow();
}

export async function deleteTemplate(db: Db, { projectId, id }: Place): Promise<void> {
  await db.deleteFrom('job_templates').where('project_id', '=', projectId).where('id', '=', id).execute();
}
