import { setTimeout as sleep } from 'node:timers/promises';
import { Kysely, PostgresDialect } from 'kysely';
import { Pool, type PoolConfig } from 'pg';
import type { Log } from '../../app.ts';
import type { Database } from '../../tables.ts';
import { callersPool } from './away.ts';
import { explainConnectionFailure } from './connection-failure.ts';
import { messageOf } from './database-start-error.ts';
import { startEmbedded } from './embedded.ts';
import { APPLICATION } from './lease.ts';
import { describeServer } from './server-address.ts';
import { checkServer, type ServerFacts } from './server-check.ts';
import { typeParsers } from './type-parsers.ts';

export type DatabaseOptions = {
  /** Null for the embedded server. */
  readonly databaseUrl: string | null;
  /** Where the embedded server keeps its files. */
  readonly dataDir: string;
  readonly log: Log;
  readonly poolSize?: number;
};

export type OpenDatabase = {
  readonly db: Kysely<Database>;
  readonly pool: Pool;
  /** For people: which server, and where the data is. Holds no password. */
  readonly where: string;
  readonly close: () => Promise<void>;
  /** How long a round trip takes, in milliseconds; throws when the database is away. */
  readonly ping: () => Promise<number>;
};

type Source = { readonly pool: Pool; readonly name: string; readonly place: string; readonly stop: () => Promise<void> };

const POOL_SIZE = 10;
const CLOSE_WAIT_MS = 5000;
const POOL_SETTINGS = {
  application_name: 'sluice',
  types: typeParsers,
  keepAlive: true,
  connectionTimeoutMillis: 5000,
  idleTimeoutMillis: 30_000,
  statement_timeout: 30_000,
  idle_in_transaction_session_timeout: 60_000,
  // For a server that has stopped dead: then nobody but we can end the wait.
  query_timeout: 35_000,
} as const satisfies PoolConfig;

export async function openDatabase(options: DatabaseOptions): Promise<OpenDatabase> {
  const source = options.databaseUrl === null ? await openEmbedded(options) : openServer(options.databaseUrl, options);
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool: callersPool(source.pool) }) });
  const close = closeOnce(source, options.log);
  try {
    const facts = await askServer(source);
    checkServer(facts, source.name, options.log);
    const where = `Postgres ${facts.version_text}, ${source.place}`;
    return { db, pool: source.pool, where, close, ping: () => ping(source.pool) };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openEmbedded({ dataDir, log, poolSize }: DatabaseOptions): Promise<Source> {
  const server = await startEmbedded(dataDir, log, (address) => Object.assign(pool.options, address));
  const login = { user: APPLICATION, password: server.password, database: APPLICATION, ssl: false };
  const pool = makePool({ ...server.address(), ...login, max: poolSize ?? POOL_SIZE }, log);
  return { pool, name: 'The embedded database', place: `embedded, data in ${server.cluster}`, stop: () => server.close() };
}

function openServer(databaseUrl: string, { log, poolSize }: DatabaseOptions): Source {
  const name = describeServer(databaseUrl);
  const pool = makePool({ connectionString: databaseUrl, max: poolSize ?? POOL_SIZE }, log);
  return { pool, name, place: name, stop: async () => undefined };
}

function makePool(connection: PoolConfig, log: Log): Pool {
  const pool = new Pool({ ...POOL_SETTINGS, ...connection });
  pool.on('error', (error) => log.warning('a database connection was lost', { reason: error.message }));
  // The pool listens only to connections that lie idle. One that breaks in the middle of a transaction fails its next statement;
  // without a listener it would end the process before that.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

/** A server that says it is starting is waited for, as after a restart of the whole machine. */
async function askServer({ pool, name }: Source): Promise<ServerFacts> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const { rows } = await pool.query<ServerFacts>(
        `select current_setting('server_version_num')::int as version, split_part(current_setting('server_version'), ' ', 1) as version_text,
          current_setting('fsync') as fsync, current_setting('synchronous_commit') as synchronous_commit,
          pg_is_in_recovery() as standby, current_setting('server_encoding') as encoding`,
      );
      const [facts] = rows;
      if (facts !== undefined) return facts;
    } catch (error) {
      const failure = explainConnectionFailure(error, name);
      if (attempt === 20 || !failure.message.includes('is starting')) throw failure;
    }
    await sleep(500);
  }
}

async function ping(pool: Pool): Promise<number> {
  const startedAt = performance.now();
  await pool.query('select 1');
  return performance.now() - startedAt;
}

/** Whatever holds a connection and does not give it back cannot keep the process from ending. */
function closeOnce({ pool, stop }: Source, log: Log): () => Promise<void> {
  let closed: Promise<void> | null = null;
  const close = async (): Promise<void> => {
    const ending = new AbortController();
    const late = sleep(CLOSE_WAIT_MS, 'late', { signal: ending.signal }).catch(() => 'ended');
    const outcome = await Promise.race([
      pool.end().catch((error: unknown) => log.warning('the database pool ended badly', { reason: messageOf(error) })),
      late,
    ]);
    ending.abort();
    if (outcome === 'late') log.warning('a database connection was still in use at the end');
    await stop();
  };
  return () => (closed ??= close());
}
