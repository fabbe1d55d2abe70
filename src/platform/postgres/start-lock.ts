import { Database } from 'bun:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { codeOf, DatabaseStartError, messageOf } from './database-start-error.ts';

/**
 * One process at a time may start or stop the server of a data folder. The lock is an SQLite transaction on an empty file, because the kernel
 * takes such a lock back from a killed process at once: a file with a process id in it would lie after a crash, above all in
 * containers, where the ids start anew and repeat.
 */
export async function takeStartLock(path: string, waitMs: number): Promise<() => void> {
  const deadline = performance.now() + waitMs;
  const file = openLockFile(path);
  for (;;) {
    try {
      file.run('begin exclusive');
      return () => file.close();
    } catch (error) {
      if (codeOf(error) !== 'SQLITE_BUSY' || performance.now() > deadline) {
        file.close();
        throw cannotLock(path, error);
      }
    }
    await sleep(10);
  }
}

function openLockFile(path: string): Database {
  try {
    const file = new Database(path, { create: true, readwrite: true });
    file.run('pragma busy_timeout = 0');
    return file;
  } catch (error) {
    throw cannotLock(path, error);
  }
}

function cannotLock(path: string, error: unknown): DatabaseStartError {
  if (codeOf(error) === 'SQLITE_BUSY') {
    return new DatabaseStartError(
      `Another Sluice process is starting or stopping the database and does not come to an end (${path} is locked).`,
      'See what that process says, end it, and start again.',
      error,
    );
  }
  return new DatabaseStartError(
    `The lock of the data folder cannot be taken: ${path}: ${messageOf(error)}.`,
    'Make the folder writable for the user who runs Sluice, on a local disk, or set DATA_DIR to another one.',
    error,
  );
}
