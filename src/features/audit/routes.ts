import { type App, EVERY_PROJECT } from '../../app.ts';
import { type AuditEventReply, AuditList, AuditQuery } from '../../contract/audit.ts';
import { pageOf, pagePlace } from '../../contract/paging.ts';
import { readRange } from '../../core/time-range.ts';
import { DATABASE_ERRORS, type Exchange, type Reply, type Route, route } from '../../http/route.ts';
import { type AuditFilter, listEvents } from './store.ts';

export const auditRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/audit',
    summary: 'Who changed what, when',
    description: 'Changes of keys, users, projects, templates and passwords, and sign-ins; newest first. It never holds a secret.',
    tag: 'Audit',
    scope: 'administer',
    query: AuditQuery,
    replies: [{ status: 200, description: 'One page of it.', type: 'application/json', schema: AuditList }],
    errors: DATABASE_ERRORS,
    handle: listOfEvents,
  }),
];

async function listOfEvents(app: App, { query }: Exchange<undefined, AuditQuery>): Promise<Reply> {
  const place = pagePlace(query);
  const page = pageOf(await app.inProject(EVERY_PROJECT, (db) => listEvents(db, filterOf(query, app.clock.now()), place)), place);
  return { json: { ...page, data: page.data.map(eventReply) } };
}

function filterOf({ action, actor, target, project_id: projectId, from, to, time_zone: timeZone = 'UTC' }: AuditQuery, now: number): AuditFilter {
  const range = readRange({ from, to }, timeZone, now);
  return {
    action,
    actor,
    target,
    projectId,
    from: from === undefined ? undefined : new Date(range.fromMs),
    to: to === undefined ? undefined : new Date(range.toMs),
  };
}

function eventReply(event: Awaited<ReturnType<typeof listEvents>>[number]): AuditEventReply {
  return {
    id: event.id,
    at: event.at.toISOString(),
    action: event.action,
    project_id: event.project_id,
    actor: { kind: event.actor_kind, id: event.actor_id, name: event.actor_name },
    target_id: event.target_id,
    before: event.before,
    after: event.after,
    address: event.address,
    request_id: event.request_id,
  };
}
