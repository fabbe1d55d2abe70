import { type Kysely, sql, type Updateable } from 'kysely';
import type { PagePlace } from '../../contract/paging.ts';
import type { ProjectDatabase } from '../../tables.ts';

/** Users, as administrators change them. How they sign in is a matter of auth. */
type Db = Kysely<ProjectDatabase>;

const COLUMNS = [
  'id',
  'username',
  'role',
  'project_id',
  'disabled_at',
  'rpm',
  'tpm',
  'max_parallel',
  'budget_nano_usd',
  'budget_period',
  'created_at',
  'updated_at',
] as const;

export type StoredUser = Awaited<ReturnType<typeof listUsers>>[number];

export async function listUsers(db: Db, projectId: string | undefined, { rowsMax, before }: PagePlace) {
  let query = db.selectFrom('users').select(COLUMNS);
  if (projectId !== undefined) query = query.where('project_id', '=', projectId);
  if (before !== undefined) query = query.where('id', '<', before);
  return query.orderBy('id', 'desc').limit(rowsMax).execute();
}

export async function findUser(db: Db, id: string): Promise<StoredUser | null> {
  return (await db.selectFrom('users').select(COLUMNS).where('id', '=', id).executeTakeFirst()) ?? null;
}

export function inTransaction<Result>(db: Db, run: (transaction: Db) => Promise<Result>): Promise<Result> {
  return db.transaction().execute(run);
}

/**
 * The user, and whether another enabled administrator is left without it. Nobody changes any of them until the transaction is over: all are locked
 * in one order, so that of two who take each other's role one waits and then finds itself the last.
 */
export async function lockUser(db: Db, id: string): Promise<{ readonly user: StoredUser; readonly othersAdminister: boolean } | null> {
  const locked = await db
    .selectFrom('users')
    .select(COLUMNS)
    .where((of) => of.or([of('id', '=', id), of.and([of('role', '=', 'admin'), of('disabled_at', 'is', null)])]))
    .orderBy('id')
    .forUpdate()
    .execute();
  const user = locked.find((each) => each.id === id);
  return user ? { user, othersAdminister: locked.some((each) => each.id !== id && isEnabledAdmin(each)) } : null;
}

export function isEnabledAdmin(user: Pick<StoredUser, 'role' | 'disabled_at'>): boolean {
  return user.role === 'admin' && user.disabled_at === null;
}

export type UserColumns = Omit<Updateable<ProjectDatabase['users']>, 'id' | 'username' | 'created_at'>;
export type NewUser = UserColumns & {
  readonly id: string;
  readonly username: string;
  readonly password_hash: string;
  readonly password_source: 'user';
  readonly role: StoredUser['role'];
  readonly project_id: string;
  readonly created_at: Date;
};

/** False where there is one of this name. */
export async function insertUser(db: Db, user: NewUser): Promise<boolean> {
  const made = await db
    .insertInto('users')
    .values({ ...user, disabled_at: null })
    .onConflict((conflict) => conflict.doNothing())
    .returning('id')
    .executeTakeFirst();
  return made !== undefined;
}

export async function updateUser(db: Db, id: string, columns: UserColumns): Promise<void> {
  await db.updateTable('users').set(columns).where('id', '=', id).execute();
}

export async function endSessions(db: Db, userId: string, at: Date): Promise<void> {
  await db.updateTable('sessions').set({ revoked_at: at }).where('user_id', '=', userId).where('revoked_at', 'is', null).execute();
}

/** With its sessions; its keys are revoked, since they were good as long as the user. */
export async function deleteUser(db: Db, id: string, at: Date): Promise<void> {
  await sql`delete from api_key_secrets using api_keys where key_id = api_keys.id and api_keys.user_id = ${id}`.execute(db);
  await db.updateTable('api_keys').set({ revoked_at: at, updated_at: at }).where('user_id', '=', id).where('revoked_at', 'is', null).execute();
  await db.deleteFrom('users').where('id', '=', id).execute();
}

export async function projectExists(db: Db, projectId: string): Promise<boolean> {
  return (await db.selectFrom('projects').select('id').where('id', '=', projectId).executeTakeFirst()) !== undefined;
}
