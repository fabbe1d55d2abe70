import { spawn, type SpawnOptions } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, parse } from 'node:path';
import type { Account } from './account.ts';
import type { Binaries } from './binaries.ts';
import { codeOf, DatabaseStartError, messageOf } from './database-start-error.ts';
import { explainStartFailure } from './start-failure.ts';

/** Everything the embedded database keeps, all of it under DATA_DIR. */
export type Paths = {
  readonly cluster: string;
  readonly logFile: string;
  readonly lockFile: string;
  /** Private: the socket of the server. */
  readonly runFolder: string;
  readonly spareLibraries: string;
};

export const SUPERUSER = 'postgres';
const MAJOR_VERSION = '18';
const PASSWORD_FILE = 'sluice.password';

/** In postgresql.conf, where whoever has a bigger machine may change them. Durability is left at Postgres's own defaults: everything on. */
const SETTINGS = {
  max_connections: '50',
  shared_buffers: '64MB',
  max_wal_size: '256MB',
  jit: 'off',
  // The reads are small and mostly cached: worker processes for them cost more than they bring.
  io_method: 'sync',
  max_parallel_workers_per_gather: '0',
  max_logical_replication_workers: '0',
  autovacuum_max_workers: '2',
  // Files instead of /dev/shm, which is 64 MB in a container and emptied by systemd when the user logs out.
  dynamic_shared_memory_type: 'mmap',
  log_checkpoints: 'off',
  // Says when it starts, stops and recovers; not which statement of ours failed, since that may quote what people sent.
  log_min_messages: 'log',
  log_min_error_statement: 'panic',
} as const;

export function pathsIn(dataDir: string): Paths {
  return {
    cluster: join(dataDir, 'postgres'),
    logFile: join(dataDir, 'postgres.log'),
    lockFile: join(dataDir, 'postgres.lock'),
    runFolder: join(dataDir, 'postgres-run'),
    spareLibraries: join(dataDir, 'postgres-lib'),
  };
}

/** Makes the cluster where there is none. Says whether it did. */
export async function ensureCluster(paths: Paths, binaries: Binaries, account: Account): Promise<boolean> {
  const version = versionOf(paths);
  if (version === MAJOR_VERSION) return false;
  if (version !== null) throw explainStartFailure(`not initialized by PostgreSQL version ${MAJOR_VERSION} but ${version}`, paths);
  if (existsSync(paths.cluster) && readdirSync(paths.cluster).length > 0) {
    throw new DatabaseStartError(
      `${paths.cluster} holds files, but no database.`,
      'Move them away if they are not needed, or set DATA_DIR to another folder, and start again.',
    );
  }
  removeUnfinished(paths.cluster);
  const unfinished = `${paths.cluster}.new-${randomBytes(6).toString('hex')}`;
  const passwordFile = `${unfinished}.password`;
  try {
    mkdirSync(unfinished, { mode: 0o700 });
    writeFileSync(passwordFile, randomBytes(24).toString('base64url'), { mode: 0o600 });
    giveTo(account, unfinished, passwordFile);
    await initialize(binaries, account, { folder: unfinished, passwordFile, paths });
    renameSync(passwordFile, join(unfinished, PASSWORD_FILE));
    rmSync(paths.cluster, { recursive: true, force: true });
    // The last step, so that a killed first start leaves no half-made cluster behind.
    renameSync(unfinished, paths.cluster);
    return true;
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    rmSync(passwordFile, { force: true });
    throw error instanceof DatabaseStartError ? error : explainStartFailure(`${codeOf(error)} ${messageOf(error)}`, paths);
  }
}

/** The password of both roles; whoever can read it can read the tables' files as well. */
export function readPassword(paths: Paths): string {
  try {
    return readFileSync(join(paths.cluster, PASSWORD_FILE), 'utf8').trim();
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw explainStartFailure(messageOf(error), paths);
    throw new DatabaseStartError(
      `The database in ${paths.cluster} has lost its password file ${PASSWORD_FILE}.`,
      'Bring the file back from a backup of the folder, or set DATA_DIR to a new folder.',
      error,
    );
  }
}

/**
 * initdb writes without waiting for the disk, since a thousand small waits are most of a first start. This makes up for it while the service already
 * answers; what is stored from then on is waited for by the server itself.
 */
export function syncInBackground(paths: Paths, binaries: Binaries, account: Account): void {
  const [command = '', ...args] = commandLine(account, [binaries.initdb, '--sync-only', `--pgdata=${paths.cluster}`]);
  const child = spawn(command, args, { ...spawnOptions(binaries, account, paths.cluster), stdio: 'ignore', detached: true });
  child.on('error', () => undefined);
  child.unref();
}

/** How the database programs are started. On Windows they need what they inherit; elsewhere nothing of ours is handed down. */
export function spawnOptions(binaries: Binaries, account: Account, cluster: string): SpawnOptions {
  const environment = process.platform === 'win32' ? {} : { env: { ...binaries.environment } };
  // Not our own working folder, which the account may not be allowed to enter.
  return { ...account.identity, ...environment, cwd: parse(cluster).root };
}

export function commandLine(account: Account, command: readonly string[]): string[] {
  return [...account.prefix, ...command];
}

export function giveTo(account: Account, ...paths: readonly string[]): void {
  if (account.owner === null) return;
  for (const path of paths) chownSync(path, account.owner.uid, account.owner.gid);
}

/** A folder that nobody but the server's user may enter. */
export function makePrivateFolder(folder: string, account: Account): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  giveTo(account, folder);
  chmodSync(folder, 0o700);
}

function versionOf(paths: Paths): string | null {
  try {
    return readFileSync(join(paths.cluster, 'PG_VERSION'), 'utf8').trim();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw explainStartFailure(`${codeOf(error)} ${messageOf(error)}`, paths);
  }
}

function removeUnfinished(cluster: string): void {
  const folder = dirname(cluster);
  for (const name of readdirSync(folder)) {
    if (name.startsWith('postgres.new-')) rmSync(join(folder, name), { recursive: true, force: true });
  }
}

type Initialization = { readonly folder: string; readonly passwordFile: string; readonly paths: Paths };

async function initialize(binaries: Binaries, account: Account, { folder, passwordFile, paths }: Initialization): Promise<void> {
  const [command = '', ...args] = commandLine(account, [
    binaries.initdb,
    `--pgdata=${folder}`,
    `--username=${SUPERUSER}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    // Sorts the same on every system, whatever its C library; libc's own rules change with its version and break indexes.
    '--encoding=UTF8',
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--no-sync',
    '--no-instructions',
    ...Object.entries(SETTINGS).map(([name, value]) => `--set=${name}=${value}`),
  ]);
  const output: string[] = [];
  const child = spawn(command, args, { ...spawnOptions(binaries, account, folder), stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout?.on('data', (chunk: Buffer) => output.push(chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => output.push(chunk.toString()));
  const exit = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (exit !== 0) throw explainStartFailure(output.join(''), paths);
}
