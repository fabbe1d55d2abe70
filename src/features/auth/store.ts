import { type Kysely, sql } from 'kysely';
import type { Role } from '../../contract/policy.ts';
import type { Database } from '../../tables.ts';

/** Users, their sign-ins, and the refresh tokens of each. Times come from the caller's clock. */
type Db = Kysely<Database>;

export type StoredUser = {
  readonly id: string;
  readonly username: string;
  readonly passwordHash: string;
  readonly passwordSource: 'env' | 'generated' | 'user';
  readonly role: Role;
  readonly disabled: boolean;
};

const USER_COLUMNS = [
  'id',
  'username',
  'password_hash as passwordHash',
  'password_source as passwordSource',
  'role',
  sql<boolean>`disabled_at is not null`.as('disabled'),
] as const;

export async function findUserByName(db: Db, username: string): Promise<StoredUser | null> {
  // Postgres takes no NUL in a text: there can be no such user.
  if (username.includes('\0')) return null;
  const user = await db
    .selectFrom('users')
    .select(USER_COLUMNS)
    .where(sql<boolean>`lower(username) = lower(${username})`)
    .executeTakeFirst();
  return user ?? null;
}

export async function findUser(db: Db, userId: string): Promise<StoredUser | null> {
  return (await db.selectFrom('users').select(USER_COLUMNS).where('id', '=', userId).executeTakeFirst()) ?? null;
}

/** The name of the oldest administrator; null where there is no user at all. */
export async function oldestUsername(db: Db): Promise<string | null> {
  const user = await db
    .selectFrom('users')
    .select('username')
    .orderBy(sql`role = 'admin'`, 'desc')
    .orderBy('created_at')
    .orderBy('id')
    .executeTakeFirst();
  return user?.username ?? null;
}

export type NewUser = Pick<StoredUser, 'id' | 'username' | 'passwordHash' | 'passwordSource' | 'role'> & { readonly projectId: string };

/** Makes a user if there is none yet; false where another process was first. */
export async function insertFirstUser(db: Db, user: NewUser): Promise<boolean> {
  const { rows } = await sql`
    insert into users (id, username, password_hash, password_source, role, project_id)
    select ${user.id}, ${user.username}, ${user.passwordHash}, ${user.passwordSource}, ${user.role}, ${user.projectId}
    where not exists (select 1 from users)
    on conflict do nothing
    returning id`.execute(db);
  return rows.length > 0;
}

export type PasswordChange = {
  readonly user: Pick<StoredUser, 'id' | 'passwordHash'>;
  readonly newHash: string;
  readonly source: StoredUser['passwordSource'];
  /** The sign-in that goes on; all others end. */
  readonly keepSessionId: string | null;
  readonly at: Date;
};

/** False where the password was changed by somebody else since it was read. */
export async function changePassword(db: Db, change: PasswordChange): Promise<boolean> {
  return db.transaction().execute(async (transaction) => {
    const changed = await transaction
      .updateTable('users')
      .set({ password_hash: change.newHash, password_source: change.source })
      .where('id', '=', change.user.id)
      .where('password_hash', '=', change.user.passwordHash)
      .returning('id')
      .executeTakeFirst();
    if (!changed) return false;
    let others = transaction.updateTable('sessions').set({ revoked_at: change.at }).where('user_id', '=', change.user.id).where('revoked_at', 'is', null);
    if (change.keepSessionId !== null) others = others.where('id', '!=', change.keepSessionId);
    await others.execute();
    return true;
  });
}

export type NewSession = { readonly id: string; readonly refreshHash: string; readonly at: Date; readonly expiresAt: Date };

/** Begins a sign-in; false where the user was disabled, deleted or got another password while this one was being verified. */
export async function insertSession(db: Db, user: Pick<StoredUser, 'id' | 'passwordHash'>, session: NewSession): Promise<boolean> {
  return db.transaction().execute(async (transaction) => {
    const { rows } = await sql`
      insert into sessions (id, user_id, created_at, expires_at)
      select ${session.id}, id, ${session.at}, ${session.expiresAt} from users
      where id = ${user.id} and password_hash = ${user.passwordHash} and disabled_at is null
      for share
      returning id`.execute(transaction);
    if (rows.length === 0) return false;
    await transaction
      .insertInto('refresh_tokens')
      .values({ hash: session.refreshHash, session_id: session.id, created_at: session.at, used_at: null })
      .execute();
    // What has run out is of no use any more; its own user's next sign-in is when it goes.
    await transaction.deleteFrom('sessions').where('user_id', '=', user.id).where('expires_at', '<=', session.at).execute();
    return true;
  });
}

export type Rotation = { readonly hash: string; readonly nextHash: string; readonly at: Date };
export type Rotated =
  | { readonly outcome: 'rotated'; readonly userId: string; readonly role: Role; readonly sessionId: string; readonly expiresAt: Date }
  | { readonly outcome: 'reused'; readonly sessionId: string }
  | { readonly outcome: 'refused' };

/**
 * Takes a refresh token for the next. The update decides: of two at once the second waits for the first, then finds the token used, which
 * means that two hold it and ends the sign-in.
 */
export async function rotateRefreshToken(db: Db, { hash, nextHash, at }: Rotation): Promise<Rotated> {
  return db.transaction().execute(async (transaction): Promise<Rotated> => {
    const taken = await transaction
      .updateTable('refresh_tokens')
      .set({ used_at: at })
      .where('hash', '=', hash)
      .where('used_at', 'is', null)
      .returning('session_id')
      .executeTakeFirst();
    if (!taken) return revokeReused(transaction, hash, at);
    const session = await transaction
      .selectFrom('sessions')
      .innerJoin('users', 'users.id', 'sessions.user_id')
      .select(['users.id as userId', 'users.role', 'sessions.id as sessionId', 'sessions.expires_at as expiresAt'])
      .where('sessions.id', '=', taken.session_id)
      .where('sessions.revoked_at', 'is', null)
      .where('sessions.expires_at', '>', at)
      .where('users.disabled_at', 'is', null)
      .executeTakeFirst();
    if (!session) return { outcome: 'refused' };
    await transaction.insertInto('refresh_tokens').values({ hash: nextHash, session_id: session.sessionId, created_at: at, used_at: null }).execute();
    return { outcome: 'rotated', ...session };
  });
}

async function revokeReused(db: Db, hash: string, at: Date): Promise<Rotated> {
  const known = await db.selectFrom('refresh_tokens').select('session_id').where('hash', '=', hash).executeTakeFirst();
  if (!known) return { outcome: 'refused' };
  await revokeSession(db, known.session_id, at);
  return { outcome: 'reused', sessionId: known.session_id };
}

export async function revokeSession(db: Db, sessionId: string, at: Date): Promise<void> {
  await db.updateTable('sessions').set({ revoked_at: at }).where('id', '=', sessionId).where('revoked_at', 'is', null).execute();
}

export type LiveSession = {
  readonly userId: string;
  readonly username: string;
  readonly role: Role;
  readonly projectId: string;
  readonly userCreatedAt: Date;
  readonly createdAt: Date;
  readonly expiresAt: Date;
};

/** A sign-in that holds at this moment, with its user; null once it is revoked or over, or the user is disabled or gone. */
export async function findLiveSession(db: Db, sessionId: string, at: Date): Promise<LiveSession | null> {
  const session = await db
    .selectFrom('sessions')
    .innerJoin('users', 'users.id', 'sessions.user_id')
    .select(['users.id as userId', 'users.username', 'users.role', 'users.project_id as projectId', 'users.created_at as userCreatedAt'])
    .select(['sessions.created_at as createdAt', 'sessions.expires_at as expiresAt'])
    .where('sessions.id', '=', sessionId)
    .where('sessions.revoked_at', 'is', null)
    .where('sessions.expires_at', '>', at)
    .where('users.disabled_at', 'is', null)
    .executeTakeFirst();
  return session ?? null;
}
