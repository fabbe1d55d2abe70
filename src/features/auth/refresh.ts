import type { App } from '../../app.ts';
import type { RefreshBody } from '../../contract/auth.ts';
import { AppError } from '../../contract/errors.ts';
import type { Exchange, Reply } from '../../http/route.ts';
import { rotateRefreshToken } from './store.ts';
import { newRefreshToken, refreshTokenHash, tokensReply } from './tokens.ts';

type Needs = Pick<App, 'db' | 'clock' | 'secrets' | 'newId' | 'log'>;

export async function refresh(app: Needs, exchange: Pick<Exchange<undefined, undefined, RefreshBody>, 'body' | 'requestId'>): Promise<Reply> {
  const hash = refreshTokenHash(exchange.body.refresh_token);
  if (hash === null) throw refused();
  const next = newRefreshToken(app);
  const rotated = await rotateRefreshToken(app.db, { hash, nextHash: next.hash, at: new Date(app.clock.now()) });
  if (rotated.outcome === 'reused') {
    app.log.warning('a refresh token was used twice, so its sign-in was ended', { request_id: exchange.requestId, session_id: rotated.sessionId });
  }
  if (rotated.outcome !== 'rotated') throw refused();
  const { userId, role, sessionId, expiresAt } = rotated;
  return tokensReply(app, { userId, role, sessionId, sessionExpiresAt: expiresAt, refreshToken: next.token });
}

/** One answer for unknown, used, revoked and expired: whoever holds a token that is not theirs learns nothing from it. */
function refused(): AppError {
  return new AppError('UNAUTHORIZED', {
    message: 'The refresh token is not valid any more; sign in again',
    headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
  });
}
