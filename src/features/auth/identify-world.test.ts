import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kysely, PostgresDialect, sql } from 'kysely';
import type { PoolClient } from 'pg';
import { type ManualClock, manualClock } from '../../../test/manual-clock.ts';
import { type App, EVERY_PROJECT, type InProject, type Log, type Secrets } from '../../app.ts';
import { AppError } from '../../contract/errors.ts';
import type { Principal } from '../../contract/policy.ts';
import { apiKeyOf } from '../../core/api-key.ts';
import { signAccessToken } from '../../core/jwt.ts';
import type { Identify } from '../../http/dispatch.ts';
import { createInProject } from '../../platform/postgres/in-project.ts';
import { migrate } from '../../platform/postgres/migrate.ts';
import { type OpenDatabase, openDatabase } from '../../platform/postgres/open.ts';
import { openSecrets } from '../../platform/secrets.ts';
import type { Database } from '../../tables.ts';
import { createIdentify } from './identify.ts';
import { insertSession } from './store.ts';

/** What `identify` stands on in its tests: a real database that can be taken away, and a clock that is set. */
export type IdentifyWorld = {
  /** How the database is: well, refusing connections, or saying nothing. */
  state: 'well' | 'refusing' | 'silent';
  /** How often it was asked. */
  reads: number;
  readonly warnings: string[];
  /** Always well. */
  readonly db: Kysely<Database>;
  readonly inProject: InProject;
  readonly secrets: Secrets;
  clock: ManualClock;
  identify: Identify;
  readonly begin: () => Promise<void>;
  readonly addSession: (id: string) => Promise<void>;
  readonly bearer: (sessionId?: string, userId?: string) => string;
  /** Makes a key with these columns; answers its secret. */
  readonly addKey: (columns?: Record<string, unknown>) => Promise<string>;
  readonly addSecret: (keyId: string, expiresAt?: Date) => Promise<string>;
  readonly close: () => Promise<void>;
};

type Needs = Pick<App, 'db' | 'inProject' | 'clock' | 'secrets' | 'log'>;

export async function openIdentifyWorld(): Promise<IdentifyWorld> {
  const warnings: string[] = [];
  const log: Log = { debug: () => undefined, info: () => undefined, warning: (words) => warnings.push(words), error: () => undefined };
  const dataDir = await mkdtemp(join(tmpdir(), 'sluice-identify-'));
  const database = await openDatabase({ databaseUrl: null, dataDir, log });
  await migrate(database.pool, log);
  const secrets = await openSecrets({ dataDir, jwtSecret: 'the secret of these tests, and of nothing else', environment: 'development' });
  const inProject = createInProject(database.db);
  const unsteady = unsteadyDatabase(database, () => world);
  const needs = (clock: ManualClock): Needs => ({ db: unsteady, inProject: createInProject(unsteady), clock, secrets, log });
  const firstClock = manualClock();
  const world: IdentifyWorld = {
    state: 'well',
    reads: 0,
    warnings,
    db: database.db,
    inProject,
    secrets,
    clock: firstClock,
    identify: createIdentify(needs(firstClock)),
    async begin() {
      await inProject(EVERY_PROJECT, (db) => db.deleteFrom('api_keys').execute());
      await database.db.deleteFrom('users').execute();
      await database.db.updateTable('projects').set({ budget_nano_usd: null, budget_period: null, time_zone: 'UTC' }).execute();
      await database.db
        .insertInto('users')
        .values({ id: 'usr_1', username: 'alice', password_hash: 'hash', password_source: 'user', role: 'member', project_id: 'default', disabled_at: null })
        .execute();
      const clock = manualClock();
      warnings.length = 0;
      Object.assign(world, { state: 'well', clock, identify: createIdentify(needs(clock)) });
      await world.addSession('ses_1');
      world.reads = 0;
    },
    async addSession(id) {
      const at = new Date(world.clock.now());
      await inProject('default', (db) =>
        insertSession(db, { id: 'usr_1', passwordHash: 'hash' }, { id, refreshHash: id, at, expiresAt: new Date(at.getTime() + 30 * 86_400_000) }),
      );
    },
    bearer(sessionId = 'ses_1', userId = 'usr_1') {
      const issuedAtS = world.clock.now() / 1000;
      return `Bearer ${signAccessToken({ userId, sessionId, role: 'member', tokenId: 'tok_1', issuedAtS, expiresAtS: issuedAtS + 3600 }, secrets.mac)}`;
    },
    async addKey(columns = {}) {
      const id = `key_${crypto.randomUUID()}`;
      const row = { id, project_id: 'default', name: 'shop', prefix: 'sk-sluice-', ...columns };
      await inProject(EVERY_PROJECT, (db) =>
        sql`insert into api_keys select * from json_populate_record(null::api_keys, ${JSON.stringify({ created_at: new Date(0), updated_at: new Date(0), ...row })})`.execute(
          db,
        ),
      );
      return world.addSecret(row.id);
    },
    async addSecret(keyId, expiresAt) {
      const key = apiKeyOf(crypto.getRandomValues(new Uint8Array(32)));
      await database.db
        .insertInto('api_key_secrets')
        .values({ hash: secrets.keyHash(key), key_id: keyId, expires_at: expiresAt ?? null })
        .execute();
      return key;
    },
    async close() {
      await database.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
  return world;
}

function unsteadyDatabase(database: OpenDatabase, world: () => Pick<IdentifyWorld, 'state' | 'reads'>): Kysely<Database> {
  const connect = async (): Promise<PoolClient> => {
    world().reads++;
    if (world().state === 'refusing') throw new Error('connect ECONNREFUSED');
    if (world().state === 'silent') await new Promise(() => undefined);
    return database.pool.connect();
  };
  return new Kysely<Database>({ dialect: new PostgresDialect({ pool: { connect, end: () => Promise.resolve() } as unknown as typeof database.pool }) });
}

/** The error that it is refused with. */
export async function refusal(ask: () => Principal | null | Promise<Principal>): Promise<AppError> {
  try {
    const answer = await ask();
    throw new Error(`a refusal was expected, and it was ${JSON.stringify(answer)}`);
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
}
