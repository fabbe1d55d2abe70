import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kysely, PostgresDialect } from 'kysely';
import type { PoolClient } from 'pg';
import { type ManualClock, manualClock } from '../../../test/manual-clock.ts';
import type { App, Log } from '../../app.ts';
import { AppError } from '../../contract/errors.ts';
import type { Principal } from '../../contract/policy.ts';
import { signAccessToken } from '../../core/jwt.ts';
import { migrate } from '../../platform/postgres/migrate.ts';
import { type OpenDatabase, openDatabase } from '../../platform/postgres/open.ts';
import { openSecrets } from '../../platform/secrets.ts';
import type { Database } from '../../tables.ts';
import { createIdentify, type Identify } from './identify.ts';
import { insertSession } from './store.ts';

const warnings: string[] = [];
const log: Log = { debug: () => undefined, info: () => undefined, warning: (words) => warnings.push(words), error: () => undefined };

let dataDir = '';
let database: OpenDatabase;
let db: Kysely<Database>;
/** How the database is: well, refusing connections, or saying nothing. */
let state: 'well' | 'refusing' | 'silent' = 'well';
let reads = 0;
let clock: ManualClock;
let app: Pick<App, 'db' | 'clock' | 'secrets' | 'log'>;
let identify: Identify;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'sluice-identify-'));
  database = await openDatabase({ databaseUrl: null, dataDir, log });
  await migrate(database.pool, log);
  const connect = async (): Promise<PoolClient> => {
    reads++;
    if (state === 'refusing') throw new Error('connect ECONNREFUSED');
    if (state === 'silent') await new Promise(() => undefined);
    return database.pool.connect();
  };
  db = new Kysely<Database>({ dialect: new PostgresDialect({ pool: { connect, end: () => Promise.resolve() } as unknown as typeof database.pool }) });
}, 60_000);

afterAll(async () => {
  await database.close();
  await rm(dataDir, { recursive: true, force: true });
}, 20_000);

beforeEach(async () => {
  state = 'well';
  warnings.length = 0;
  await database.db.deleteFrom('users').execute();
  await database.db
    .insertInto('users')
    .values({ id: 'usr_1', username: 'alice', password_hash: 'hash', password_source: 'user', role: 'member', project_id: 'default', disabled_at: null })
    .execute();
  clock = manualClock();
  app = { db, clock, secrets: await openSecrets({ dataDir, jwtSecret: 'the secret of these tests, and of nothing else', environment: 'development' }), log };
  identify = createIdentify(app);
  await addSession('ses_1');
  reads = 0;
});

async function addSession(id: string): Promise<void> {
  const at = new Date(clock.now());
  await insertSession(database.db, { id: 'usr_1', passwordHash: 'hash' }, { id, refreshHash: id, at, expiresAt: new Date(at.getTime() + 30 * 86_400_000) });
}

function bearer(sessionId = 'ses_1', userId = 'usr_1'): string {
  const issuedAtS = clock.now() / 1000;
  return `Bearer ${signAccessToken({ userId, sessionId, role: 'member', tokenId: 'tok_1', issuedAtS, expiresAtS: issuedAtS + 3600 }, app.secrets.mac)}`;
}

async function refusal(ask: () => ReturnType<Identify>): Promise<AppError> {
  try {
    const answer = await ask();
    throw new Error(`a refusal was expected, and it was ${JSON.stringify(answer)}`);
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
}

const alice: Principal = {
  kind: 'user',
  projectId: 'default',
  userId: 'usr_1',
  username: 'alice',
  role: 'member',
  sessionId: 'ses_1',
  limits: [],
  budgets: [],
};

describe('who calls', () => {
  test('is nobody without a credential, or with the Basic one of Swagger’s form and of proxies', () => {
    expect(identify(null, null)).toBeNull();
    expect(identify('Basic Og==', null)).toBeNull();
    expect(reads).toBe(0);
  });

  test('is the user of a valid token, said at once while the session was read within the second', async () => {
    const token = bearer();
    expect(await identify(token, null)).toEqual(alice);
    await clock.advance(999);
    expect(identify(token, null)).toEqual(alice);
    expect(reads).toBe(1);
  });

  test('is found however Bearer is written', async () => {
    expect(await identify(bearer().replace('Bearer', 'bearer'), null)).toEqual(alice);
    expect(await identify(bearer().replace('Bearer', 'BEARER '), null)).toEqual(alice);
  });

  test('is read once a second for a session, however many calls and tokens it has', async () => {
    const tokens = [bearer(), bearer().replace('Bearer', 'bearer')];
    for (let second = 0; second < 3; second++) {
      await Promise.all(Array.from({ length: 50 }, async (_, index) => identify(tokens[index % 2] ?? '', null)));
      await clock.advance(1000);
    }
    expect(reads).toBe(3);
  });

  test('is never somebody with a token that is much alike', async () => {
    const tokens = new Map<string, string>();
    for (let index = 0; index < 200; index++) {
      await addSession(`ses_alike_${index}`);
      tokens.set(bearer(`ses_alike_${index}`), `ses_alike_${index}`);
    }
    for (const turn of [1, 2]) {
      for (const [token, sessionId] of tokens) expect([turn, await identify(token, null)]).toEqual([turn, { ...alice, sessionId }]);
    }
  });
});

describe('a bad credential is 401 and says so to clients', () => {
  const bad: Record<string, [string | null, string | null]> = {
    'an empty header': ['', null],
    'Bearer alone': ['Bearer', null],
    'no token': ['Bearer  ', null],
    null: ['Bearer null', null],
    'a key that does not exist': ['Bearer sk-sluice-abc', null],
    'two tokens': ['Bearer a.b.c d.e.f', null],
    'another scheme': ['Token a.b.c', null],
    'an API key in its header': [null, 'sk-sluice-abc'],
    'an empty API key': [null, ''],
  };
  for (const [name, [authorization, apiKey]] of Object.entries(bad)) {
    test(name, async () => {
      const error = await refusal(() => identify(authorization, apiKey));
      expect(error.code).toBe('UNAUTHORIZED');
      expect(error.parts.headers).toEqual({ 'www-authenticate': 'Bearer error="invalid_token"' });
      expect(reads).toBe(0);
    });
  }

  test('a bad key beside a good token', async () => expect((await refusal(() => identify(bearer(), 'sk-sluice-abc'))).code).toBe('UNAUTHORIZED'));
  test('a token of a session that does not exist', async () => expect((await refusal(() => identify(bearer('ses_none'), null))).code).toBe('UNAUTHORIZED'));
  test('a token of another user’s session', async () => expect((await refusal(() => identify(bearer('ses_1', 'usr_2'), null))).code).toBe('UNAUTHORIZED'));

  test('an expired token, also one that was good a moment ago', async () => {
    const token = bearer();
    for (let minute = 0; minute < 60; minute++) {
      expect(await identify(token, null)).toEqual(alice);
      await clock.advance(60_000);
    }
    expect((await refusal(() => identify(token, null))).message).toContain('expired');
  });
});

describe('within a second it is seen that', () => {
  const ends: Record<string, () => Promise<unknown>> = {
    'the session was revoked': () => database.db.updateTable('sessions').set({ revoked_at: new Date() }).execute(),
    'the user was disabled': () => database.db.updateTable('users').set({ disabled_at: new Date() }).execute(),
    'the user was deleted': () => database.db.deleteFrom('users').execute(),
    'the session is over': () =>
      database.db
        .updateTable('sessions')
        .set({ expires_at: new Date(clock.now()) })
        .execute(),
  };
  for (const [name, end] of Object.entries(ends)) {
    test(name, async () => {
      const token = bearer();
      await identify(token, null);
      await end();
      await clock.advance(1000);
      expect((await refusal(() => identify(token, null))).code).toBe('UNAUTHORIZED');
    });
  }

  test('the role changed', async () => {
    const token = bearer();
    await identify(token, null);
    await database.db.updateTable('users').set({ role: 'viewer' }).execute();
    await clock.advance(1000);
    expect(await identify(token, null)).toEqual({ ...alice, role: 'viewer' });
  });
});

describe('with the database away', () => {
  test('who was checked within a minute goes on, and then nobody does: 503 and not 401, since the token may be good', async () => {
    const token = bearer();
    await identify(token, null);
    state = 'refusing';
    for (let second = 0; second < 60; second++) {
      await clock.advance(1000);
      expect(await identify(token, null)).toEqual(alice);
    }
    await clock.advance(1000);
    expect((await refusal(() => identify(token, null))).code).toBe('SERVICE_UNAVAILABLE');
    expect(warnings).toEqual(['sessions cannot be checked, because the database is away']);
    state = 'well';
    await clock.advance(1000);
    expect(await identify(token, null)).toEqual(alice);
  });

  test('a token that was never checked is refused', async () => {
    state = 'refusing';
    expect((await refusal(() => identify(bearer(), null))).code).toBe('SERVICE_UNAVAILABLE');
  });

  test('a database that says nothing holds a call up for a second at most', async () => {
    const token = bearer();
    await identify(token, null);
    state = 'silent';
    await clock.advance(1000);
    const answer = identify(token, null);
    await clock.advance(1000);
    expect(await answer).toEqual(alice);
  });

  test('a session that was revoked before stays so', async () => {
    const token = bearer();
    await database.db.updateTable('sessions').set({ revoked_at: new Date() }).execute();
    await refusal(() => identify(token, null));
    state = 'refusing';
    await clock.advance(1000);
    expect((await refusal(() => identify(token, null))).code).toBe('UNAUTHORIZED');
  });
});

test('a cached token costs microseconds', async () => {
  const token = bearer();
  await identify(token, null);
  const beganAt = performance.now();
  for (let call = 0; call < 100_000; call++) if (identify(token, null) instanceof Promise) throw new Error('it was not said at once');
  expect((performance.now() - beganAt) / 100_000).toBeLessThan(0.005);
});
