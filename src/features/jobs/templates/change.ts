import type { App } from '../../../app.ts';
import { AppError } from '../../../contract/errors.ts';
import {
  type JobTemplateChange,
  type JobTemplateListQuery,
  type JobTemplateParams,
  type JobTemplateReply,
  type NewJobTemplateBody,
} from '../../../contract/job-templates.ts';
import { JobChange } from '../../../contract/jobs.ts';
import { isId, pageOf, pagePlace } from '../../../contract/paging.ts';
import type { Principal } from '../../../contract/policy.ts';
import type { Exchange, Reply } from '../../../http/route.ts';
import { jobColumns } from '../columns.ts';
import { createJob } from '../create.ts';
import type { Db } from '../store.ts';
import { deleteTemplate, findTemplate, insertTemplate, listTemplates, type TemplateRow, updateTemplate } from './store.ts';

type OfOne<Body = undefined> = Exchange<JobTemplateParams, undefined, Body>;

export async function createTemplate(app: App, exchange: Exchange<undefined, undefined, NewJobTemplateBody>): Promise<Reply> {
  const { body, principal } = exchange;
  const { projectId } = principal;
  const at = new Date(app.clock.now());
  const id = app.newId('jtp');
  const made = await app.inProject(projectId, async (db) => {
    // What no job could be made with is said now.
    await jobColumns(app, db, { body: body.settings, principal, before: null });
    const row = await insertTemplate(db, {
      id,
      project_id: projectId,
      name: body.name,
      description: body.description ?? null,
      settings: JSON.stringify(body.settings),
      created_by: nameOf(principal),
      created_at: at,
      updated_at: at,
    });
    await app.audit(db, exchange, { action: 'job_template.create', projectId, targetId: id, after: facts(row) });
    return row;
  });
  return { status: 201, headers: { location: `/api/v1/job-templates/${id}` }, json: templateReply(made) };
}

export async function showTemplates(app: App, { principal: { projectId }, query }: Exchange<undefined, JobTemplateListQuery>): Promise<Reply> {
  const place = pagePlace(query);
  const page = pageOf(await app.inProject(projectId, (db) => listTemplates(db, projectId, place)), place);
  return { json: { ...page, data: page.data.map(templateReply) } };
}

export async function showTemplate(app: App, { principal: { projectId }, params: { id } }: OfOne): Promise<Reply> {
  return { json: templateReply(await app.inProject(projectId, (db) => templateAt(db, { projectId, id }))) };
}

export async function changeTemplate(app: App, exchange: OfOne<JobTemplateChange>): Promise<Reply> {
  const { body, params, principal } = exchange;
  const place = { projectId: principal.projectId, id: params.id };
  const after = await app.inProject(place.projectId, async (db) => {
    const before = await templateAt(db, place);
    if (body.settings) await jobColumns(app, db, { body: body.settings, principal, before: null });
    const row = await updateTemplate(db, place, {
      name: body.name ?? before.name,
      description: body.description === undefined ? before.description : body.description,
      settings: JSON.stringify(body.settings ?? before.settings),
      updated_at: new Date(app.clock.now()),
    });
    await app.audit(db, exchange, { action: 'job_template.update', ...deedPlace(place), before: facts(before), after: facts(row) });
    return row;
  });
  return { json: templateReply(after) };
}

export async function removeTemplate(app: App, exchange: OfOne): Promise<Reply> {
  const place = { projectId: exchange.principal.projectId, id: exchange.params.id };
  await app.inProject(place.projectId, async (db) => {
    const before = await templateAt(db, place);
    await deleteTemplate(db, place);
    await app.audit(db, exchange, { action: 'job_template.delete', ...deedPlace(place), before: facts(before) });
  });
  return { status: 204 };
}

/** A job with these settings, but for what the caller says otherwise. */
export async function createJobFrom(app: App, exchange: OfOne<JobChange>): Promise<Reply> {
  const { body, params, principal } = exchange;
  const place = { projectId: principal.projectId, id: params.id };
  const template = await app.inProject(place.projectId, (db) => templateAt(db, place));
  const settings = JobChange.parse(template.settings);
  return createJob(app, { ...exchange, params: undefined, body: { ...settings, ...body, name: body.name ?? settings.name ?? template.name } });
}

async function templateAt(db: Db, place: { readonly projectId: string; readonly id: string }): Promise<TemplateRow> {
  const row = isId(place.id) ? await findTemplate(db, place) : null;
  if (row) return row;
  throw new AppError('NOT_FOUND', { message: `There is no template of jobs ${JSON.stringify(place.id.slice(0, 100))}` });
}

function templateReply(row: TemplateRow): JobTemplateReply {
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    settings: row.settings,
    created_by: row.created_by,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  };
}

function facts({ name, description, settings }: TemplateRow): object {
  return { name, description, settings };
}

function deedPlace({ projectId, id }: { readonly projectId: string; readonly id: string }): { readonly projectId: string; readonly targetId: string } {
  return { projectId, targetId: id };
}

function nameOf(principal: Principal): string | null {
  if (principal.kind === 'user') return principal.username;
  return principal.kind === 'key' ? principal.keyName : null;
}
