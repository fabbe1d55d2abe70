import { Client } from 'pg';
import { orAborted } from '../../core/or-aborted.ts';
import { SUPERUSER } from './cluster.ts';
import { codeOf } from './database-start-error.ts';
import type { Address } from './postmaster.ts';

/** Any number that nobody else locks in the `postgres` database, where nothing but this happens. */
const LEASE_KEY = 7_510_418;
const ANSWER_WITHIN_MS = 2000;

/**
 * A share in the running server, held by each process that uses it: a connection with a shared advisory lock. Whoever gets the lock for itself
 * alone is the last one and may stop the server; a killed process loses its share in the same moment, in whatever container it ran.
 */
export type Lease = {
  readonly address: Address;
  /** Calls back once when the server is gone. */
  readonly onLost: (run: () => void) => void;
  readonly isLast: () => Promise<boolean>;
  readonly end: () => Promise<void>;
};

export type LeaseAttempt = { readonly lease: Lease } | { readonly lease: null; readonly code: string };

export async function takeLease(address: Address, password: string): Promise<LeaseAttempt> {
  const client = new Client({
    ...address,
    user: SUPERUSER,
    password,
    database: 'postgres',
    ssl: false,
    application_name: 'sluice lease',
    connectionTimeoutMillis: 5000,
    keepAlive: true,
  });
  let lost = false;
  let onLost: (() => void) | null = null;
  client.on('error', () => undefined);
  client.on('end', () => {
    lost = true;
    onLost?.();
  });
  try {
    await client.connect();
    await client.query('select pg_advisory_lock_shared($1)', [LEASE_KEY]);
    await ensureApplicationDatabase(client, password);
    // Holding a share is no work: it does not keep a process that has nothing left to do.
    (client as Client & { unref: () => void }).unref();
  } catch (error) {
    await client.end().catch(() => undefined);
    return { lease: null, code: codeOf(error) };
  }
  return { lease: { address, onLost: (run) => (lost ? run() : (onLost = run)), isLast: () => isLast(client), end: () => end(client) } };
}

async function isLast(client: Client): Promise<boolean> {
  const asked = client.query<{ last: boolean }>('select pg_try_advisory_lock($1) as last', [LEASE_KEY]);
  // A server that stands still must not keep the process from ending.
  const { rows } = await orAborted(asked, AbortSignal.timeout(ANSWER_WITHIN_MS));
  return rows[0]?.last === true;
}

async function end(client: Client): Promise<void> {
  await client.end().catch(() => undefined);
}

/** The service itself works as a role without special rights, so that no hole in a statement reaches the machine. */
export const APPLICATION = 'sluice';

async function ensureApplicationDatabase(client: Client, password: string): Promise<void> {
  const { rows } = await client.query<{ role: boolean; database: boolean }>(
    'select exists(select from pg_roles where rolname = $1) as role, exists(select from pg_database where datname = $1) as database',
    [APPLICATION],
  );
  if (rows[0]?.role !== true) await client.query(`create role ${APPLICATION} login password ${client.escapeLiteral(password)}`);
  if (rows[0]?.database !== true) await client.query(`create database ${APPLICATION} owner ${APPLICATION}`);
}
