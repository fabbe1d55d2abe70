import { afterAll, beforeAll } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { Log } from '../../app.ts';
import { migrate } from './migrate.ts';
import { type OpenDatabase, openDatabase } from './open.ts';

/** What the tests of one file stand on: a database of their own with all tables, on the server that the run was given or embedded. */
export type OwnDatabase = Pick<OpenDatabase, 'db' | 'pool'> & {
  /** A folder that goes with it. */
  readonly dataDir: string;
};

type Wishes = {
  readonly log?: Log;
  /** While it is still there. */
  readonly beforeClose?: () => Promise<void>;
};

export const quiet: Log = { debug: () => undefined, info: () => undefined, warning: () => undefined, error: () => undefined };
const HOOK_LIMIT_MS = 60_000;

export function ownDatabase({ log = quiet, beforeClose }: Wishes = {}): OwnDatabase {
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-database-'));
  const server = process.env['SLUICE_TEST_DATABASE_URL'];
  const name = `sluice_own_${crypto.randomUUID().replaceAll('-', '')}`;
  const administer = async (statement: string): Promise<void> => {
    const client = new pg.Client({ connectionString: server });
    await client.connect();
    await client.query(statement);
    await client.end();
  };
  let open: OpenDatabase | null = null;
  const opened = (): OpenDatabase => {
    if (open === null) throw new Error('the database is there once the tests run');
    return open;
  };

  beforeAll(async () => {
    if (server) await administer(`create database ${name}`);
    open = await openDatabase({ databaseUrl: server ? Object.assign(new URL(server), { pathname: `/${name}` }).href : null, dataDir, log });
    await migrate(open.pool, log);
  }, HOOK_LIMIT_MS);
  afterAll(async () => {
    await beforeClose?.();
    await opened().close();
    if (server) await administer(`drop database ${name} with (force)`);
    rmSync(dataDir, { recursive: true, force: true });
  }, HOOK_LIMIT_MS);

  return {
    dataDir,
    get db() {
      return opened().db;
    },
    get pool() {
      return opened().pool;
    },
  };
}
