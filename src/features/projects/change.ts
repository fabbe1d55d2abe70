import type { App } from '../../app.ts';
import { AppError, invalidValue } from '../../contract/errors.ts';
import { isId } from '../../contract/paging.ts';
import { DEFAULT_PROJECT } from '../../contract/policy.ts';
import type { NewProjectBody, ProjectChange, ProjectDeletionQuery, ProjectParams } from '../../contract/projects.ts';
import { budgetColumns } from '../../core/bounds.ts';
import type { Exchange, Reply } from '../../http/route.ts';
import { noProject, projectFacts, projectReply } from './show.ts';
import { countUsers, deleteProject, findProject, insertProject, lockProject, type ProjectColumns, type StoredProject, updateProject } from './store.ts';

type Db = Parameters<typeof lockProject>[0];

export async function createProject(app: App, exchange: Exchange<undefined, undefined, NewProjectBody>): Promise<Reply> {
  const { body } = exchange;
  const at = new Date(app.clock.now());
  const id = app.newId('prj');
  const project = await app.inProject(id, async (db) => {
    await insertProject(db, { id, name: body.name, time_zone: body.time_zone, ...budgetColumns(body), created_at: at, updated_at: at });
    const made = await findProject(db, id);
    if (!made) throw noProject();
    await app.audit(db, exchange, { action: 'project.create', projectId: id, targetId: id, after: projectFacts(made) });
    return made;
  });
  return { status: 201, headers: { location: `/api/v1/projects/${id}` }, json: projectReply(project) };
}

export async function changeProject(app: App, exchange: Exchange<ProjectParams, undefined, ProjectChange>): Promise<Reply> {
  const { body, params } = exchange;
  const columns: ProjectColumns = {
    ...(body.name === undefined ? {} : { name: body.name }),
    ...(body.time_zone === undefined ? {} : { time_zone: body.time_zone }),
    ...budgetColumns(body),
  };
  const project = await changing(app, params.id, async ({ db, before }) => {
    if (Object.keys(columns).length === 0) return before;
    await updateProject(db, before.id, { ...columns, updated_at: new Date(app.clock.now()) });
    const after = await findProject(db, before.id);
    if (!after) throw noProject();
    const deed = { action: 'project.update', projectId: after.id, targetId: after.id, before: projectFacts(before), after: projectFacts(after) };
    await app.audit(db, exchange, deed);
    return after;
  });
  return { json: projectReply(project) };
}

export async function removeProject(app: App, exchange: Exchange<ProjectParams, ProjectDeletionQuery>): Promise<Reply> {
  const { params, query } = exchange;
  const { id } = await changing(app, params.id, async ({ db, before }) => {
    if (before.id === DEFAULT_PROJECT) throw new AppError('CONFLICT', { message: 'The default project cannot be deleted: the anonymous belong to it' });
    if (query.confirm !== before.id) throw unconfirmed(before);
    const users = await countUsers(db, before.id);
    if (users > 0) throw new AppError('CONFLICT', { message: 'Users belong to this project; move or delete them first', details: { users } });
    await deleteProject(db, before.id);
    await app.audit(db, exchange, { action: 'project.delete', projectId: before.id, targetId: before.id, before: projectFacts(before) });
    return before;
  });
  app.gateway.cache.clear(id);
  return { status: 204 };
}

function unconfirmed({ id, name }: StoredProject): AppError {
  return invalidValue('confirm', `must be ${id}: with ${name} go its keys, templates, requests and usage`);
}

/** In one transaction, in which nobody else changes it. */
async function changing(
  app: App,
  id: string,
  run: (of: { readonly db: Db; readonly before: StoredProject }) => Promise<StoredProject>,
): Promise<StoredProject> {
  if (!isId(id)) throw noProject();
  return app.inProject(id, async (db) => {
    const before = await lockProject(db, id);
    if (!before) throw noProject();
    return run({ db, before });
  });
}
