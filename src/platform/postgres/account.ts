import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseStartError } from './database-start-error.ts';

/** Who the database programs run as. */
export type Account = {
  /** Whom the files of the database must belong to; null where that is us anyway. */
  readonly owner: Owner | null;
  /** Given to spawn(). */
  readonly identity: { readonly uid?: number; readonly gid?: number };
  /** Put in front of a command, where a program has to bring the change about. */
  readonly prefix: readonly string[];
};

export type Owner = { readonly uid: number; readonly gid: number };

const OURSELVES: Account = { owner: null, identity: {}, prefix: [] };
const CAPABILITIES = { chown: 0, dac_override: 1, dac_read_search: 2, setgid: 6, setuid: 7 } as const;

/**
 * Postgres refuses to run as root. Root therefore runs it as the owner of an existing cluster, else as `postgres` or `nobody`. Where that user
 * cannot walk to the programs or the files (under a home of mode 0700, say), the server gets the one capability to pass closed folders.
 * Where root may not change users at all, a user namespace makes the same root look like somebody else to Postgres.
 */
export function chooseAccount(cluster: string, postgres: string): Account {
  if (process.getuid?.() !== 0) return OURSELVES;
  const owner = ownerOf(cluster);
  const wanted = owner ?? findUser(['postgres', 'nobody']);
  if (wanted === null || wanted.uid === 0 || !can('setuid') || !can('setgid') || !can('chown')) return namespaced();
  const executes = canPass(postgres, wanted);
  if (executes && canPass(dirname(cluster), wanted)) return { owner: wanted, identity: wanted, prefix: [] };
  return capable(wanted, executesItself(postgres, wanted)) ?? namespaced();
}

/** The server as `owner` with the least capability that opens the way; null where this system cannot do that. */
function capable(owner: Owner, executable: boolean): Account | null {
  const capability = (executable ? (['dac_read_search', 'dac_override'] as const) : (['dac_override'] as const)).find(can);
  const setpriv = Bun.which('setpriv');
  if (capability === undefined || setpriv === null || process.platform !== 'linux') return null;
  const flags = [
    // Without it access(2), by which Postgres looks for its own programs, forgets the capability.
    '--securebits=+no_setuid_fixup',
    `--reuid=${owner.uid}`,
    `--regid=${owner.gid}`,
    '--clear-groups',
    `--inh-caps=-all,+${capability}`,
    `--ambient-caps=-all,+${capability}`,
  ];
  return works([setpriv, ...flags]) ? { owner, identity: {}, prefix: [setpriv, ...flags] } : null;
}

function namespaced(): Account {
  const unshare = Bun.which('unshare');
  const nobody = findUser(['nobody']) ?? { uid: 65_534, gid: 65_534 };
  const prefix = [unshare ?? 'unshare', '--user', `--map-user=${nobody.uid}`, `--map-group=${nobody.gid}`];
  if (works(prefix)) return { owner: null, identity: {}, prefix };
  throw new DatabaseStartError(
    'The embedded database does not run as root, and this system does not let root start it as another user.',
    'Start Sluice as an ordinary user who owns the data folder (in a container: `--user`, `runAsUser`), or set DATABASE_URL to a Postgres server.',
  );
}

function ownerOf(cluster: string): Owner | null {
  const found = statSync(join(cluster, 'PG_VERSION'), { throwIfNoEntry: false });
  return found === undefined ? null : { uid: found.uid, gid: found.gid };
}

/** initdb looks the user up by name, so only one that is listed will do. */
function findUser(names: readonly string[]): Owner | null {
  const rows = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  for (const name of names) {
    const row = rows.find((fields) => fields[0] === name);
    const uid = Number(row?.[2]);
    const gid = Number(row?.[3]);
    // macOS numbers nobody -2, which setuid() does not take.
    if (Number.isInteger(uid) && Number.isInteger(gid) && uid > 0 && gid > 0) return { uid, gid };
  }
  return null;
}

function can(capability: keyof typeof CAPABILITIES): boolean {
  if (process.platform !== 'linux') return true;
  const mask = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  return ((BigInt(`0x${mask}`) >> BigInt(CAPABILITIES[capability])) & 1n) === 1n;
}

function works(prefix: readonly string[]): boolean {
  return spawnSync(prefix[0] ?? '', [...prefix.slice(1), 'true'], { stdio: 'ignore' }).status === 0;
}

/** Whether the owner may pass every folder from the top down to this path, and the path itself. */
function canPass(path: string, owner: Owner): boolean {
  if (!executesItself(path, owner)) return false;
  return dirname(path) === path || canPass(dirname(path), owner);
}

function executesItself(path: string, { uid, gid }: Owner): boolean {
  const found = statSync(path);
  let bit = 0o001;
  if (found.uid === uid) bit = 0o100;
  else if (found.gid === gid) bit = 0o010;
  return (found.mode & bit) !== 0;
}
