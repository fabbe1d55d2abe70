import type { App } from '../../app.ts';
import type { LoginBody } from '../../contract/auth.ts';
import { AppError } from '../../contract/errors.ts';
import type { Exchange, Reply } from '../../http/route.ts';
import { findUserByName, insertSession } from './store.ts';
import { newRefreshToken, SESSION_LIFETIME_MS, tokensReply } from './tokens.ts';
import { verifyPassword } from './verify-password.ts';

type Needs = Pick<App, 'db' | 'clock' | 'secrets' | 'newId'>;

export async function logIn(
  app: Needs,
  exchange: Pick<Exchange<undefined, undefined, LoginBody>, 'body' | 'address' | 'signal' | 'logFields'>,
): Promise<Reply> {
  const { username, password } = exchange.body;
  const user = await findUserByName(app.db, username);
  // Nobody learns from words or time whether the name exists or the account is disabled: each way verifies one hash and says the same.
  const right = await verifyPassword(app, { username, address: exchange.address, password, hash: user?.passwordHash ?? null, signal: exchange.signal });
  if (!user || !right) throw refused(exchange.logFields);
  const at = new Date(app.clock.now());
  const expiresAt = new Date(at.getTime() + SESSION_LIFETIME_MS);
  const refresh = newRefreshToken(app);
  const sessionId = app.newId('ses');
  if (!(await insertSession(app.db, user, { id: sessionId, refreshHash: refresh.hash, at, expiresAt }))) throw refused(exchange.logFields);
  exchange.logFields['user_id'] = user.id;
  return tokensReply(app, { userId: user.id, role: user.role, sessionId, sessionExpiresAt: expiresAt, refreshToken: refresh.token });
}

function refused(logFields: Record<string, unknown>): AppError {
  logFields['sign_in'] = 'refused';
  return new AppError('UNAUTHORIZED', { message: 'The user name or the password is wrong' });
}
