import { Database } from 'bun:sqlite';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Sluice } from '../harness.ts';
import { makeDatabase } from '../test-database.ts';
import { openLink } from './link.ts';

/** The database of a process, and what happens to it. */
export type FaultyDatabase = {
  readonly env: Record<string, string>;
  /** It is gone until it is brought back. */
  readonly goAway: (sluice: Sluice) => Promise<void>;
  readonly comeBack: () => Promise<void>;
  /** It is there, and does nothing until it goes on. */
  readonly standStill: (sluice: Sluice) => void;
  readonly goOn: () => Promise<void>;
  readonly drop: () => Promise<void>;
};

/** A server that is reached by a wire of our own where the run was given one; else the embedded one. */
export async function makeFaultyDatabase(): Promise<FaultyDatabase> {
  const database = await makeDatabase();
  const { DATABASE_URL } = database.env;
  if (DATABASE_URL === undefined) return embedded();
  const url = new URL(DATABASE_URL);
  const link = await openLink({ host: url.hostname, port: Number(url.port) });
  url.hostname = '127.0.0.1';
  url.port = String(link.port);
  return {
    env: { DATABASE_URL: url.href },
    goAway: link.cut,
    comeBack: link.mend,
    standStill: link.freeze,
    goOn: link.mend,
    async drop() {
      await link.cut();
      await database.drop();
    },
  };
}

/** Its processes are killed or stopped. What starts them again waits for as long as the test holds the lock under which servers are started. */
function embedded(): FaultyDatabase {
  let lock: Database | null = null;
  let stopped: readonly number[] = [];
  return {
    env: {},
    goAway({ dataDir }) {
      lock = new Database(join(dataDir, 'postgres.lock'));
      lock.run('begin exclusive');
      killServer(dataDir);
      return Promise.resolve();
    },
    comeBack() {
      lock?.close();
      return Promise.resolve();
    },
    standStill({ dataDir }) {
      stopped = serverProcesses(dataDir);
      for (const pid of stopped) process.kill(pid, 'SIGSTOP');
    },
    goOn() {
      for (const pid of stopped) process.kill(pid, 'SIGCONT');
      stopped = [];
      return Promise.resolve();
    },
    drop: () => Promise.resolve(),
  };
}

export function killServer(dataDir: string): void {
  const pid = serverPid(dataDir);
  if (pid === null) throw new Error('there is no server to kill');
  process.kill(-pid, 'SIGKILL');
}

/** The first process of the embedded server, while it runs or its file says so. */
export function serverPid(dataDir: string): number | null {
  try {
    return Number(readFileSync(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0]);
  } catch {
    return null;
  }
}

function serverProcesses(dataDir: string): readonly number[] {
  const pid = serverPid(dataDir);
  const children = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && parentOf(name) === pid);
  return [Number(pid), ...children.map(Number)];
}

function parentOf(pid: string): number | null {
  try {
    return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) \S+ (\d+) .*$/s, '$1'));
  } catch {
    return null;
  }
}
