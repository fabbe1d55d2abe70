import type { Kysely } from 'kysely';
import type { PagePlace } from '../../contract/paging.ts';
import type { ProjectDatabase } from '../../tables.ts';

export type AuditFilter = {
  /** `key.create`, or all that begin with `key.` */
  readonly action: string | undefined;
  readonly actor: string | undefined;
  readonly target: string | undefined;
  readonly projectId: string | undefined;
  readonly from: Date | undefined;
  readonly to: Date | undefined;
};

/** Newest first. */
export async function listEvents(db: Kysely<ProjectDatabase>, { action, actor, target, projectId, from, to }: AuditFilter, { rowsMax, before }: PagePlace) {
  let query = db.selectFrom('audit_events').selectAll();
  if (action?.endsWith('*') === true) query = query.where((of) => of.fn('starts_with', ['action', of.val(action.slice(0, -1))]), '=', true);
  else if (action !== undefined) query = query.where('action', '=', action);
  if (actor !== undefined) query = query.where((of) => of.or([of('actor_id', '=', actor), of('actor_name', '=', actor)]));
  if (target !== undefined) query = query.where('target_id', '=', target);
  if (projectId !== undefined) query = query.where('project_id', '=', projectId);
  if (from !== undefined) query = query.where('at', '>=', from);
  if (to !== undefined) query = query.where('at', '<', to);
  if (before !== undefined) query = query.where('id', '<', before);
  return query.orderBy('id', 'desc').limit(rowsMax).execute();
}
