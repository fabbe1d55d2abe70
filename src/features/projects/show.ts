import { type App, EVERY_PROJECT } from '../../app.ts';
import { AppError } from '../../contract/errors.ts';
import { isId, pageOf, pagePlace } from '../../contract/paging.ts';
import type { Principal } from '../../contract/policy.ts';
import type { ProjectListQuery, ProjectParams, ProjectReply } from '../../contract/projects.ts';
import { budgetReply } from '../../core/bounds.ts';
import { reachOf } from '../../core/reach.ts';
import type { Exchange, Reply } from '../../http/route.ts';
import { findProject, listProjects, type StoredProject } from './store.ts';

export async function listOfProjects(app: App, { principal, query }: Exchange<undefined, ProjectListQuery>): Promise<Reply> {
  const { projectId } = reachOf(principal);
  const place = pagePlace(query);
  const page = pageOf(await app.inProject(projectId ?? EVERY_PROJECT, (db) => listProjects(db, projectId, place)), place);
  return { json: { ...page, data: page.data.map(projectReply) } };
}

export async function showProject(app: App, { principal, params }: Exchange<ProjectParams>): Promise<Reply> {
  const project = mayKnowOf(principal, params.id) ? await app.inProject(params.id, (db) => findProject(db, params.id)) : null;
  if (!project) throw noProject();
  return { json: projectReply(project) };
}

function mayKnowOf(principal: Principal, id: string): boolean {
  const { projectId } = reachOf(principal);
  return isId(id) && (projectId === null || projectId === id);
}

export function noProject(): AppError {
  return new AppError('NOT_FOUND', { message: 'There is no such project' });
}

export function projectReply(project: StoredProject): ProjectReply {
  return {
    id: project.id,
    name: project.name,
    time_zone: project.time_zone,
    budget: budgetReply(project),
    created_at: project.created_at.toISOString(),
    updated_at: project.updated_at.toISOString(),
  };
}

/** What the audit log says of a project. */
export function projectFacts(project: StoredProject): object {
  const { name, time_zone, budget } = projectReply(project);
  return { name, time_zone, budget };
}
