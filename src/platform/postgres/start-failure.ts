import { DatabaseStartError } from './database-start-error.ts';

/** Where the trouble is to be looked for, in the words of its owner. */
export type Place = { readonly cluster: string; readonly logFile: string };

type Cause = { readonly sign: RegExp; readonly message: string; readonly hint: string };

const CAUSES: readonly Cause[] = [
  {
    sign: /No space left on device|disk quota exceeded|ENOSPC|EDQUOT/i,
    message: 'The disk is full.',
    hint: 'Make room (a new database needs about 80 MB), or set DATA_DIR to a folder on another disk, and start again. Nothing that was stored is lost.',
  },
  {
    sign: /Read-only file system|EROFS/i,
    message: 'The data folder is on a file system that cannot be written to.',
    hint: 'Mount a writable volume there, or set DATA_DIR to a folder that can be written to.',
  },
  {
    sign: /effective user ID|user does not exist|no such user/i,
    message: 'The user who runs Sluice has no name on this system, and Postgres does not set up a database for a nameless user.',
    hint: 'Run Sluice as a user who is listed in /etc/passwd, or set DATABASE_URL to a Postgres server.',
  },
  {
    sign: /Permission denied|Operation not permitted|wrong ownership|invalid permissions|could not change permissions|EACCES|EPERM/i,
    message: 'The data folder belongs to another user, or its permissions are not those of a database.',
    hint: 'Run Sluice as the user who owns that folder, or give it to yours (`chown -R`), or set DATA_DIR to a folder of your own.',
  },
  {
    sign: /incompatible with server|not compatible with this version|not initialized by PostgreSQL version/i,
    message: 'The data folder was made by another version of Postgres.',
    hint: 'Start the version of Sluice that made it, or set DATA_DIR to a new folder.',
  },
  {
    sign: /error while loading shared libraries|Library not loaded|cannot open shared object|symbol not found|ENOENT/i,
    message: 'The database programs do not run on this system: a library is missing.',
    hint: 'They need glibc: on Alpine and other musl systems set DATABASE_URL to a Postgres server. Elsewhere `bun install --force` brings them anew.',
  },
  {
    sign: /could not locate a valid checkpoint|could not locate required checkpoint|invalid primary checkpoint|could not read file "global|PANIC/i,
    message: 'The files of the database are damaged.',
    hint: 'Keep a copy of the folder, then bring back a backup, or set DATA_DIR to a new folder.',
  },
  {
    sign: /could not create shared memory|could not map anonymous shared memory|Cannot allocate memory|could not create semaphores/i,
    message: 'The system has not enough memory for the database.',
    hint: 'Give the machine or the container at least 256 MB, and start again.',
  },
];

/** Turns what initdb or the server said before it gave up into an error that says what to do. */
export function explainStartFailure(output: string, place: Place): DatabaseStartError {
  const cause = CAUSES.find(({ sign }) => sign.test(output));
  const words = lastWords(output);
  const message = cause?.message ?? 'The embedded database does not start.';
  const hint = cause?.hint ?? 'The log file has the whole story. DATABASE_URL can name a Postgres server instead.';
  return new DatabaseStartError(`${message}${words ? ` It said: ${words}` : ''}`, `${hint} Folder: ${place.cluster} · log: ${place.logFile}`);
}

function lastWords(output: string): string {
  const lines = output
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const telling = lines.filter((line) => /error|fatal|panic|denied|invalid/i.test(line));
  return (telling.at(-1) ?? lines.at(-1) ?? '').slice(0, 400);
}
