import { type Kysely, sql } from 'kysely';
import type { BudgetPeriod, Role } from '../../contract/policy.ts';
import type { Database, ProjectDatabase } from '../../tables.ts';

/** Users, their sign-ins, and the refresh tokens of each. Times come from the caller's clock. */
type Db = Kysely<Database>;
/** One that is in a transaction, because several statements have to be one. */
type InTransaction = Kysely<ProjectDatabase>;

export type StoredUser = {
  readonly id: string;
  readonly username: string;
  readonly passwordHash: string;
  readonly passwordSource: 'env' | 'generated' | 'user';
  readonly role: Role;
  readonly projectId: string;
  readonly disabled: boolean;
};

const USER_COLUMNS = [
  'id',
  'username',
  'password_hash as passwordHash',
  'password_source as passwordSource',
  'role',
  'project_id as projectId',
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

export type NewUser = Omit<StoredUser, 'disabled'>;

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
export async function changePassword(db: InTransaction, change: PasswordChange): Promise<boolean> {
  const changed = await db
    .updateTable('users')
    .set({ password_hash: change.newHash, password_source: change.source, updated_at: change.at })
    .where('id', '=', change.user.id)
    .where('password_hash', '=', change.user.passwordHash)
    .returning('id')
    .executeTakeFirst();
  if (!changed) return false;
  let others = db.updateTable('sessions').set({ revoked_at: change.at }).where('user_id', '=', change.user.id).where('revoked_at', 'is', null);
  if (change.keepSessionId !== null) others = others.where('id', '!=', change.keepSessionId);
  await others.execute();
  return true;
}

export type NewSession = { readonly id: string; readonly refreshHash: string; readonly at: Date; readonly expiresAt: Date };

/** Begins a sign-in; false where the user was disabled, deleted or got another password while this one was being verified. */
export async function insertSession(db: InTransaction, user: Pick<StoredUser, 'id' | 'passwordHash'>, session: NewSession): Promise<boolean> {
  const { rows } = await sql`
    insert into sessions (id, user_id, created_at, expires_at)
    select ${session.id}, id, ${session.at}, ${session.expiresAt} from users
    where id = ${user.id} and password_hash = ${user.passwordHash} and disabled_at is null
    for share
    returning id`.execute(db);
  if (rows.length === 0) return false;
  await db.insertInto('refresh_tokens').values({ hash: session.refreshHash, session_id: session.id, created_at: session.at, used_at: null }).execute();
  // What has run out is of no use any more; its own user's next sign-in is when it goes.
  await db.deleteFrom('sessions').where('user_id', '=', user.id).where('expires_at', '<=', session.at).execute();
  return true;
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

/** What a user or a key may do at a time; null is as much as they like. */
export type StoredLimits = { readonly rpm: number | null; readonly tpm: number | null; readonly maxParallel: number | null };
export type StoredBudget = { readonly limitNanoUsd: number; readonly period: BudgetPeriod };
export type StoredProject = { readonly id: string; readonly timeZone: string; readonly budget: StoredBudget | null };

type Bounded = 'users' | 'api_keys' | 'projects';
const limitsOf = (table: Bounded) =>
  sql<StoredLimits>`jsonb_build_object('rpm', ${sql.table(table)}.rpm, 'tpm', ${sql.table(table)}.tpm, 'maxParallel', ${sql.table(table)}.max_parallel)`;
const budgetOf = (table: Bounded) =>
  sql<StoredBudget | null>`case when ${sql.table(table)}.budget_period is null then null
    else jsonb_build_object('limitNanoUsd', ${sql.table(table)}.budget_nano_usd, 'period', ${sql.table(table)}.budget_period) end`;
const PROJECT = sql<StoredProject>`jsonb_build_object('id', projects.id, 'timeZone', projects.time_zone, 'budget', ${budgetOf('projects')})`;

export type LiveUser = {
  readonly userId: string;
  readonly username: string;
  readonly role: Role;
  readonly limits: StoredLimits;
  readonly budget: StoredBudget | null;
  readonly project: StoredProject;
};
export type LiveSession = LiveUser & { readonly userCreatedAt: Date; readonly createdAt: Date; readonly expiresAt: Date };

/** A sign-in that holds at this moment, with its user; null once it is revoked or over, or the user is disabled or gone. */
export async function findLiveSession(db: Db, sessionId: string, at: Date): Promise<LiveSession | null> {
  const session = await db
    .selectFrom('sessions')
    .innerJoin('users', 'users.id', 'sessions.user_id')
    .innerJoin('projects', 'projects.id', 'users.project_id')
    .select(['users.id as userId', 'users.username', 'users.role', 'users.created_at as userCreatedAt'])
    .select(['sessions.created_at as createdAt', 'sessions.expires_at as expiresAt'])
    .select([limitsOf('users').as('limits'), budgetOf('users').as('budget'), PROJECT.as('project')])
    .where('sessions.id', '=', sessionId)
    .where('sessions.revoked_at', 'is', null)
    .where('sessions.expires_at', '>', at)
    .where('users.disabled_at', 'is', null)
    .executeTakeFirst();
  return session ?? null;
}

/** The same of a user who is not signed in, but known to have done something. */
export async function findUserById(db: Db, userId: string): Promise<LiveUser | null> {
  const user = await db
    .selectFrom('users')
    .innerJoin('projects', 'projects.id', 'users.project_id')
    .select(['users.id as userId', 'users.username', 'users.role'])
    .select([limitsOf('users').as('limits'), budgetOf('users').as('budget'), PROJECT.as('project')])
    .where('users.id', '=', userId)
    .where('users.disabled_at', 'is', null)
    .executeTakeFirst();
  return user ?? null;
}

export type LiveKey = {
  readonly keyId: string;
  readonly keyName: string;
  readonly allowedModels: readonly string[] | null;
  readonly allowedRoutes: readonly string[] | null;
  readonly limits: StoredLimits;
  readonly budget: StoredBudget | null;
  readonly lastUsedAt: Date | null;
  readonly user: { readonly id: string; readonly limits: StoredLimits; readonly budget: StoredBudget | null; readonly timeZone: string } | null;
  readonly project: StoredProject;
};

/** A key with its user and project, as `${HOLDERS}` joins them. */
const LIVE_KEY = sql`api_keys.id as "keyId", api_keys.name as "keyName", allowed_models as "allowedModels", allowed_routes as "allowedRoutes",
  last_used_at as "lastUsedAt", ${limitsOf('api_keys')} as limits, ${budgetOf('api_keys')} as budget, ${PROJECT} as project,
  case when users.id is null then null else jsonb_build_object('id', users.id, 'limits', ${limitsOf('users')}, 'budget', ${budgetOf('users')},
    'timeZone', (select time_zone from projects where projects.id = users.project_id)) end as user`;
const HOLDERS = sql`join projects on projects.id = api_keys.project_id left join users on users.id = api_keys.user_id`;
const isLive = (at: Date) => sql`api_keys.revoked_at is null and (api_keys.expires_at is null or api_keys.expires_at > ${at})
  and (users.id is null or (users.disabled_at is null and (users.role = 'admin' or (users.role = 'member' and users.project_id = api_keys.project_id))))`;

/**
 * A key that holds at this moment; null once it is revoked or expired, or this secret of it is. A key can do no more than its user: it rests
 * while the user is disabled, a viewer, or in another project.
 */
export async function findLiveKey(db: Kysely<ProjectDatabase>, hash: string, at: Date): Promise<LiveKey | null> {
  const { rows } = await sql<LiveKey>`
    select ${LIVE_KEY}
    from api_key_secrets as secrets
    join api_keys on api_keys.id = secrets.key_id
    ${HOLDERS}
    where secrets.hash = ${hash} and (secrets.expires_at is null or secrets.expires_at > ${at}) and ${isLive(at)}`.execute(db);
  return rows[0] ?? null;
}

/** The same of a key that is not shown, but known to have done something. */
export async function findKeyById(db: Kysely<ProjectDatabase>, keyId: string, at: Date): Promise<LiveKey | null> {
  const { rows } = await sql<LiveKey>`select ${LIVE_KEY} from api_keys ${HOLDERS} where api_keys.id = ${keyId} and ${isLive(at)}`.execute(db);
  return rows[0] ?? null;
}

/** Says that a key was used, unless another process has said so lately. */
export async function noteUse(
  db: Kysely<ProjectDatabase>,
  keyId: string,
  { at, unlessSince }: { readonly at: Date; readonly unlessSince: Date },
): Promise<void> {
  await db
    .updateTable('api_keys')
    .set({ last_used_at: at })
    .where('id', '=', keyId)
    .where((of) => of.or([of('last_used_at', 'is', null), of('last_used_at', '<', unlessSince)]))
    .execute();
}

export async function findProject(db: Db, projectId: string): Promise<StoredProject | null> {
  return (
    (await db
      .selectFrom('projects')
      .select(['id', 'time_zone as timeZone', budgetOf('projects').as('budget')])
      .where('id', '=', projectId)
      .executeTakeFirst()) ?? null
  );
}
