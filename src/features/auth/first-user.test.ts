import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { App, Log } from '../../app.ts';
import { systemClock } from '../../platform/clock.ts';
import { idMaker } from '../../platform/ids.ts';
import { createInProject } from '../../platform/postgres/in-project.ts';
import { migrate } from '../../platform/postgres/migrate.ts';
import { type OpenDatabase, openDatabase } from '../../platform/postgres/open.ts';
import { openSecrets } from '../../platform/secrets.ts';
import { ensureFirstUser } from './first-user.ts';
import { changePassword, findUserByName, insertSession, type StoredUser } from './store.ts';

const log: Log = { debug: () => undefined, info: () => undefined, warning: () => undefined, error: () => undefined };
const unset = { adminUsername: 'admin', adminPassword: null, environment: 'development' as const };

let dataDir = '';
let database: OpenDatabase;
let app: Pick<App, 'db' | 'inProject' | 'clock' | 'secrets' | 'newId'>;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'sluice-first-user-'));
  database = await openDatabase({ databaseUrl: null, dataDir, log });
  await migrate(database.pool, log);
  const secrets = await openSecrets({ dataDir, jwtSecret: null, environment: 'development' });
  app = { db: database.db, inProject: createInProject(database.db), clock: systemClock, secrets, newId: idMaker(Date.now) };
}, 60_000);

afterAll(async () => {
  await database.close();
  await rm(dataDir, { recursive: true, force: true });
}, 20_000);

beforeEach(() => database.db.deleteFrom('users').execute());

async function stored(username = 'admin'): Promise<StoredUser> {
  const user = await findUserByName(app.db, username);
  if (!user) throw new Error(`there is no ${username}`);
  return user;
}

async function lets(password: string): Promise<boolean> {
  return app.secrets.verifyPassword(password, (await stored()).passwordHash);
}

describe('the first start', () => {
  test('makes an administrator with a password that is said this once', async () => {
    const { username, password = '' } = await ensureFirstUser(app, unset);
    expect(username).toBe('admin');
    expect(await lets(password)).toBe(true);
    expect(await stored()).toMatchObject({ role: 'admin', passwordSource: 'generated' });
    expect(await ensureFirstUser(app, unset)).toEqual({ username: 'admin' });
  });

  test('takes name and password from the settings, and does not say the password', async () => {
    const made = await ensureFirstUser(app, { ...unset, adminUsername: 'Root', adminPassword: 'winter kettle orbit lamp' });
    expect(made).toEqual({ username: 'Root' });
    expect(await stored('root')).toMatchObject({ username: 'Root', role: 'admin', passwordSource: 'env' });
  });

  test('takes whatever password the configuration let through', async () => {
    await ensureFirstUser(app, { ...unset, adminPassword: '1234' });
    expect(await lets('1234')).toBe(true);
  });

  test('of five processes at once makes one user, and one of them says the password that is right', async () => {
    const all = await Promise.all(Array.from({ length: 5 }, () => ensureFirstUser(app, unset)));
    const said = all.flatMap(({ password }) => (password === undefined ? [] : [password]));
    expect(said).toHaveLength(1);
    expect(await lets(said[0] ?? '')).toBe(true);
  });
});

describe('a later start', () => {
  test('follows ADMIN_PASSWORD, and ends the sign-ins that were made with the one before', async () => {
    await ensureFirstUser(app, { ...unset, adminPassword: 'the first password' });
    const user = await stored();
    const at = new Date();
    expect(await insertSession(app.db, user, { id: 'ses_1', refreshHash: 'hash', at, expiresAt: new Date(at.getTime() + 60_000) })).toBe(true);
    await ensureFirstUser(app, { ...unset, adminPassword: 'the second password' });
    expect(await lets('the first password')).toBe(false);
    expect(await lets('the second password')).toBe(true);
    expect((await app.db.selectFrom('sessions').select('revoked_at').executeTakeFirstOrThrow()).revoked_at).not.toBeNull();
  });

  test('leaves everything as it is when ADMIN_PASSWORD did not change', async () => {
    await ensureFirstUser(app, { ...unset, adminPassword: 'the same password' });
    const before = await stored();
    await ensureFirstUser(app, { ...unset, adminPassword: 'the same password' });
    expect(await stored()).toEqual(before);
  });

  test('with ADMIN_PASSWORD replaces a generated one, for whoever lost it', async () => {
    await ensureFirstUser(app, unset);
    await ensureFirstUser(app, { ...unset, adminPassword: 'found again here' });
    expect(await lets('found again here')).toBe(true);
    expect((await stored()).passwordSource).toBe('env');
  });

  test('leaves a password that somebody chose through the API', async () => {
    await ensureFirstUser(app, { ...unset, adminPassword: 'from the settings' });
    const newHash = await app.secrets.hashPassword('my own choice');
    await changePassword(app.db, { user: await stored(), newHash, source: 'user', keepSessionId: null, at: new Date() });
    expect(await ensureFirstUser(app, { ...unset, adminPassword: 'from the settings' })).toEqual({ username: 'admin' });
    expect(await lets('my own choice')).toBe(true);
  });

  test('with another ADMIN_USERNAME makes no second administrator, and says whose name is good', async () => {
    await ensureFirstUser(app, unset);
    const { username, warning } = await ensureFirstUser(app, { ...unset, adminUsername: 'boss', adminPassword: 'winter kettle orbit lamp' });
    expect(username).toBe('admin');
    expect(warning).toContain('Sign in as admin');
    expect(await findUserByName(app.db, 'boss')).toBeNull();
  });
});
