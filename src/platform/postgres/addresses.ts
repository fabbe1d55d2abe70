import { createHash, randomInt } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Account } from './account.ts';
import { giveTo, makePrivateFolder, type Paths } from './cluster.ts';
import { codeOf } from './database-start-error.ts';
import type { Address } from './postmaster.ts';

/** The name of the socket file; nothing listens on a port of that number. */
const SOCKET_PORT = 5432;
/** A socket's whole path fits into 104 bytes on macOS, 108 on Linux, with the closing zero. */
const SOCKET_PATH_BYTES_MAX = 103;
const PORT_TRIES = 3;

/**
 * Where a server of this cluster may listen, the safest first: a socket in a private folder beside the data, one in a private folder under the
 * temporary folder (for a long path, or a volume that holds no sockets), a loopback port (for Windows). The password is asked for on each.
 * A folder is made only when its turn comes.
 */
export function* addresses(paths: Paths, account: Account): Generator<Address> {
  if (process.platform !== 'win32') {
    if (holdsSocket(paths.runFolder)) {
      makePrivateFolder(paths.runFolder, account);
      yield { host: paths.runFolder, port: SOCKET_PORT };
    }
    const name = createHash('sha256').update(paths.cluster).digest('hex').slice(0, 12);
    const short = join(tmpdir(), `sluice-${name}`);
    if (holdsSocket(short) && makeTemporaryFolder(short, account)) yield { host: short, port: SOCKET_PORT };
  }
  for (let attempt = 0; attempt < PORT_TRIES; attempt += 1) yield { host: '127.0.0.1', port: randomPort() };
}

function holdsSocket(folder: string): boolean {
  return Buffer.byteLength(`${folder}/.s.PGSQL.${SOCKET_PORT}`) <= SOCKET_PATH_BYTES_MAX;
}

/** What a killed server left behind would stop the next one when its process id is in use again. Only under the start lock, with no server alive. */
export function removeStaleSocket({ host, port }: Address): void {
  if (!host.startsWith('/')) return;
  for (const name of readdirSync(host)) {
    if (name.startsWith(`.s.PGSQL.${port}`)) rmSync(join(host, name), { force: true });
  }
}

/** Below 32768, where systems begin to hand out the ports of outgoing connections. Whether it is free, the server finds out. */
function randomPort(): number {
  return randomInt(20_000, 32_000);
}

/** In a folder that everybody writes to, somebody else may have been there first: then it is not ours to use. */
function makeTemporaryFolder(folder: string, account: Account): boolean {
  try {
    mkdirSync(folder, { mode: 0o700 });
    giveTo(account, folder);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') return false;
  }
  const found = lstatSync(folder);
  return found.isDirectory() && found.uid === (account.owner?.uid ?? process.getuid?.()) && (found.mode & 0o077) === 0;
}
