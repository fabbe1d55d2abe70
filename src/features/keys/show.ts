import { type App, EVERY_PROJECT } from '../../app.ts';
import { AppError } from '../../contract/errors.ts';
import type { KeyListQuery, KeyParams, KeyReply } from '../../contract/keys.ts';
import { isId, pageOf, pagePlace } from '../../contract/paging.ts';
import { budgetReply, limitsReply } from '../../core/bounds.ts';
import { reachOf } from '../../core/reach.ts';
import type { Exchange, Reply } from '../../http/route.ts';
import { findKey, listKeys, type StoredKey } from './store.ts';

export async function listOfKeys(app: App, { principal, query }: Exchange<undefined, KeyListQuery>): Promise<Reply> {
  const { projectId } = reachOf(principal);
  const place = pagePlace(query);
  const wanted = query.project_id ?? projectId;
  // What belongs to another project does not exist.
  const seen = projectId === null || wanted === projectId;
  const at = new Date(app.clock.now());
  const rows = seen ? await app.inProject(wanted ?? EVERY_PROJECT, (db) => listKeys(db, { projectId: wanted, at }, place)) : [];
  const page = pageOf(rows, place);
  return { json: { ...page, data: page.data.map(keyReply) } };
}

export async function showKey(app: App, exchange: Exchange<KeyParams>): Promise<Reply> {
  return { json: keyReply(await keyOf(app, exchange)) };
}

/** The key of the path, where the caller may know of it. */
export async function keyOf(app: App, { principal, params }: Pick<Exchange<KeyParams>, 'principal' | 'params'>): Promise<StoredKey> {
  const { projectId } = reachOf(principal);
  const at = new Date(app.clock.now());
  const key = isId(params.id) ? await app.inProject(projectId ?? EVERY_PROJECT, (db) => findKey(db, params.id, { projectId, at })) : null;
  if (!key) throw noKey();
  return key;
}

export function noKey(): AppError {
  return new AppError('NOT_FOUND', { message: 'There is no such API key' });
}

export function keyReply(key: StoredKey): KeyReply {
  return {
    id: key.id,
    name: key.name,
    prefix: key.prefix,
    project_id: key.project_id,
    user_id: key.user_id,
    status: key.status,
    expires_at: timeText(key.expires_at),
    allowed_models: key.allowed_models,
    allowed_routes: key.allowed_routes,
    ...limitsReply(key),
    budget: budgetReply(key),
    overlap_until: timeText(key.overlap_until),
    last_used_at: timeText(key.last_used_at),
    created_by: key.created_by,
    created_at: key.created_at.toISOString(),
    updated_at: key.updated_at.toISOString(),
  };
}

function timeText(time: Date | null): string | null {
  return time === null ? null : time.toISOString();
}

/** What the audit log says of a key. */
export function keyFacts(key: StoredKey): object {
  const { name, user_id, expires_at, allowed_models, allowed_routes, rpm, tpm, max_parallel, budget } = keyReply(key);
  return { name, user_id, expires_at, allowed_models, allowed_routes, rpm, tpm, max_parallel, budget };
}
