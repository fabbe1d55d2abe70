import type { App } from '../../app.ts';
import type { PasswordBody } from '../../contract/auth.ts';
import { AppError } from '../../contract/errors.ts';
import { passwordProblem, passwordRule, wrongPassword } from '../../core/password-rule.ts';
import type { Exchange, Reply } from '../../http/route.ts';
import { signedIn } from './account.ts';
import { changePassword as storePassword, findUser } from './store.ts';
import { verifyPassword } from './verify-password.ts';

type Needs = Pick<App, 'db' | 'inProject' | 'audit' | 'clock' | 'secrets' | 'config'>;

/** A new password ends every other sign-in of the user; the one that asked goes on. */
export async function changePassword(
  app: Needs,
  exchange: Pick<Exchange<undefined, undefined, PasswordBody>, 'body' | 'address' | 'signal' | 'principal' | 'requestId'>,
): Promise<Reply> {
  const { userId, username, sessionId } = signedIn(exchange.principal);
  const { current_password: current, new_password: next } = exchange.body;
  const rule = passwordRule(app.config().settings.environment);
  const problem = passwordProblem(next, rule, username) ?? (next === current ? 'must differ from the current one' : null);
  if (problem !== null) throw wrongPassword('new_password', problem, rule);
  const user = await findUser(app.db, userId);
  if (!user) throw new AppError('UNAUTHORIZED');
  // Throttled like a sign-in: a stolen access token must not become a way to guess the password.
  const right = await verifyPassword(app, {
    username: user.username,
    address: exchange.address,
    password: current,
    hash: user.passwordHash,
    signal: exchange.signal,
  });
  if (!right) throw wrongPassword('current_password', 'must be your present password', null);
  const newHash = await app.secrets.hashPassword(next);
  const { projectId } = user;
  const changed = await app.inProject(projectId, async (db) => {
    if (!(await storePassword(db, { user, newHash, source: 'user', keepSessionId: sessionId, at: new Date(app.clock.now()) }))) return false;
    await app.audit(db, exchange, { action: 'user.change_password', projectId, targetId: userId });
    return true;
  });
  if (!changed) throw new AppError('CONFLICT', { message: 'The password was changed by somebody else in the meantime; sign in again' });
  return { status: 204 };
}
