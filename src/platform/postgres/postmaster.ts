import { spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, readlinkSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Account } from './account.ts';
import type { Binaries } from './binaries.ts';
import { commandLine, giveTo, type Paths, spawnOptions } from './cluster.ts';
import { codeOf } from './database-start-error.ts';

/** Where a server listens: `host` is the folder of its socket, or a loopback address. */
export type Address = { readonly host: string; readonly port: number };

/** What a server wrote about itself into postmaster.pid. */
export type Postmaster = {
  readonly pid: number;
  readonly address: Address;
  /** Not while it starts, recovers or stops. */
  readonly ready: boolean;
};

const LOG_BYTES_MAX = 5 * 1024 * 1024;
/** Larger than any process id of any system. */
const NOBODY_PID = 2_147_483_646;

export function readPostmaster(cluster: string): Postmaster | null {
  const lines = pidFileLines(cluster);
  const [pid, , , port, socketFolder, listenAddress, , status] = lines;
  if (pid === undefined || !/^\d+$/.test(pid)) return null;
  // A server that has only just begun has written its process id and not yet where it listens.
  return { pid: Number(pid), address: { host: socketFolder || listenAddress || '', port: Number(port ?? 0) }, ready: status === 'ready' };
}

function pidFileLines(cluster: string): string[] {
  try {
    return readFileSync(join(cluster, 'postmaster.pid'), 'utf8')
      .split('\n')
      .map((line) => line.trim());
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/** Whether a living process with this id is the postmaster of this cluster. After a crash the id may be somebody else's, or a zombie's. */
export function isPostmaster(pid: number, cluster: string): boolean {
  if (!isAlive(pid)) return false;
  if (process.platform === 'win32') return true;
  if (process.platform !== 'linux') {
    const { stdout } = spawnSync('/bin/ps', ['-o', 'state=,command=', '-p', `${pid}`], { encoding: 'utf8' });
    return !stdout.trimStart().startsWith('Z') && stdout.includes('postgres') && stdout.includes(cluster);
  }
  // A container whose first process does not reap keeps dead servers as zombies, which still answer to signal 0.
  if (/^[ZX]/.test(procFile(pid, 'stat').replace(/^.*\) /s, ''))) return false;
  const [program = '', ...args] = procFile(pid, 'cmdline').split('\0');
  if (!basename(program).startsWith('postgres')) return false;
  return args.includes(cluster) || workingFolder(pid) === cluster;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

function procFile(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return '';
  }
}

function workingFolder(pid: number): string | null {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return null;
  }
}

/**
 * Postgres refuses to start while any process has the id in postmaster.pid, be it a zombie or a stranger. The id is replaced, and the
 * rest is kept: by the memory key in it the new server makes sure that no orphan of the old one still writes. Only under the start lock.
 */
export function disownPidFile(cluster: string, pid: number): void {
  if (!isAlive(pid)) return;
  const [, ...rest] = pidFileLines(cluster);
  writeFileSync(join(cluster, 'postmaster.pid'), [`${NOBODY_PID}`, ...rest].join('\n'));
}

export type Launch = {
  /** Null while it runs. */
  readonly failed: () => boolean;
  /** What the server has said since it was launched. */
  readonly output: () => string;
};

export function launchPostmaster(paths: Paths, binaries: Binaries, account: Account, address: Address): Launch {
  rotate(paths.logFile);
  const logFile = openSync(paths.logFile, 'a', 0o600);
  giveTo(account, paths.logFile);
  const begin = statSync(paths.logFile).size;
  let failure: string | null = null;
  const [command = '', ...args] = serverCommand(paths, binaries, account, address);
  const child = spawn(command, args, {
    ...spawnOptions(binaries, account, paths.cluster),
    stdio: ['ignore', logFile, logFile],
    // A session of its own: Ctrl-C in our terminal is for us, and the database goes last.
    detached: true,
  });
  child.on('error', (error) => (failure = `${codeOf(error)} ${error.message}`));
  child.on('exit', (code, signal) => {
    // pg_ctl, with which it is launched on Windows, has done its part.
    if (code !== 0 || process.platform !== 'win32') failure = `ended with ${signal ?? `code ${code}`}`;
  });
  child.unref();
  closeSync(logFile);
  return {
    failed: () => failure !== null,
    output: () => `${failure ?? ''}\n${readFileSync(paths.logFile).subarray(begin).toString()}`.trim(),
  };
}

function serverCommand(paths: Paths, binaries: Binaries, account: Account, { host, port }: Address): string[] {
  const where = host.startsWith('/')
    ? // The setting is a list, in which a quoted member may hold anything.
      ['-c', 'listen_addresses=', '-c', `unix_socket_directories="${host.replaceAll('"', '""')}"`, '-c', 'unix_socket_permissions=0700']
    : ['-c', `listen_addresses=${host}`, '-c', 'unix_socket_directories='];
  const options = ['-p', `${port}`, ...where];
  if (process.platform === 'win32') return [binaries.pgCtl, 'start', '-W', '-D', paths.cluster, '-l', paths.logFile, '-o', options.join(' ')];
  return commandLine(account, [binaries.postgres, '-D', paths.cluster, ...options]);
}

function rotate(logFile: string): void {
  if ((statSync(logFile, { throwIfNoEntry: false })?.size ?? 0) > LOG_BYTES_MAX) renameSync(logFile, `${logFile}.old`);
}

/** Ends the server: fast, which stores everything and closes; if that takes too long at once, to be recovered at the next start. */
export async function stopPostmaster(cluster: string, binaries: Binaries): Promise<boolean> {
  const pid = readPostmaster(cluster)?.pid;
  if (pid === undefined || !isPostmaster(pid, cluster)) return true;
  if (process.platform === 'win32') {
    return spawnSync(binaries.pgCtl, ['stop', '-D', cluster, '-m', 'fast', '-t', '10'], { stdio: 'ignore' }).status === 0;
  }
  for (const [signal, waitMs] of [
    ['SIGINT', 10_000],
    ['SIGQUIT', 3000],
  ] as const) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      // It ended meanwhile, or it belongs to another user, whose it remains.
      return codeOf(error) === 'ESRCH';
    }
    if (await ended(pid, cluster, waitMs)) return true;
  }
  return false;
}

async function ended(pid: number, cluster: string, waitMs: number): Promise<boolean> {
  const deadline = performance.now() + waitMs;
  while (performance.now() < deadline) {
    if (!isPostmaster(pid, cluster)) return true;
    await sleep(5);
  }
  return false;
}
