import type { App } from '../../app.ts';
import { AppError } from '../../contract/errors.ts';
import type { KeyChange, KeyParams, RotateBody } from '../../contract/keys.ts';
import type { Exchange, Reply } from '../../http/route.ts';
import { keyColumns, newSecret } from './create.ts';
import { keyFacts, keyOf, keyReply, noKey } from './show.ts';
import { findKey, lockKey, revokeKey, rotateSecret, type StoredKey, updateKey } from './store.ts';

type OfOne<Body = undefined> = Exchange<KeyParams, undefined, Body>;

export async function changeKey(app: App, exchange: OfOne<KeyChange>): Promise<Reply> {
  const at = new Date(app.clock.now());
  const columns = keyColumns(exchange.body, at.getTime());
  const key = await changing(app, exchange, async ({ db, before }) => {
    if (Object.keys(columns).length === 0) return before;
    await updateKey(db, before.id, { ...columns, updated_at: at });
    const after = await findKey(db, before.id, { projectId: before.project_id, at });
    if (!after) throw noKey();
    const deed = { action: 'key.update', projectId: after.project_id, targetId: after.id, before: keyFacts(before), after: keyFacts(after) };
    await app.audit(db, exchange, deed);
    return after;
  });
  return { json: keyReply(key) };
}

export async function rotateKey(app: App, exchange: OfOne<RotateBody>): Promise<Reply> {
  const { overlap_s: overlapS } = exchange.body;
  const { secret, prefix, hash } = newSecret(app);
  const at = new Date(app.clock.now());
  const overlapUntil = new Date(at.getTime() + overlapS * 1000);
  const key = await changing(app, exchange, async ({ db, before }) => {
    if (before.status === 'expired') throw new AppError('CONFLICT', { message: 'This key has expired; give it another expires_at first' });
    await rotateSecret(db, before.id, { prefix, hash, at, overlapUntil });
    const after = { overlap_until: overlapUntil.toISOString() };
    await app.audit(db, exchange, { action: 'key.rotate', projectId: before.project_id, targetId: before.id, after });
    return (await findKey(db, before.id, { projectId: before.project_id, at })) ?? before;
  });
  return { headers: { 'cache-control': 'no-store' }, json: { ...keyReply(key), key: secret } };
}

export async function deleteKey(app: App, exchange: OfOne): Promise<Reply> {
  await changing(app, exchange, async ({ db, before }) => {
    await revokeKey(db, before.id, new Date(app.clock.now()));
    const deed = { action: 'key.revoke', projectId: before.project_id, targetId: before.id, before: keyFacts(before) };
    await app.audit(db, exchange, deed);
    return before;
  });
  return { status: 204 };
}

type Db = Parameters<typeof lockKey>[0];

/** In one transaction of its project, in which nobody else changes this key. */
async function changing(
  app: App,
  exchange: OfOne<unknown>,
  run: (of: { readonly db: Db; readonly before: StoredKey }) => Promise<StoredKey>,
): Promise<StoredKey> {
  const { project_id: projectId, id } = await keyOf(app, exchange);
  return app.inProject(projectId, async (db) => {
    const before = await lockKey(db, id, { projectId, at: new Date(app.clock.now()) });
    if (!before) throw noKey();
    return run({ db, before });
  });
}
