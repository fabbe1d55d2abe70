import { createHash } from 'node:crypto';
import type { App } from '../../app.ts';
import type { TokensReply } from '../../contract/auth.ts';
import type { Role } from '../../contract/policy.ts';
import { signAccessToken } from '../../core/jwt.ts';
import type { Reply } from '../../http/route.ts';

/** The pair that a sign-in hands out: an access token that is checked without a look-up, and a refresh token that is kept as a hash only. */

const ACCESS_LIFETIME_S = 3600;
export const SESSION_LIFETIME_MS = 30 * 86_400_000;

/** The beginning lets scanners of leaked secrets find it. */
const REFRESH_PREFIX = 'rt-sluice-';
const REFRESH_SHAPE = /^rt-sluice-[A-Za-z0-9_-]{43}$/;

export type RefreshToken = { readonly token: string; readonly hash: string };

export function newRefreshToken(app: Pick<App, 'secrets'>): RefreshToken {
  const token = REFRESH_PREFIX + app.secrets.newToken();
  return { token, hash: sha256(token) };
}

/** What a refresh token is kept as; null for what can be none. It is 256 random bits, so that a fast hash is enough. */
export function refreshTokenHash(token: string): string | null {
  return REFRESH_SHAPE.test(token) ? sha256(token) : null;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

type Granted = { readonly userId: string; readonly role: Role; readonly sessionId: string; readonly sessionExpiresAt: Date; readonly refreshToken: string };

export function tokensReply(app: Pick<App, 'clock' | 'secrets' | 'newId'>, granted: Granted): Reply {
  const issuedAtS = Math.floor(app.clock.now() / 1000);
  const expiresAtS = Math.min(issuedAtS + ACCESS_LIFETIME_S, Math.floor(granted.sessionExpiresAt.getTime() / 1000));
  const { userId, role, sessionId } = granted;
  const tokens: TokensReply = {
    access_token: signAccessToken({ userId, role, sessionId, tokenId: app.newId('tok'), issuedAtS, expiresAtS }, app.secrets.mac),
    token_type: 'bearer',
    expires_in: Math.max(0, expiresAtS - issuedAtS),
    refresh_token: granted.refreshToken,
  };
  return { headers: { 'cache-control': 'no-store' }, json: tokens };
}
