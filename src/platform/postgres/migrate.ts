import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DatabaseError, type Pool, type PoolClient, type QueryConfig } from 'pg';
import type { Log } from '../../app.ts';
import { DatabaseStartError, messageOf } from './database-start-error.ts';

type Migration = { readonly name: string; readonly sql: string; readonly checksum: string };
type Step = { readonly applied: string | null };

const FOLDER = fileURLToPath(new URL('../../../migrations', import.meta.url));
/** Any number, the same in every version of Sluice. */
const LOCK_KEY = 7_510_417;
/** What the pool allows a statement does not hold for one that rebuilds a table. */
const UNHURRIED = 2_147_483_647;

/**
 * Brings the tables up to this version: the files of migrations/ in the order of their names, each in a transaction of its own under one advisory
 * lock, so that any number of processes may do it at once. The lock ends with the transaction, which works through a pooler too.
 */
export async function migrate(pool: Pool, log: Log, folder: string = FOLDER): Promise<{ applied: string[] }> {
  const migrations = readMigrations(folder);
  const applied: string[] = [];
  const client = await pool.connect();
  let broken = false;
  try {
    for (;;) {
      const step = await inTransaction(client, () => applyNext(client, migrations, log));
      if (step.applied === null) return { applied };
      applied.push(step.applied);
      log.info('database migrated', { file: step.applied });
    }
  } catch (error) {
    broken = !(error instanceof DatabaseStartError);
    throw error;
  } finally {
    client.release(broken);
  }
}

function readMigrations(folder: string): Migration[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.sql'));
  return names.toSorted().map((name) => {
    // A checkout on Windows may end its lines otherwise; it is the same migration.
    const sql = readFileSync(join(folder, name), 'utf8').replaceAll('\r\n', '\n');
    return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
  });
}

async function inTransaction(client: PoolClient, run: () => Promise<Step>): Promise<Step> {
  await client.query('begin');
  try {
    const step = await run();
    await client.query('commit');
    return step;
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw error;
  }
}

async function applyNext(client: PoolClient, migrations: readonly Migration[], log: Log): Promise<Step> {
  await client.query('set local statement_timeout = 0');
  await takeLock(client, log);
  await client.query(
    'create table if not exists schema_migrations (name text primary key, checksum text not null, applied_at timestamptz not null default now())',
  );
  const { rows } = await client.query<{ name: string; checksum: string }>('select name, checksum from schema_migrations order by name');
  const done = new Map(rows.map(({ name, checksum }) => [name, checksum]));
  checkHistory(done, migrations);
  const next = migrations.find(({ name }) => !done.has(name));
  if (next === undefined) return { applied: null };
  await apply(client, next);
  await client.query('insert into schema_migrations (name, checksum) values ($1, $2)', [next.name, next.checksum]);
  return { applied: next.name };
}

async function takeLock(client: PoolClient, log: Log): Promise<void> {
  const { rows } = await client.query<{ taken: boolean }>('select pg_try_advisory_xact_lock($1) as taken', [LOCK_KEY]);
  if (rows[0]?.taken === true) return;
  log.info('waiting for another process, which is migrating the database');
  await client.query(unhurried(`select pg_advisory_xact_lock(${LOCK_KEY})`));
}

function checkHistory(done: ReadonlyMap<string, string>, migrations: readonly Migration[]): void {
  const known = new Map(migrations.map(({ name, checksum }) => [name, checksum]));
  for (const [name, checksum] of done) {
    const mine = known.get(name);
    if (mine === undefined) {
      throw new DatabaseStartError(
        `The database is newer than this version of Sluice: it has had the migration ${name}, which is not known here.`,
        'Update Sluice to the version that last used this database, or bring back a backup from before that update.',
      );
    }
    if (mine !== checksum) {
      throw new DatabaseStartError(
        `The migration ${name} was changed after it had been applied to this database.`,
        `Bring migrations/${name} back to what it was, and put the change into a new file after the last one.`,
      );
    }
  }
}

async function apply(client: PoolClient, { name, sql }: Migration): Promise<void> {
  try {
    await client.query(unhurried(sql));
  } catch (error) {
    const position = error instanceof DatabaseError ? Number(error.position) : Number.NaN;
    const line = Number.isInteger(position) ? `, line ${sql.slice(0, position).split('\n').length}` : '';
    throw new DatabaseStartError(
      `The migration ${name}${line} failed: ${messageOf(error)}.`,
      'Nothing of this file was applied. Mend what the message names, and start again.',
      error,
    );
  }
}

function unhurried(text: string): QueryConfig {
  const query: QueryConfig & { query_timeout: number } = { text, query_timeout: UNHURRIED };
  return query;
}
