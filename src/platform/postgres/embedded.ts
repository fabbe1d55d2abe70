import { mkdirSync, realpathSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../../app.ts';
import { type Account, chooseAccount } from './account.ts';
import { addresses, removeStaleSocket } from './addresses.ts';
import { type Binaries, findBinaries } from './binaries.ts';
import { ensureCluster, giveTo, type Paths, pathsIn, readPassword, syncInBackground } from './cluster.ts';
import { codeOf, DatabaseStartError, messageOf } from './database-start-error.ts';
import { type Lease, takeLease } from './lease.ts';
import { type Address, disownPidFile, isPostmaster, launchPostmaster, readPostmaster, stopPostmaster } from './postmaster.ts';
import { explainStartFailure } from './start-failure.ts';
import { takeStartLock } from './start-lock.ts';

export type Embedded = {
  readonly cluster: string;
  readonly password: string;
  /** Where it listens now. */
  readonly address: () => Address;
  /** Gives up our share; the last process to do so stops the server. */
  readonly close: () => Promise<void>;
};

type Site = { readonly paths: Paths; readonly binaries: Binaries; readonly account: Account; readonly log: Log };
type Joined = { readonly lease: Lease; readonly password: string; readonly how: 'created' | 'started' | 'adopted' };

/** Crash recovery reads all that was written since the last checkpoint, at most a few hundred megabytes. */
const START_WAIT_MS = 60_000;
const LOCK_WAIT_MS = 90_000;
const RESTART_WAITS_MS = [0, 100, 500, 1000, 2000, 4000, 10_000] as const;
/** One that goes away sooner again is started with the next longer wait, as is one that does not come at all. */
const SOON_MS = 10_000;

/**
 * The Postgres server of a data folder: made where there is none, adopted where one runs (after a `kill -9` of ours, or beside another process of
 * ours), and started again when it goes away while we need it.
 */
export async function startEmbedded(dataDir: string, log: Log, onMoved: (address: Address) => void): Promise<Embedded> {
  const startedAt = performance.now();
  const paths = pathsIn(makeDataFolder(dataDir));
  const { lease, password, how } = await join(paths, log);
  log.info(`database ${how}`, { folder: paths.cluster, ms: Math.round(performance.now() - startedAt) });

  const closing = new AbortController();
  let held = lease;
  let returning: Promise<void> | null = null;
  let attempts = 0;
  let backAt = startedAt;
  const watch = (): void => {
    held.onLost(() => {
      if (!closing.signal.aborted) returning = comeBack();
    });
  };
  const comeBack = async (): Promise<void> => {
    if (performance.now() - backAt > SOON_MS) attempts = 0;
    const again = await rejoin({ paths, log, closing: closing.signal, wait: () => RESTART_WAITS_MS[attempts++] ?? 30_000 });
    if (again === null) return;
    backAt = performance.now();
    held = again;
    onMoved(held.address);
    watch();
  };
  watch();
  return {
    cluster: paths.cluster,
    password,
    address: () => held.address,
    async close() {
      if (closing.signal.aborted) return;
      closing.abort();
      await returning;
      await leave(paths, held, log);
    },
  };
}

function makeDataFolder(dataDir: string): string {
  try {
    // Root's folder stays passable for the user whom the server runs as; what is secret in it has a mode of its own.
    mkdirSync(dataDir, { recursive: true, mode: process.getuid?.() === 0 ? 0o711 : 0o700 });
    return realpathSync(dataDir);
  } catch (error) {
    throw new DatabaseStartError(
      `The data folder ${dataDir} cannot be made or entered: ${messageOf(error)}.`,
      'Make it writable for the user who runs Sluice, or set DATA_DIR to another folder.',
      error,
    );
  }
}

async function join(paths: Paths, log: Log): Promise<Joined> {
  const release = await takeStartLock(paths.lockFile, LOCK_WAIT_MS);
  try {
    const binaries = findBinaries(paths.spareLibraries);
    const account = chooseAccount(paths.cluster, realpathSync(binaries.postgres));
    giveTo(account, paths.lockFile);
    const site = { paths, binaries, account, log };
    const created = await ensureCluster(paths, binaries, account);
    const password = readPassword(paths);
    const adopted = await adopt(site, password);
    const lease = adopted ?? (await launch(site, password));
    if (created) syncInBackground(paths, binaries, account);
    const started = created ? 'created' : 'started';
    return { lease, password, how: adopted === null ? started : 'adopted' };
  } catch (error) {
    if (error instanceof DatabaseStartError) throw error;
    throw explainStartFailure(`${codeOf(error)} ${messageOf(error)}`, paths);
  } finally {
    release();
  }
}

/** The server that already runs on this cluster; null where there is none. One that starts, recovers or stops is waited for. */
async function adopt({ paths, log }: Site, password: string): Promise<Lease | null> {
  const deadline = performance.now() + START_WAIT_MS;
  const patience = sayOnce(log, 'waiting for the database, which is starting, recovering or stopping');
  for (;;) {
    const running = readPostmaster(paths.cluster);
    if (running === null) return null;
    const attempt = running.ready ? await takeLease(running.address, password) : { lease: null, code: '' };
    if (attempt.lease !== null) return attempt.lease;
    if (!isPostmaster(running.pid, paths.cluster)) {
      disownPidFile(paths.cluster, running.pid);
      return null;
    }
    if (attempt.code === '28P01') throw wrongPassword(paths);
    if (performance.now() > deadline) throw silent(running.pid, paths);
    patience();
    await sleep(20);
  }
}

async function launch(site: Site, password: string): Promise<Lease> {
  const { paths, binaries, account } = site;
  const deadline = performance.now() + START_WAIT_MS;
  const candidates = addresses(paths, account);
  let output = '';
  let address = nextOf(candidates);
  while (address !== undefined && performance.now() < deadline) {
    removeStaleSocket(address);
    const server = launchPostmaster(paths, binaries, account, address);
    const lease = await untilReady(site, password, { address, failed: server.failed, deadline });
    if (lease !== null) return lease;
    output = server.output();
    if (/pre-existing shared memory block/.test(output)) {
      // Sessions of a killed server end by themselves within moments; until then nobody else may write.
      await sleep(100);
    } else if (/lock file "postmaster\.pid" already exists/.test(output)) {
      const adopted = await adopt(site, password);
      if (adopted !== null) return adopted;
    } else if (/socket|could not bind|\.s\.PGSQL/i.test(output)) {
      address = nextOf(candidates);
    } else break;
  }
  throw explainStartFailure(output, paths);
}

function nextOf(candidates: Generator<Address>): Address | undefined {
  const next = candidates.next();
  return next.done === true ? undefined : next.value;
}

type Waiting = { readonly address: Address; readonly failed: () => boolean; readonly deadline: number };

async function untilReady({ paths, log }: Site, password: string, { address, failed, deadline }: Waiting): Promise<Lease | null> {
  const patience = sayOnce(log, 'the database is recovering what was not yet in its files');
  while (!failed()) {
    const running = readPostmaster(paths.cluster);
    if (running?.ready) {
      const attempt = await takeLease(address, password);
      if (attempt.lease !== null) return attempt.lease;
      if (attempt.code === '28P01') throw wrongPassword(paths);
    }
    if (performance.now() > deadline) throw silent(running?.pid ?? 0, paths);
    patience();
    await sleep(5);
  }
  return null;
}

/** A line for whoever waits at a terminal, once it has taken three seconds. */
function sayOnce(log: Log, message: string): () => void {
  const at = performance.now() + 3000;
  let said = false;
  return () => {
    if (said || performance.now() < at) return;
    said = true;
    log.info(message);
  };
}

function wrongPassword(paths: Paths): DatabaseStartError {
  return new DatabaseStartError(
    `The database in ${paths.cluster} refuses the password in its own folder.`,
    'Bring that folder back from a backup whole, or set DATA_DIR to a new folder.',
  );
}

function silent(pid: number, paths: Paths): DatabaseStartError {
  return new DatabaseStartError(
    `The database server (process ${pid}) has not answered for ${START_WAIT_MS / 1000} s.`,
    `Start again if it is only slow: it goes on by itself. If it hangs, end it (\`kill -INT ${pid}\`) first. Its log: ${paths.logFile}`,
  );
}

type Rejoining = { readonly paths: Paths; readonly log: Log; readonly closing: AbortSignal; readonly wait: () => number };

/** Null when we are closing. */
async function rejoin({ paths, log, closing, wait }: Rejoining): Promise<Lease | null> {
  let waitMs = wait();
  log.warning('the embedded database went away; starting it again', { wait_ms: waitMs });
  while (!closing.aborted) {
    await sleep(waitMs, undefined, { signal: closing }).catch(() => undefined);
    if (closing.aborted) return null;
    try {
      const { lease } = await join(paths, log);
      log.info('the embedded database is back');
      return lease;
    } catch (error) {
      waitMs = wait();
      const hint = error instanceof DatabaseStartError ? error.hint : '';
      log.error('the embedded database does not come back', { reason: messageOf(error), hint, wait_ms: waitMs });
    }
  }
  return null;
}

async function leave(paths: Paths, lease: Lease, log: Log): Promise<void> {
  const release = await takeStartLock(paths.lockFile, LOCK_WAIT_MS).catch(() => null);
  try {
    // Whoever joins takes the start lock first, so nobody does between the question and the end.
    const last = release !== null && (await lease.isLast().catch(messageOf));
    await lease.end();
    if (typeof last === 'string') log.warning('the embedded database was left as it is: it does not answer', { folder: paths.cluster, reason: last });
    if (last !== true) return;
    const stopped = await stopPostmaster(paths.cluster, findBinaries(paths.spareLibraries));
    if (!stopped) log.warning('the embedded database was left running: it did not stop in time', { folder: paths.cluster });
  } finally {
    release?.();
  }
}
