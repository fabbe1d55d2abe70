import { type App, EVERY_PROJECT } from '../../app.ts';
import { AppError } from '../../contract/errors.ts';
import { isId } from '../../contract/paging.ts';
import type { UserChange, UserParams } from '../../contract/users.ts';
import { budgetColumns, limitColumns } from '../../core/bounds.ts';
import { wrongPassword } from '../../core/password-rule.ts';
import type { Exchange, Reply } from '../../http/route.ts';
import { newCredentials, noProject } from './create.ts';
import { noUser, userFacts, userReply } from './show.ts';
import {
  deleteUser,
  endSessions,
  findUser,
  inTransaction,
  isEnabledAdmin,
  lockUser,
  projectExists,
  type StoredUser,
  updateUser,
  type UserColumns,
} from './store.ts';

type OfOne<Body = undefined> = Exchange<UserParams, undefined, Body>;
type Db = Parameters<typeof lockUser>[0];

export async function changeUser(app: App, exchange: OfOne<UserChange>): Promise<Reply> {
  const { body, params } = exchange;
  const at = new Date(app.clock.now());
  const credentials = await wantedCredentials(app, params.id, body);
  const user = await changing(app, params.id, async ({ db, before, othersAdminister }) => {
    const columns: UserColumns = { ...columnsOf(body, before, at), ...credentials?.columns };
    if (Object.keys(columns).length === 0) return before;
    if (body.project_id !== undefined && !(await projectExists(db, body.project_id))) throw noProject();
    await updateUser(db, before.id, { ...columns, updated_at: at });
    const after = await findUser(db, before.id);
    if (!after) throw noUser();
    if (isEnabledAdmin(before) && !isEnabledAdmin(after) && !othersAdminister) throw lastAdmin();
    if (credentials || body.disabled === true) await endSessions(db, after.id, at);
    const deed = { projectId: after.project_id, targetId: after.id };
    if (Object.keys(columnsOf(body, before, at)).length > 0) {
      await app.audit(db, exchange, { ...deed, action: 'user.update', before: userFacts(before), after: userFacts(after) });
    }
    if (credentials) await app.audit(db, exchange, { ...deed, action: 'user.reset_password' });
    return after;
  });
  return { headers: { 'cache-control': 'no-store' }, json: { ...userReply(user), ...credentials?.shown } };
}

export async function removeUser(app: App, exchange: OfOne): Promise<Reply> {
  await changing(app, exchange.params.id, async ({ db, before, othersAdminister }) => {
    if (isEnabledAdmin(before) && !othersAdminister) throw lastAdmin();
    await deleteUser(db, before.id, new Date(app.clock.now()));
    await app.audit(db, exchange, { action: 'user.delete', projectId: before.project_id, targetId: before.id, before: userFacts(before) });
    return before;
  });
  return { status: 204 };
}

type Changing = { readonly db: Db; readonly before: StoredUser; readonly othersAdminister: boolean };

function changing(app: App, id: string, run: (of: Changing) => Promise<StoredUser>): Promise<StoredUser> {
  return app.inProject(EVERY_PROJECT, (all) =>
    inTransaction(all, async (db) => {
      const locked = isId(id) ? await lockUser(db, id) : null;
      if (!locked) throw noUser();
      return run({ db, before: locked.user, othersAdminister: locked.othersAdminister });
    }),
  );
}

/** Hashing takes as long as many queries do, so that it comes before the transaction. */
async function wantedCredentials(
  app: App,
  id: string,
  { password, reset_password: reset = false }: UserChange,
): Promise<Awaited<ReturnType<typeof newCredentials>> | null> {
  if (password === undefined && !reset) return null;
  if (password !== undefined && reset) throw wrongPassword('password', 'must be left out where reset_password makes one', null);
  const user = isId(id) ? await app.inProject(EVERY_PROJECT, (db) => findUser(db, id)) : null;
  if (!user) throw noUser();
  return newCredentials(app, user.username, password);
}

/** The columns that a body names. */
function columnsOf(body: UserChange, before: StoredUser, at: Date): UserColumns {
  const { role, disabled, project_id: projectId } = body;
  return {
    ...(role === undefined ? {} : { role }),
    ...(disabled === undefined ? {} : { disabled_at: disabled ? (before.disabled_at ?? at) : null }),
    ...(projectId === undefined ? {} : { project_id: projectId }),
    ...limitColumns(body),
    ...budgetColumns(body),
  };
}

function lastAdmin(): AppError {
  return new AppError('CONFLICT', { message: 'This is the last administrator who can sign in; make another one first' });
}
