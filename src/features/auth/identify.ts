import type { App, Clock } from '../../app.ts';
import { AppError } from '../../contract/errors.ts';
import type { Principal } from '../../contract/policy.ts';
import { readAccessToken } from '../../core/jwt.ts';
import { recentMap } from '../../core/recent-map.ts';
import { findLiveSession, type LiveSession } from './store.ts';

/** Who a credential belongs to; null where there is none. A bad one throws UNAUTHORIZED. */
export type Identify = (authorization: string | null, apiKey: string | null) => Principal | null | Promise<Principal | null>;

type Needs = Pick<App, 'db' | 'clock' | 'secrets' | 'log'>;
type UserPrincipal = Extract<Principal, { kind: 'user' }>;

/** A sign-out elsewhere is seen when the session is read again, which each call does that finds it older than this. */
const FRESH_MS = 1000;
/** With the database away, sessions that held this lately go on. */
const AWAY_MAX_MS = 60_000;
/** A database that says nothing for this long is away. */
const READ_MAX_MS = 1000;
const CACHED_MAX = 10_000;

type Token = { readonly session: Session; readonly userId: string; readonly expiresAtMs: number };

/** What is known of one sign-in. All times are monotonic, and are when a reading began: what it saw may be as old as that. */
type Session = {
  readonly id: string;
  principal: UserPrincipal | null;
  readAt: number;
  triedAt: number;
  reading: Promise<void> | null;
};

/**
 * Nearly every call answers at once, from a token that was verified before and a session that was read within the second. Tokens are told
 * apart by the whole header, never by a part or a short hash of it.
 */
export function createIdentify(app: Needs): Identify {
  const tokens = recentMap<Token>(CACHED_MAX);
  const sessions = recentMap<Session>(CACHED_MAX);
  const readAnew = sessionReader(app);

  function verify(authorization: string): Token {
    const verdict = readAccessToken(bearerToken(authorization), app.clock.now(), app.secrets.mac);
    if ('refused' in verdict) throw verdict.refused === 'expired' ? expired() : invalid();
    const { sessionId, userId, expiresAtS } = verdict.claims;
    const session = sessions.get(sessionId) ?? {
      id: sessionId,
      principal: null,
      readAt: Number.NEGATIVE_INFINITY,
      triedAt: Number.NEGATIVE_INFINITY,
      reading: null,
    };
    sessions.set(sessionId, session);
    const token: Token = { session, userId, expiresAtMs: expiresAtS * 1000 };
    tokens.set(authorization, token);
    return token;
  }

  return (authorization, apiKey) => {
    if (apiKey !== null) throw new AppError('UNAUTHORIZED', { message: 'The API key is not valid', headers: CHALLENGE });
    if (authorization === null || isBasic(authorization)) return null;
    const token = tokens.get(authorization) ?? verify(authorization);
    if (token.expiresAtMs <= app.clock.now()) throw expired();
    const { session } = token;
    if (session.reading === null && app.clock.monotonic() - session.triedAt < FRESH_MS) return decide(app.clock, token);
    session.reading ??= readAnew(session);
    return session.reading.then(() => decide(app.clock, token));
  };
}

function decide(clock: Clock, { session, userId }: Token): UserPrincipal {
  if (clock.monotonic() - session.readAt > AWAY_MAX_MS) {
    throw new AppError('SERVICE_UNAVAILABLE', { message: 'The sign-in cannot be checked, because the database is away', retryAfterMs: FRESH_MS });
  }
  if (session.principal === null || session.principal.userId !== userId) throw invalid();
  return session.principal;
}

/** Reads a session, one reading at a time for each, and never throws: what was known stays known until it is too old. */
function sessionReader({ db, clock, log }: Needs): (session: Session) => Promise<void> {
  let away = false;
  const report = (nowAway: boolean, cause?: unknown): void => {
    if (nowAway !== away) {
      if (nowAway) log.warning('sessions cannot be checked, because the database is away', { cause: String(cause) });
      else log.info('sessions can be checked again');
    }
    away = nowAway;
  };

  return async (session) => {
    const beganAt = clock.monotonic();
    session.triedAt = beganAt;
    const read = (async (): Promise<void> => {
      const found = await findLiveSession(db, session.id, new Date(clock.now()));
      // A reading that was given up may still end, after a later one has.
      if (beganAt >= session.readAt) note(session, found, beganAt);
    })();
    try {
      await withinTime(clock, read);
      report(false);
    } catch (cause) {
      report(true, cause);
    } finally {
      session.reading = null;
    }
  };
}

function note(session: Session, found: LiveSession | null, readAt: number): void {
  session.readAt = readAt;
  if (found === null) session.principal = null;
  else {
    const { projectId, userId, username, role } = found;
    session.principal = { kind: 'user', projectId, userId, username, role, sessionId: session.id, limits: [], budgets: [] };
  }
}

function withinTime(clock: Clock, work: Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(READ_MAX_MS, () => reject(new Error(`no answer within ${READ_MAX_MS} ms`)));
    work.then(resolve, reject).finally(cancel);
  });
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

function invalid(): AppError {
  return new AppError('UNAUTHORIZED', { message: 'The access token is not valid; sign in again', headers: CHALLENGE });
}

function expired(): AppError {
  return new AppError('UNAUTHORIZED', { message: 'The access token has expired; refresh it or sign in again', headers: CHALLENGE });
}
