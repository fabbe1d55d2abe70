import { type App, EVERY_PROJECT } from '../../app.ts';
import { AppError } from '../../contract/errors.ts';
import { DEFAULT_PROJECT, type Principal } from '../../contract/policy.ts';
import { isApiKey, looksLikeApiKey } from '../../core/api-key.ts';
import { readAccessToken } from '../../core/jwt.ts';
import { type RecentMap, recentMap } from '../../core/recent-map.ts';
import type { Identify } from '../../http/dispatch.ts';
import { createFreshness, FRESH_MS, type Fresh, unread } from './fresh.ts';
import { anonymousPrincipal, keyPrincipal, userPrincipal } from './principal.ts';
import { findLiveKey, findLiveSession, findProject, noteUse } from './store.ts';

type Needs = Pick<App, 'db' | 'inProject' | 'clock' | 'secrets' | 'log'>;

/** With the database away, whoever held this lately goes on. */
const AWAY_MAX_MS = 60_000;
const CACHED_MAX = 10_000;
/** A JWT, whatever stands in it. */
const ACCESS_TOKEN = /^[^.]+\.[^.]+\.[^.]*$/;
/** How exact the last use of a key is. */
const USE_NOTED_MS = 60_000;

/** A credential that was looked at before: what it says of itself, and whom it belongs to now. */
type Credential = {
  readonly holder: Fresh<Principal>;
  /** The user that a token names; null for a key. */
  readonly userId: string | null;
  readonly expiresAtMs: number;
};

type Held = { readonly holder: Pick<Fresh<Principal>, 'value'>; readonly userId: string | null };

/**
 * Nearly every call answers at once, from a credential that was verified before and a holder that was read within the second. Credentials are told
 * apart by the whole header, never by a part or a short hash of it.
 */
export function createIdentify(app: Needs): Identify {
  const { clock } = app;
  const freshness = createFreshness(app);
  const holders = createHolders(app);
  const byAuthorization = recentMap<Credential>(CACHED_MAX);
  const byApiKey = recentMap<Credential>(CACHED_MAX);
  const nobody = unread(async () => {
    const project = await findProject(app.db, DEFAULT_PROJECT);
    return project && anonymousPrincipal(project);
  });

  function verify(authorization: string): Credential {
    const token = bearerToken(authorization);
    return ACCESS_TOKEN.test(token) ? holders.ofToken(token) : holders.ofKey(token);
  }

  function credentialOf(authorization: string | null, apiKey: string | null): Credential | null {
    if (apiKey === null) {
      if (authorization === null) return null;
      const known = byAuthorization.get(authorization);
      if (known) return known;
      return isBasic(authorization) ? null : remember(byAuthorization, authorization, verify(authorization));
    }
    if (authorization !== null && !isBasic(authorization) && bearerToken(authorization) !== apiKey) throw twoCallers();
    return byApiKey.get(apiKey) ?? remember(byApiKey, apiKey, holders.ofKey(apiKey));
  }

  return {
    caller(authorization, apiKey) {
      const credential = credentialOf(authorization, apiKey);
      if (credential === null) return null;
      if (credential.expiresAtMs <= clock.now()) throw expired();
      const { holder } = credential;
      if (freshness.isFresh(holder)) return decide(credential, freshness.ageMs(holder));
      return freshness.read(holder).then(() => decide(credential, freshness.ageMs(holder)));
    },
    async isRevoked(authorization, apiKey) {
      const credential = credentialOf(authorization, apiKey);
      if (credential === null) return false;
      const { holder } = credential;
      if (!freshness.isFresh(holder)) await freshness.read(holder);
      return freshness.ageMs(holder) <= AWAY_MAX_MS && !belongs(credential);
    },
    nobody() {
      if (freshness.isFresh(nobody)) return lastKnown(nobody);
      return freshness.read(nobody).then(() => lastKnown(nobody));
    },
  };
}

type Holders = { readonly ofToken: (token: string) => Credential; readonly ofKey: (key: string) => Credential };

/** Several tokens of one sign-in, and both headers that a key may come in, are one holder and one reading. */
function createHolders(app: Needs): Holders {
  const sessions = recentMap<Fresh<Principal>>(CACHED_MAX);
  const keys = recentMap<Fresh<Principal>>(CACHED_MAX);
  return {
    ofToken(token) {
      const verdict = readAccessToken(token, app.clock.now(), app.secrets.mac);
      if ('refused' in verdict) throw verdict.refused === 'expired' ? expired() : invalidToken();
      const { sessionId, userId, expiresAtS } = verdict.claims;
      const holder =
        sessions.get(sessionId) ??
        remember(
          sessions,
          sessionId,
          unread(() => readSession(app, sessionId)),
        );
      return { holder, userId, expiresAtMs: expiresAtS * 1000 };
    },
    ofKey(key) {
      if (!looksLikeApiKey(key)) throw foreign();
      if (!isApiKey(key)) throw invalidKey();
      const hash = app.secrets.keyHash(key);
      const holder =
        keys.get(hash) ??
        remember(
          keys,
          hash,
          unread(() => readKey(app, hash)),
        );
      return { holder, userId: null, expiresAtMs: Number.POSITIVE_INFINITY };
    },
  };
}

function remember<Value>(map: RecentMap<Value>, name: string, value: Value): Value {
  map.set(name, value);
  return value;
}

async function readSession(app: Needs, sessionId: string): Promise<Principal | null> {
  const session = await findLiveSession(app.db, sessionId, new Date(app.clock.now()));
  return session && userPrincipal(sessionId, session);
}

async function readKey(app: Needs, hash: string): Promise<Principal | null> {
  const at = new Date(app.clock.now());
  const key = await app.inProject(EVERY_PROJECT, (db) => findLiveKey(db, hash, at));
  if (!key) return null;
  const unlessSince = new Date(at.getTime() - USE_NOTED_MS);
  // Nobody waits for it, and a use that was not noted is noted with the next.
  if (key.lastUsedAt === null || key.lastUsedAt < unlessSince) {
    app.inProject(EVERY_PROJECT, (db) => noteUse(db, key.keyId, { at, unlessSince })).catch(() => undefined);
  }
  return keyPrincipal(key);
}

function decide({ holder: { value }, userId }: Credential, ageMs: number): Principal {
  if (ageMs > AWAY_MAX_MS) throw away();
  if (value === null || !belongs({ holder: { value }, userId })) throw userId === null ? invalidKey() : invalidToken();
  return value;
}

/** Whether there is somebody whom it belongs to. */
function belongs({ holder: { value }, userId }: Held): boolean {
  return value !== null && (value.kind !== 'user' || value.userId === userId);
}

/** For the anonymous it stays good while the database is away: there is nothing to revoke, and a budget cannot be overdrawn without it. */
function lastKnown({ value }: Fresh<Principal>): Principal {
  if (value === null) throw away();
  return value;
}

function bearerToken(authorization: string): string {
  const found = /^bearer +([^\s]+)$/i.exec(authorization);
  if (!found?.[1]) throw new AppError('UNAUTHORIZED', { message: 'Send `Authorization: Bearer <token>`', headers: CHALLENGE });
  return found[1];
}

/**
 * Swagger UI's password form sends `Basic` with its (empty) client id to the sign-in itself, and so does a proxy that has its own password in
 * front of us. It says nothing about who calls Sluice.
 */
function isBasic(authorization: string): boolean {
  return /^basic /i.test(authorization);
}

const CHALLENGE = { 'www-authenticate': 'Bearer error="invalid_token"' };

/** What somebody sends who has changed the base URL of a program, and not its key. */
function foreign(): AppError {
  return new AppError('UNAUTHORIZED', {
    message: 'This is neither an API key of this service, which begins with `sk-sluice-` (`sluice keys create` makes one), nor an access token from a sign-in',
    headers: CHALLENGE,
  });
}

function invalidToken(): AppError {
  return new AppError('UNAUTHORIZED', { message: 'The access token is not valid; sign in again', headers: CHALLENGE });
}

function expired(): AppError {
  return new AppError('UNAUTHORIZED', { message: 'The access token has expired; refresh it or sign in again', headers: CHALLENGE });
}

/** One answer for mistyped, unknown, expired and revoked: whoever holds a key that is not theirs learns nothing from it. */
function invalidKey(): AppError {
  return new AppError('UNAUTHORIZED', { message: 'The API key is not valid', headers: CHALLENGE });
}

function twoCallers(): AppError {
  return new AppError('UNAUTHORIZED', { message: 'Authorization and x-api-key name two callers; send one of them', headers: CHALLENGE });
}

export function away(): AppError {
  return new AppError('SERVICE_UNAVAILABLE', { message: 'Who calls cannot be checked, because the database is away', retryAfterMs: FRESH_MS });
}
