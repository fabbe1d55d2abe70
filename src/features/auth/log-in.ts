import type { App } from '../../app.ts';
import type { LoginBody } from '../../contract/auth.ts';
import { AppError } from '../../contract/errors.ts';
import { DEFAULT_PROJECT } from '../../contract/policy.ts';
import type { Exchange, Reply } from '../../http/route.ts';
import { findUserByName, insertSession, type StoredUser } from './store.ts';
import { newRefreshToken, SESSION_LIFETIME_MS, tokensReply } from './tokens.ts';
import { verifyPassword } from './verify-password.ts';

type Needs = Pick<App, 'db' | 'inProject' | 'audit' | 'clock' | 'secrets' | 'newId'>;
type Asked = Pick<Exchange<undefined, undefined, LoginBody>, 'body' | 'address' | 'signal' | 'logFields' | 'principal' | 'requestId'>;

export async function logIn(app: Needs, exchange: Asked): Promise<Reply> {
  const { username, password } = exchange.body;
  const user = await findUserByName(app.db, username);
  // Nobody learns from words or time whether the name exists or the account is disabled: each way verifies one hash and says the same.
  const right = await verifyPassword(app, { username, address: exchange.address, password, hash: user?.passwordHash ?? null, signal: exchange.signal });
  if (!user || !right) throw await refused(app, exchange, user);
  const at = new Date(app.clock.now());
  const expiresAt = new Date(at.getTime() + SESSION_LIFETIME_MS);
  const refresh = newRefreshToken(app);
  const sessionId = app.newId('ses');
  const begun = await app.inProject(user.projectId, async (db) => {
    if (!(await insertSession(db, user, { id: sessionId, refreshHash: refresh.hash, at, expiresAt }))) return false;
    await app.audit(db, exchange, { action: 'user.sign_in', projectId: user.projectId, targetId: user.id, actor: user });
    return true;
  });
  if (!begun) throw await refused(app, exchange, user);
  exchange.logFields['user_id'] = user.id;
  return tokensReply(app, { userId: user.id, role: user.role, sessionId, sessionExpiresAt: expiresAt, refreshToken: refresh.token });
}

/** A name that nobody has is not written down: people type their password there. */
async function refused(app: Needs, exchange: Asked, user: StoredUser | null): Promise<AppError> {
  exchange.logFields['sign_in'] = 'refused';
  const projectId = user?.projectId ?? DEFAULT_PROJECT;
  await app.inProject(projectId, (db) => app.audit(db, exchange, { action: 'user.sign_in_refused', projectId, targetId: user?.id ?? 'unknown' }));
  return new AppError('UNAUTHORIZED', { message: 'The user name or the password is wrong' });
}
