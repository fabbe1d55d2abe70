import { timingSafeEqual } from 'node:crypto';
import type { Role } from '../contract/policy.ts';

/**
 * Access tokens: compact JWS, HS256, `typ: at+jwt` (RFC 9068), and nothing else (RFC 8725). There is one header that we write, and a token whose
 * header is not that one, byte for byte, is refused. So nothing in a token can choose an algorithm, a key or a critical extension.
 */
const HEADER = Buffer.from('{"alg":"HS256","typ":"at+jwt"}').toString('base64url');
const ISSUER = 'sluice';
const AUDIENCE = 'sluice';
const TOKEN_CHARS_MAX = 4096;
/** How far the clocks of two replicas may be apart. */
const CLOCK_SKEW_S = 60;

export type AccessClaims = {
  readonly userId: string;
  readonly sessionId: string;
  readonly role: Role;
  readonly tokenId: string;
  readonly issuedAtS: number;
  readonly expiresAtS: number;
};

/** HMAC-SHA256 of a text under the signing secret, in base64url. */
export type Mac = (text: string) => string;

export type TokenRefusal = 'malformed' | 'forged' | 'foreign' | 'expired' | 'early';
export type TokenVerdict = { readonly claims: AccessClaims } | { readonly refused: TokenRefusal };

export function signAccessToken(claims: AccessClaims, mac: Mac): string {
  const payload = {
    iss: ISSUER,
    aud: AUDIENCE,
    sub: claims.userId,
    sid: claims.sessionId,
    role: claims.role,
    iat: claims.issuedAtS,
    exp: claims.expiresAtS,
    jti: claims.tokenId,
  };
  const signed = `${HEADER}.${Buffer.from(JSON.stringify(payload)).toString('base64url')}`;
  return `${signed}.${mac(signed)}`;
}

/** Nothing of a token is read before its signature has been found right. */
export function readAccessToken(token: string, nowMs: number, mac: Mac): TokenVerdict {
  if (token.length > TOKEN_CHARS_MAX) return { refused: 'malformed' };
  const [header, payload, signature, ...more] = token.split('.');
  if (header !== HEADER || !payload || !signature || more.length > 0) return { refused: 'malformed' };
  // Compared as text: base64url has several spellings of the same bytes, and only ours is taken.
  if (!sameText(signature, mac(`${header}.${payload}`))) return { refused: 'forged' };
  return judgeClaims(parseObject(payload), nowMs / 1000);
}

function judgeClaims(payload: Readonly<Record<string, unknown>> | null, nowS: number): TokenVerdict {
  if (payload === null) return { refused: 'malformed' };
  const { iss, aud, sub, sid, role, iat, exp, jti, nbf } = payload;
  if (iss !== ISSUER || aud !== AUDIENCE) return { refused: 'foreign' };
  if (!isId(sub) || !isId(sid) || !isId(jti) || !isRole(role) || !isSecond(iat) || !isSecond(exp)) return { refused: 'malformed' };
  if (nbf !== undefined && !isSecond(nbf)) return { refused: 'malformed' };
  if (nowS >= exp) return { refused: 'expired' };
  if (Math.max(iat, nbf ?? 0) > nowS + CLOCK_SKEW_S) return { refused: 'early' };
  return { claims: { userId: sub, sessionId: sid, role, tokenId: jti, issuedAtS: iat, expiresAtS: exp } };
}

function parseObject(part: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString());
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

function sameText(given: string, right: string): boolean {
  const givenBytes = Buffer.from(given);
  const rightBytes = Buffer.from(right);
  return givenBytes.length === rightBytes.length && timingSafeEqual(givenBytes, rightBytes);
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= 128;
}

function isSecond(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

function isRole(value: unknown): value is Role {
  return value === 'admin' || value === 'member' || value === 'viewer';
}
