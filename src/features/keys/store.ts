import { type Kysely, sql, type Updateable } from 'kysely';
import type { PagePlace } from '../../contract/paging.ts';
import type { ProjectDatabase } from '../../tables.ts';

/** API keys and their secrets, of which only hashes are kept. A revoked key stays, so that what it used has a name, and is seen by nobody. */
type Db = Kysely<ProjectDatabase>;
/** Null is every project. */
type Reach = { readonly projectId: string | null };

function liveKeys(db: Db, { projectId }: Reach, at: Date) {
  const owner = sql`users.disabled_at is not null or users.role = 'viewer' or (users.role = 'member' and users.project_id <> api_keys.project_id)`;
  const query = db
    .selectFrom('api_keys')
    .leftJoin('users', 'users.id', 'api_keys.user_id')
    .selectAll('api_keys')
    .select(
      sql<'active' | 'expired' | 'resting'>`case when api_keys.expires_at <= ${at} then 'expired' when ${owner} then 'resting' else 'active' end`.as('status'),
    )
    .select((of) =>
      of
        .selectFrom('api_key_secrets')
        .select((secrets) => secrets.fn.max('api_key_secrets.expires_at').as('until'))
        .whereRef('api_key_secrets.key_id', '=', 'api_keys.id')
        .where('api_key_secrets.expires_at', '>', at)
        .as('overlap_until'),
    )
    .where('api_keys.revoked_at', 'is', null);
  return projectId === null ? query : query.where('api_keys.project_id', '=', projectId);
}

export type StoredKey = Awaited<ReturnType<typeof listKeys>>[number];

export async function listKeys(db: Db, reach: Reach & { readonly at: Date }, { rowsMax, before }: PagePlace) {
  let query = liveKeys(db, reach, reach.at);
  if (before !== undefined) query = query.where('api_keys.id', '<', before);
  return query.orderBy('api_keys.id', 'desc').limit(rowsMax).execute();
}

export async function findKey(db: Db, id: string, reach: Reach & { readonly at: Date }): Promise<StoredKey | null> {
  return (await liveKeys(db, reach, reach.at).where('api_keys.id', '=', id).executeTakeFirst()) ?? null;
}

/** Nobody else changes it until the transaction is over. Null where it is not there, or not any more. */
export async function lockKey(db: Db, id: string, reach: Reach & { readonly at: Date }): Promise<StoredKey | null> {
  const locked = await db.selectFrom('api_keys').select('id').where('id', '=', id).forUpdate().executeTakeFirst();
  return locked ? findKey(db, id, reach) : null;
}

export type KeyColumns = Omit<Updateable<ProjectDatabase['api_keys']>, 'id' | 'project_id' | 'user_id' | 'revoked_at' | 'last_used_at'>;
export type NewKey = KeyColumns & {
  readonly id: string;
  readonly project_id: string;
  readonly user_id: string | null;
  readonly name: string;
  readonly prefix: string;
};

export async function insertKey(db: Db, key: NewKey, hash: string): Promise<void> {
  await db.insertInto('api_keys').values(key).execute();
  await db.insertInto('api_key_secrets').values({ hash, key_id: key.id }).execute();
}

export async function updateKey(db: Db, id: string, columns: KeyColumns): Promise<void> {
  await db.updateTable('api_keys').set(columns).where('id', '=', id).execute();
}

export type Rotation = { readonly prefix: string; readonly hash: string; readonly at: Date; readonly overlapUntil: Date };

/** Gives a key another secret. Those that it has end when the overlap does, or before, as was said then. */
export async function rotateSecret(db: Db, id: string, { prefix, hash, at, overlapUntil }: Rotation): Promise<void> {
  await db.deleteFrom('api_key_secrets').where('key_id', '=', id).where('expires_at', '<=', at).execute();
  await sql`update api_key_secrets set expires_at = least(coalesce(expires_at, 'infinity'), ${overlapUntil}) where key_id = ${id}`.execute(db);
  await db.insertInto('api_key_secrets').values({ hash, key_id: id, created_at: at }).execute();
  await updateKey(db, id, { prefix, updated_at: at });
}

export async function revokeKey(db: Db, id: string, at: Date): Promise<void> {
  await db.updateTable('api_keys').set({ revoked_at: at, updated_at: at }).where('id', '=', id).execute();
  await db.deleteFrom('api_key_secrets').where('key_id', '=', id).execute();
}

export async function projectExists(db: Db, projectId: string): Promise<boolean> {
  return (await db.selectFrom('projects').select('id').where('id', '=', projectId).executeTakeFirst()) !== undefined;
}

/** Whether a key of this project can be this user's. */
export async function canOwnKey(db: Db, userId: string, projectId: string): Promise<boolean> {
  const user = await db
    .selectFrom('users')
    .select('id')
    .where('id', '=', userId)
    .where((of) => of.or([of('role', '=', 'admin'), of.and([of('role', '=', 'member'), of('project_id', '=', projectId)])]))
    .executeTakeFirst();
  return user !== undefined;
}
