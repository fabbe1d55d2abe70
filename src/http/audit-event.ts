import type { App } from '../app.ts';
import type { Exchange } from './route.ts';

/** A row of audit_events: who did what, from where. It is stored in the transaction of what it tells, and never holds a secret. */
export type AuditEvent = {
  readonly id: string;
  readonly at: Date;
  readonly project_id: string;
  readonly actor_kind: 'user' | 'key' | 'anonymous' | 'system';
  readonly actor_id: string | null;
  readonly actor_name: string | null;
  readonly address: string | null;
  readonly request_id: string | null;
  readonly action: string;
  readonly target_id: string;
  readonly before: string | null;
  readonly after: string | null;
};

export type Deed = {
  /** `key.create`, `user.update`, … */
  readonly action: string;
  readonly projectId: string;
  readonly targetId: string;
  /** What of it was so before, and is so after. Of a change only what differs is kept. */
  readonly before?: object;
  readonly after?: object;
  /** Who it was, where the principal does not say so yet: a sign-in makes the user. */
  readonly actor?: { readonly id: string; readonly name: string };
};

type By = Pick<Exchange, 'principal' | 'address' | 'requestId'>;

export function auditEvent(app: Pick<App, 'clock' | 'newId'>, by: By, deed: Deed): AuditEvent {
  const { before, after } = differing(deed);
  return {
    id: app.newId('aud'),
    at: new Date(app.clock.now()),
    project_id: deed.projectId,
    ...actorOf(by, deed.actor),
    address: by.address,
    request_id: by.requestId,
    action: deed.action,
    target_id: deed.targetId,
    before: before ? JSON.stringify(before) : null,
    after: after ? JSON.stringify(after) : null,
  };
}

function actorOf({ principal }: By, actor: Deed['actor']): Pick<AuditEvent, 'actor_kind' | 'actor_id' | 'actor_name'> {
  if (actor) return { actor_kind: 'user', actor_id: actor.id, actor_name: actor.name };
  if (principal.kind === 'user') return { actor_kind: 'user', actor_id: principal.userId, actor_name: principal.username };
  if (principal.kind === 'key') return { actor_kind: 'key', actor_id: principal.keyId, actor_name: principal.keyName };
  return { actor_kind: 'anonymous', actor_id: null, actor_name: null };
}

function differing({ before, after }: Deed): Pick<Deed, 'before' | 'after'> {
  if (!before || !after) return { ...(before ? { before } : {}), ...(after ? { after } : {}) };
  const old = Object.entries(before).map(([name, value]) => [name, JSON.stringify(value)] as const);
  const next = new Map(Object.entries(after).map(([name, value]) => [name, JSON.stringify(value)]));
  const same = new Set(old.filter(([name, value]) => next.get(name) === value).map(([name]) => name));
  const rest = (from: object): object => Object.fromEntries(Object.entries(from).filter(([name]) => !same.has(name)));
  return { before: rest(before), after: rest(after) };
}
