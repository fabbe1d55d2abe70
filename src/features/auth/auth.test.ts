import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ManualClock, manualClock } from '../../../test/manual-clock.ts';
import { type App, EVERY_PROJECT, type Log } from '../../app.ts';
import { LoginBody, MeReply, TokensReply } from '../../contract/auth.ts';
import { AppError } from '../../contract/errors.ts';
import { ANONYMOUS, type Principal } from '../../contract/policy.ts';
import { idMaker } from '../../platform/ids.ts';
import { createAudit } from '../../platform/postgres/audit.ts';
import { createInProject } from '../../platform/postgres/in-project.ts';
import { migrate } from '../../platform/postgres/migrate.ts';
import { type OpenDatabase, openDatabase } from '../../platform/postgres/open.ts';
import { openSecrets } from '../../platform/secrets.ts';
import { logOut, me } from './account.ts';
import { changePassword } from './change-password.ts';
import { logIn } from './log-in.ts';
import { refresh } from './refresh.ts';

const log: Log = { debug: () => undefined, info: () => undefined, warning: () => undefined, error: () => undefined };
const HOME = '192.0.2.1';
/** A call that nobody signed yet. */
const NOBODY = { principal: ANONYMOUS, requestId: 'req_1', address: HOME, signal: new AbortController().signal, logFields: {} };
const PASSWORD = 'winter kettle orbit lamp';

let dataDir = '';
let database: OpenDatabase;
let clock: ManualClock;
let app: Pick<App, 'db' | 'inProject' | 'audit' | 'clock' | 'secrets' | 'newId' | 'log' | 'config'>;
let environment: 'development' | 'production' = 'development';

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'sluice-auth-'));
  database = await openDatabase({ databaseUrl: null, dataDir, log });
  await migrate(database.pool, log);
}, 60_000);

afterAll(async () => {
  await database.close();
  await rm(dataDir, { recursive: true, force: true });
}, 20_000);

beforeEach(async () => {
  await createInProject(database.db)(EVERY_PROJECT, (db) => db.deleteFrom('audit_events').execute());
  await database.db.deleteFrom('users').execute();
  clock = manualClock();
  environment = 'development';
  const secrets = await openSecrets({ dataDir, jwtSecret: 'the secret of these tests, and of nothing else', environment });
  const config = (): ReturnType<App['config']> => ({ settings: { environment } }) as ReturnType<App['config']>;
  const newId = idMaker(Date.now);
  app = { db: database.db, inProject: createInProject(database.db), audit: createAudit({ clock, newId }), clock, secrets, newId, log, config };
  await addUser('alice', PASSWORD);
});

async function addUser(username: string, password: string): Promise<void> {
  const hash = await app.secrets.hashPassword(password);
  await app.db
    .insertInto('users')
    .values({ id: `usr_${username}`, username, password_hash: hash, password_source: 'user', role: 'member', project_id: 'default', disabled_at: null })
    .execute();
}

type Tokens = ReturnType<typeof TokensReply.parse>;

async function signIn(username = 'alice', password = PASSWORD, address = HOME): Promise<Tokens> {
  const reply = await logIn(app, { ...NOBODY, body: LoginBody.parse({ username, password }), address });
  return TokensReply.parse(reply.json);
}

async function renew(refreshToken: string): Promise<Tokens> {
  return TokensReply.parse((await refresh(app, { body: { refresh_token: refreshToken }, requestId: 'req_1' })).json);
}

/** Who an access token says it is, as the kit would find out. */
function holder({ access_token: token }: Tokens): Extract<Principal, { kind: 'user' }> {
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { sub: string; sid: string };
  return { kind: 'user', projectId: 'default', userId: claims.sub, username: 'alice', role: 'member', sessionId: claims.sid, limits: [], budgets: [] };
}

function setPassword(tokens: Tokens, current: string, next: string): ReturnType<typeof changePassword> {
  return changePassword(app, {
    body: { current_password: current, new_password: next },
    ...NOBODY,
    principal: holder(tokens),
  });
}

async function refusal(answer: Promise<unknown>): Promise<AppError> {
  const thrown: unknown = await answer.then(
    () => null,
    (error: unknown) => error,
  );
  if (thrown instanceof AppError) return thrown;
  throw new Error(`an AppError was expected, and it was ${String(thrown)}`);
}

describe('signing in', () => {
  test('gives a bearer token for an hour and a refresh token, which nobody may store', async () => {
    const reply = await logIn(app, { ...NOBODY, body: { username: 'alice', password: PASSWORD } });
    expect(reply.headers).toEqual({ 'cache-control': 'no-store' });
    expect(TokensReply.parse(reply.json)).toMatchObject({ token_type: 'bearer', expires_in: 3600 });
  });

  test('finds the user without regard to case', async () => expect(await signIn('ALICE')).toHaveProperty('access_token'));

  test('keeps no token that could be used by who reads the database', async () => {
    const tokens = await signIn();
    const kept = JSON.stringify([await app.db.selectFrom('refresh_tokens').selectAll().execute(), await app.db.selectFrom('sessions').selectAll().execute()]);
    expect(kept).not.toContain(tokens.refresh_token);
    expect(kept).not.toContain(tokens.access_token);
  });

  test('says the same of a wrong name, a wrong password, a disabled user and a name that Postgres cannot hold', async () => {
    await addUser('gone', PASSWORD);
    await app.db.updateTable('users').set({ disabled_at: new Date() }).where('username', '=', 'gone').execute();
    const all = [signIn('nobody'), signIn('alice', 'wrong'), signIn('gone'), signIn('al\0ice'), signIn("' or 1=1 --")];
    for (const error of await Promise.all(all.map(refusal))) {
      expect([error.code, error.message, error.parts]).toEqual(['UNAUTHORIZED', 'The user name or the password is wrong', { message: error.message }]);
    }
    expect(await app.db.selectFrom('sessions').selectAll().execute()).toEqual([]);
  });

  test('takes as long for a wrong name as for a wrong password', async () => {
    const best = { alice: Number.POSITIVE_INFINITY, nobody: Number.POSITIVE_INFINITY };
    for (let turn = 0; turn < 12; turn++) {
      for (const username of ['alice', 'nobody'] as const) {
        const beganAt = performance.now();
        await refusal(signIn(username, 'wrong'));
        best[username] = Math.min(best[username], performance.now() - beganAt);
      }
      await clock.advance(60_000);
    }
    expect(best.nobody / best.alice).toBeGreaterThan(0.7);
    expect(best.nobody / best.alice).toBeLessThan(1.4);
  });

  test('is 429 after five failures, right password or not, until the minute is over; elsewhere it goes on', async () => {
    for (let turn = 0; turn < 5; turn++) expect((await refusal(signIn('alice', 'wrong'))).code).toBe('UNAUTHORIZED');
    const error = await refusal(signIn());
    expect(error.code).toBe('RATE_LIMIT_EXCEEDED');
    expect(error.message).toBe('Rate limit exceeded: 5 per 1 minute');
    expect(error.parts.retryAfterMs).toBe(60_000);
    expect(await signIn('alice', PASSWORD, '198.51.100.7')).toHaveProperty('access_token');
    await clock.advance(60_000);
    expect(await signIn()).toHaveProperty('access_token');
  });

  test('counts names that do not exist like those that do', async () => {
    const codes: string[] = [];
    for (let turn = 0; turn < 6; turn++) codes.push((await refusal(signIn('nobody', 'wrong'))).code);
    expect(codes).toEqual([...Array.from({ length: 5 }, () => 'UNAUTHORIZED'), 'RATE_LIMIT_EXCEEDED']);
  });

  test('verifies five of fifty wrong guesses that come at once', async () => {
    const errors = await Promise.all(Array.from({ length: 50 }, () => refusal(signIn('alice', 'wrong'))));
    expect(errors.filter(({ code }) => code === 'UNAUTHORIZED')).toHaveLength(5);
    expect(errors.filter(({ code }) => code === 'RATE_LIMIT_EXCEEDED')).toHaveLength(45);
  }, 20_000);

  test('lets fifty right ones in that come at once', async () => {
    expect(await Promise.all(Array.from({ length: 50 }, () => signIn()))).toHaveLength(50);
  }, 20_000);
});

describe('refreshing', () => {
  test('gives a new pair for the same sign-in', async () => {
    const first = await signIn();
    const second = await renew(first.refresh_token);
    expect(second.refresh_token).not.toBe(first.refresh_token);
    expect(second.access_token).not.toBe(first.access_token);
    expect(holder(second)).toEqual(holder(first));
  });

  test('with a token used before ends the whole sign-in, and no other', async () => {
    const [first, other] = [await signIn(), await signIn()];
    const second = await renew(first.refresh_token);
    expect((await refusal(renew(first.refresh_token))).code).toBe('UNAUTHORIZED');
    expect((await refusal(renew(second.refresh_token))).code).toBe('UNAUTHORIZED');
    expect((await refusal(me(app, { principal: holder(second) }))).code).toBe('UNAUTHORIZED');
    expect(await renew(other.refresh_token)).toHaveProperty('access_token');
  });

  test('twice at once with one token succeeds once, and ends the sign-in', async () => {
    for (let turn = 0; turn < 10; turn++) {
      const { refresh_token: token } = await signIn();
      const answers = await Promise.allSettled(Array.from({ length: 5 }, () => renew(token)));
      const renewed = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
      expect(renewed).toHaveLength(1);
      for (const one of renewed) expect((await refusal(renew(one.refresh_token))).code).toBe('UNAUTHORIZED');
    }
  });

  test('is refused for what is no refresh token', async () => {
    const { access_token: access } = await signIn();
    for (const token of [access, 'null', 'undefined', 'rt-sluice-', `rt-sluice-${'A'.repeat(43)}`, 'x'.repeat(1024)])
      expect((await refusal(renew(token))).code).toBe('UNAUTHORIZED');
  });

  test('is refused once the user is disabled', async () => {
    const { refresh_token: token } = await signIn();
    await app.db.updateTable('users').set({ disabled_at: new Date() }).execute();
    expect((await refusal(renew(token))).code).toBe('UNAUTHORIZED');
  });

  test('ends after thirty days, and no access token outlives the sign-in', async () => {
    const tokens = await signIn();
    await clock.advance(30 * 86_400_000 - 600_000);
    const last = await renew(tokens.refresh_token);
    expect(last.expires_in).toBe(600);
    await clock.advance(600_000);
    expect((await refusal(renew(last.refresh_token))).code).toBe('UNAUTHORIZED');
    await signIn();
    expect(await app.db.selectFrom('sessions').selectAll().execute()).toHaveLength(1);
  });
});

describe('signing out', () => {
  test('ends this sign-in at once, its refresh token too, and no other', async () => {
    const [first, other] = [await signIn(), await signIn()];
    expect(await logOut(app, { principal: holder(first) })).toEqual({ status: 204 });
    expect((await refusal(me(app, { principal: holder(first) }))).code).toBe('UNAUTHORIZED');
    expect((await refusal(renew(first.refresh_token))).code).toBe('UNAUTHORIZED');
    expect((await me(app, { principal: holder(other) })).json).toMatchObject({ username: 'alice' });
  });
});

test('me says who is signed in, and nothing of the password', async () => {
  const reply = MeReply.parse((await me(app, { principal: holder(await signIn()) })).json);
  expect(reply).toMatchObject({ id: 'usr_alice', username: 'alice', role: 'member', project_id: 'default' });
  expect(Date.parse(reply.session.expires_at) - Date.parse(reply.session.created_at)).toBe(30 * 86_400_000);
});

describe('a new password', () => {
  test('is good from then on, the old one is not, and the other sign-ins are over', async () => {
    const [mine, other] = [await signIn(), await signIn()];
    expect(await setPassword(mine, PASSWORD, 'brand new')).toEqual({ status: 204 });
    expect((await refusal(signIn())).code).toBe('UNAUTHORIZED');
    expect(await signIn('alice', 'brand new')).toHaveProperty('access_token');
    expect((await refusal(renew(other.refresh_token))).code).toBe('UNAUTHORIZED');
    expect(await renew(mine.refresh_token)).toHaveProperty('access_token');
  });

  test('needs the present one, and guessing it is throttled like a sign-in', async () => {
    const mine = await signIn();
    for (let turn = 0; turn < 5; turn++) {
      const error = await refusal(setPassword(mine, 'guess', 'brand new'));
      expect([error.code, error.parts.field]).toEqual(['INVALID_VALUE', 'current_password']);
    }
    expect((await refusal(setPassword(mine, PASSWORD, 'brand new'))).code).toBe('RATE_LIMIT_EXCEEDED');
  });

  test('must be long in production, and the error says the rule and not the password', async () => {
    environment = 'production';
    const mine = await signIn();
    for (const next of ['brand new', 'passwordpassword', PASSWORD]) {
      const error = await refusal(setPassword(mine, PASSWORD, next));
      expect([error.code, error.parts.field]).toEqual(['INVALID_VALUE', 'new_password']);
      expect(error.parts.details).toMatchObject({ min: 15, max: 1024, errors: [{ field: 'new_password' }] });
      expect(JSON.stringify(error.parts)).not.toContain(next);
    }
    expect(await setPassword(mine, PASSWORD, 'summer kettle orbit lamp')).toEqual({ status: 204 });
  });

  test('set twice at once is set once', async () => {
    const mine = await signIn();
    const answers = await Promise.allSettled([setPassword(mine, PASSWORD, 'first new'), setPassword(mine, PASSWORD, 'second new')]);
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });
});

test('sign-ins, refused ones and new passwords are in the audit log, without what was typed', async () => {
  const mine = await signIn();
  await refusal(signIn('alice', 'typed wrong'));
  await refusal(signIn('typed-into-the-wrong-field', PASSWORD));
  await refusal(setPassword(mine, 'not this one', 'brand new'));
  await setPassword(mine, PASSWORD, 'brand new');
  const events = await app.inProject(EVERY_PROJECT, (db) =>
    db
      .selectFrom('audit_events')
      .select(['action', 'target_id', 'actor_kind', 'actor_name', 'address', 'request_id', 'before', 'after'])
      .orderBy('id')
      .execute(),
  );
  const told = { address: HOME, request_id: 'req_1', before: null, after: null };
  expect(events.toSorted((a, b) => (a.action < b.action ? -1 : a.action === b.action && a.target_id < b.target_id ? -1 : 1))).toEqual([
    { ...told, action: 'user.change_password', target_id: 'usr_alice', actor_kind: 'user', actor_name: 'alice' },
    { ...told, action: 'user.sign_in', target_id: 'usr_alice', actor_kind: 'user', actor_name: 'alice' },
    { ...told, action: 'user.sign_in_refused', target_id: 'unknown', actor_kind: 'anonymous', actor_name: null },
    { ...told, action: 'user.sign_in_refused', target_id: 'usr_alice', actor_kind: 'anonymous', actor_name: null },
  ]);
});
