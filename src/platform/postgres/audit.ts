import type { App, Audit, AuditedBy, Deed } from '../../app.ts';

/** Writes the rows of audit_events. */
export function createAudit(app: Pick<App, 'clock' | 'newId'>): Audit {
  return async (db, by, deed) => {
    const { before, after } = differing(deed);
    const { projectId, targetId, action } = deed;
    const event = {
      id: app.newId('aud'),
      at: new Date(app.clock.now()),
      project_id: projectId,
      ...actorOf(by, deed),
      address: by.address,
      request_id: by.requestId,
      action,
      target_id: targetId,
      before: before ? JSON.stringify(before) : null,
      after: after ? JSON.stringify(after) : null,
    };
    await db.insertInto('audit_events').values(event).execute();
  };
}

type Actor = { readonly actor_kind: 'user' | 'key' | 'anonymous'; readonly actor_id: string | null; readonly actor_name: string | null };

function actorOf({ principal }: AuditedBy, { actor }: Deed): Actor {
  if (actor) return { actor_kind: 'user', actor_id: actor.id, actor_name: actor.username };
  if (principal.kind === 'user') return { actor_kind: 'user', actor_id: principal.userId, actor_name: principal.username };
  if (principal.kind === 'key') return { actor_kind: 'key', actor_id: principal.keyId, actor_name: principal.keyName };
  return { actor_kind: 'anonymous', actor_id: null, actor_name: null };
}

/** Of a change only what differs is kept. */
function differing({ before, after }: Deed): Pick<Deed, 'before' | 'after'> {
  if (!before || !after) return { ...(before ? { before } : {}), ...(after ? { after } : {}) };
  const next = new Map(Object.entries(after).map(([name, value]) => [name, JSON.stringify(value)]));
  const same = new Set(Object.entries(before).flatMap(([name, value]) => (next.get(name) === JSON.stringify(value) ? [name] : [])));
  const rest = (from: object): object => Object.fromEntries(Object.entries(from).filter(([name]) => !same.has(name)));
  return { before: rest(before), after: rest(after) };
}
