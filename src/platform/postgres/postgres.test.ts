import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Pool, type PoolConfig, types } from 'pg';
import type { Log } from '../../app.ts';
import { DatabaseStartError, messageOf } from './database-start-error.ts';
import { migrate } from './migrate.ts';
import { type OpenDatabase, openDatabase } from './open.ts';
import { typeParsers } from './type-parsers.ts';

/** The same guarantees on every server: the embedded one, and the one of SLUICE_TEST_DATABASE_URL where that is set. */
const SERVERS = ['embedded', ...(process.env['SLUICE_TEST_DATABASE_URL'] ? ['server'] : [])];
const MIGRATIONS = fileURLToPath(new URL('../../../migrations', import.meta.url));

const warnings: string[] = [];
const silence = (): void => undefined;
const log: Log = { debug: silence, info: silence, warning: (message) => void warnings.push(message), error: silence };

async function failureOf(work: Promise<unknown>): Promise<DatabaseStartError> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (error instanceof DatabaseStartError) return error;
  throw error instanceof Error ? error : new Error('it did not fail');
}

async function wordsOf(work: Promise<unknown>): Promise<string> {
  return work.then(() => 'it did not fail', messageOf);
}

function schemaName(index: number): string {
  return `sluice_test_${process.pid}_${index}`;
}

async function names(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>('select name from schema_migrations order by name');
  return rows.map(({ name }) => name);
}

function url(folder: string, [user, password, name]: [string, string, string]): string {
  return `postgres://${user}:${password}@/${name}?host=${encodeURIComponent(join(folder, 'data', 'postgres-run'))}`;
}

async function refusal(databaseUrl: string): Promise<DatabaseStartError> {
  const failure = await failureOf(openDatabase({ databaseUrl, dataDir: join(tmpdir(), 'sluice-unused'), log }));
  expect(`${failure.message} ${failure.hint}`).not.toContain('hunter2');
  return failure;
}

for (const server of SERVERS) {
  describe(`the database (${server})`, () => {
    let folder = '';
    let database: OpenDatabase;
    let schemas = 0;

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'sluice-db-'));
      chmodSync(folder, 0o755);
      const databaseUrl = server === 'embedded' ? null : (process.env['SLUICE_TEST_DATABASE_URL'] ?? null);
      database = await openDatabase({ databaseUrl, dataDir: join(folder, 'data'), log });
    }, 20_000);

    afterAll(async () => {
      for (let index = 1; index <= schemas; index += 1) await database.pool.query(`drop schema ${schemaName(index)} cascade`);
      await database.close();
      rmSync(folder, { recursive: true, force: true });
    }, 20_000);

    /** Fresh tables for one test. */
    async function withSchema(run: (pool: Pool) => Promise<void>): Promise<void> {
      schemas += 1;
      await database.pool.query(`create schema ${schemaName(schemas)}`);
      const { password } = database.pool.options;
      const pool = new Pool({
        ...(database.pool.options as PoolConfig),
        ...(password === undefined ? {} : { password }),
        options: `-c search_path=${schemaName(schemas)}`,
      });
      try {
        await run(pool);
      } finally {
        await pool.end();
      }
    }

    function migrationsFolder(files: Record<string, string>): string {
      const made = mkdtempSync(join(folder, 'migrations-'));
      for (const [name, sql] of Object.entries(files)) writeFileSync(join(made, name), sql);
      return made;
    }

    test('is migrated once, in the order of the file names, however often it is asked for', () =>
      withSchema(async (pool) => {
        const first = await migrate(pool, log);
        expect(first.applied[0]).toBe('0001_init.sql');
        expect(first.applied).toEqual(first.applied.toSorted());
        expect(await migrate(pool, log)).toEqual({ applied: [] });
        expect(await names(pool)).toEqual(first.applied);
        const { rows } = await pool.query<{ id: string }>('select id from projects');
        expect(rows).toEqual([{ id: 'default' }]);
      }));

    test('is migrated by three at once, each file by one of them', () =>
      withSchema(async (pool) => {
        const outcomes = await Promise.all([migrate(pool, log), migrate(pool, log), migrate(pool, log)]);
        const all = outcomes.flatMap(({ applied }) => applied);
        expect(all.toSorted()).toEqual(await names(pool));
        expect(new Set(all).size).toBe(all.length);
      }));

    test('refuses a migration that was edited after it was applied, and names the file', () =>
      withSchema(async (pool) => {
        const sql = 'create table one (id int);';
        await migrate(pool, log, migrationsFolder({ '0001_one.sql': sql }));
        expect((await migrate(pool, log, migrationsFolder({ '0001_one.sql': sql.replaceAll('\n', '\r\n') }))).applied).toEqual([]);
        const failure = await failureOf(migrate(pool, log, migrationsFolder({ '0001_one.sql': `${sql} -- more` })));
        expect(failure.message).toContain('0001_one.sql was changed');
      }));

    test('that is newer than the code is refused with the advice to update', () =>
      withSchema(async (pool) => {
        await migrate(pool, log, migrationsFolder({ '0001_one.sql': 'select 1', '0002_two.sql': 'select 2' }));
        const failure = await failureOf(migrate(pool, log, migrationsFolder({ '0001_one.sql': 'select 1' })));
        expect(failure.message).toContain('0002_two.sql');
        expect(failure.hint).toContain('Update Sluice');
      }));

    test('keeps nothing of a migration that fails, keeps those before it, and says file and line', () =>
      withSchema(async (pool) => {
        const broken = { '0001_one.sql': 'create table one (id int);', '0002_two.sql': 'create table two (id int);\n\nselect nonsense;' };
        const failure = await failureOf(migrate(pool, log, migrationsFolder(broken)));
        expect(failure.message).toContain('0002_two.sql, line 3');
        expect(failure.message).toContain('nonsense');
        expect(await names(pool)).toEqual(['0001_one.sql']);
        const { rows } = await pool.query<{ two: string | null }>("select to_regclass('two')::text as two");
        expect(rows).toEqual([{ two: null }]);
        const mended = { ...broken, '0002_two.sql': 'create table two (id int);' };
        expect(await migrate(pool, log, migrationsFolder(mended))).toEqual({ applied: ['0002_two.sql'] });
      }));

    test('gives whole numbers as numbers, and refuses to round one', async () => {
      const { rows } = await database.pool.query('select 9007199254740991::bigint as most, count(*) as count from pg_database where false');
      expect(rows).toEqual([{ most: 9_007_199_254_740_991, count: 0 }]);
      expect(await wordsOf(database.pool.query('select 9007199254740992::bigint'))).toContain('9007199254740992 does not fit');
    });

    test('gives times as Dates, days and decimals as their text, JSON parsed', async () => {
      const { rows } = await database.pool.query(
        `select timestamptz '2026-03-01 12:00:00.5+02' as at, date '2026-03-01' as day, 0.10::numeric as amount, jsonb_build_object('a', 1) as body`,
      );
      expect(rows).toEqual([{ at: new Date('2026-03-01T10:00:00.500Z'), day: '2026-03-01', amount: '0.10', body: { a: 1 } }]);
    });

    test('may end a connection in the middle of a transaction without ending the process', async () => {
      const client = await database.pool.connect();
      await client.query('begin');
      const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
      const gone = new Promise((resolve) => client.once('end', resolve));
      await database.pool.query('select pg_terminate_backend($1)', [rows[0]?.pid]);
      await gone;
      expect(await wordsOf(client.query('select 1'))).toMatch(/terminat|closed|not queryable/i);
      client.release(true);
      expect(await database.ping()).toBeGreaterThan(0);
    });

    test('is read and written through Kysely', async () => {
      await migrate(database.pool, log);
      const row = await database.db.selectFrom('projects').select(['id', 'created_at']).where('id', '=', 'default').executeTakeFirstOrThrow();
      expect(row.created_at).toBeInstanceOf(Date);
    });

    test('says where it is without saying the password', () => {
      const { password } = database.pool.options;
      expect(database.where).toMatch(/^Postgres \d+/);
      if (typeof password === 'string') expect(database.where).not.toContain(password);
    });

    if (server !== 'embedded') return;

    test('lets the service in as a role without special rights, and nobody without the password', async () => {
      const { rows } = await database.pool.query('select rolsuper, rolcreaterole, rolcreatedb from pg_roles where rolname = current_user');
      expect(rows).toEqual([{ rolsuper: false, rolcreaterole: false, rolcreatedb: false }]);
      expect(readFileSync(join(folder, 'data', 'postgres', 'pg_hba.conf'), 'utf8')).not.toMatch(/^(local|host).*(trust|peer)/m);
    });

    describe('by a DATABASE_URL', () => {
      test('is opened like the embedded one, and warned of when it does not wait for the disk', async () => {
        const password = String(database.pool.options.password);
        await database.pool.query('alter role sluice set synchronous_commit = off');
        const other = await openDatabase({ databaseUrl: url(folder, ['sluice', password, 'sluice']), dataDir: join(folder, 'unused'), log });
        await database.pool.query('alter role sluice reset synchronous_commit');
        expect(await other.ping()).toBeGreaterThan(0);
        expect(warnings.some((warning) => warning.includes('synchronous_commit = off'))).toBe(true);
        await other.close();
      });

      test('that is no address is refused with its form', async () => {
        const failure = await refusal('mysql://root:hunter2@db/app');
        expect(failure.hint).toContain('postgres://user:password@host');
        expect((await refusal('localhost hunter2')).message).toContain('DATABASE_URL');
      });

      test('with a wrong password, database or user is refused with what to correct', async () => {
        const password = String(database.pool.options.password);
        expect((await refusal(url(folder, ['sluice', 'hunter2', 'sluice']))).message).toContain('refuses the password');
        expect((await refusal(url(folder, ['sluice', password, 'elsewhere']))).message).toContain('no such database');
        expect((await refusal(url(folder, ['stranger', 'hunter2', 'sluice']))).message).toContain('refuses the password');
      });

      test('where nothing listens, or whose host is unknown, is refused with what to see to', async () => {
        const refused = await refusal('postgres://app:hunter2@127.0.0.1:1/app');
        expect(refused.message).toBe('Nothing listens at app@127.0.0.1:1/app.');
        expect(refused.hint).toContain('Start the server');
        expect((await refusal('postgres://app:hunter2@database.invalid/app')).message).toContain('is not known');
      });
    });
  });
}

test('the migrations of this version are plain files with a number in front, none twice', () => {
  const numbers = [...new Bun.Glob('*.sql').scanSync(MIGRATIONS)].map((name) => /^(\d{4})_[a-z0-9_]+\.sql$/.exec(name)?.[1]);
  expect(numbers).not.toContain(undefined);
  expect(new Set(numbers).size).toBe(numbers.length);
});

test('a type that is not named here is parsed as the driver does', () => {
  const parse = typeParsers.getTypeParser(types.builtins.BOOL, 'text') as (text: string) => unknown;
  expect(parse('t')).toBe(true);
});
