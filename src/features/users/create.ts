import { type App, EVERY_PROJECT } from '../../app.ts';
import { AppError, invalidValue } from '../../contract/errors.ts';
import { DEFAULT_PROJECT } from '../../contract/policy.ts';
import type { NewUserBody } from '../../contract/users.ts';
import { budgetColumns, limitColumns } from '../../core/bounds.ts';
import { passwordProblem, passwordRule, wrongPassword } from '../../core/password-rule.ts';
import type { Exchange, Reply } from '../../http/route.ts';
import { noUser, userFacts, userReply } from './show.ts';
import { findUser, inTransaction, insertUser, projectExists } from './store.ts';

export async function createUser(app: App, exchange: Exchange<undefined, undefined, NewUserBody>): Promise<Reply> {
  const { username, role, project_id: projectId = DEFAULT_PROJECT, password, ...bounds } = exchange.body;
  const credentials = await newCredentials(app, username, password);
  const at = new Date(app.clock.now());
  const id = app.newId('usr');
  const row = {
    id,
    username,
    role,
    project_id: projectId,
    ...credentials.columns,
    ...limitColumns(bounds),
    ...budgetColumns(bounds),
    created_at: at,
    updated_at: at,
  };
  const reply = await app.inProject(EVERY_PROJECT, (all) =>
    inTransaction(all, async (db) => {
      if (!(await projectExists(db, projectId))) throw noProject();
      if (!(await insertUser(db, row))) throw new AppError('CONFLICT', { field: 'username', message: 'There is a user of this name' });
      const user = await findUser(db, id);
      if (!user) throw noUser();
      await app.audit(db, exchange, { action: 'user.create', projectId, targetId: id, after: userFacts(user) });
      return userReply(user);
    }),
  );
  return { status: 201, headers: { location: `/api/v1/users/${id}`, 'cache-control': 'no-store' }, json: { ...reply, ...credentials.shown } };
}

type Credentials = {
  readonly columns: { readonly password_hash: string; readonly password_source: 'user' };
  /** What the answer holds, once. */
  readonly shown: { readonly password?: string };
};

/** Takes the password that is given, or makes one. */
export async function newCredentials(app: Pick<App, 'config' | 'secrets'>, username: string, given: string | undefined): Promise<Credentials> {
  if (given === undefined) {
    const made = app.secrets.newPassword();
    // Like one that a person chose: ADMIN_PASSWORD is not to take it back at the next start.
    return { columns: { password_hash: await app.secrets.hashPassword(made), password_source: 'user' }, shown: { password: made } };
  }
  const rule = passwordRule(app.config().settings.environment);
  const problem = passwordProblem(given, rule, username);
  if (problem !== null) throw wrongPassword('password', problem, rule);
  return { columns: { password_hash: await app.secrets.hashPassword(given), password_source: 'user' }, shown: {} };
}

export function noProject(): AppError {
  return invalidValue('project_id', 'must be the id of a project that there is');
}
