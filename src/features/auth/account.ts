import type { App } from '../../app.ts';
import type { MeReply } from '../../contract/auth.ts';
import { AppError } from '../../contract/errors.ts';
import type { Principal } from '../../contract/policy.ts';
import type { Exchange, Reply } from '../../http/route.ts';
import { findLiveSession, revokeSession } from './store.ts';

/** Who is signed in here. The scope `self` lets nobody else through. */
export function signedIn(principal: Principal): Extract<Principal, { kind: 'user' }> {
  if (principal.kind !== 'user') throw new AppError('UNAUTHORIZED');
  return principal;
}

/** Asks the database and not the second-old state of the session, so that it is right at once after a sign-out. */
export async function me(app: Pick<App, 'db' | 'clock'>, exchange: Pick<Exchange, 'principal'>): Promise<Reply> {
  const { sessionId } = signedIn(exchange.principal);
  const session = await findLiveSession(app.db, sessionId, new Date(app.clock.now()));
  if (!session) throw new AppError('UNAUTHORIZED', { message: 'This sign-in has ended; sign in again' });
  const reply: MeReply = {
    id: session.userId,
    username: session.username,
    role: session.role,
    project_id: session.project.id,
    created_at: session.userCreatedAt.toISOString(),
    session: { id: sessionId, created_at: session.createdAt.toISOString(), expires_at: session.expiresAt.toISOString() },
  };
  return { headers: { 'cache-control': 'no-store' }, json: reply };
}

export async function logOut(app: Pick<App, 'db' | 'clock'>, exchange: Pick<Exchange, 'principal'>): Promise<Reply> {
  await revokeSession(app.db, signedIn(exchange.principal).sessionId, new Date(app.clock.now()));
  return { status: 204 };
}
