import { createHash } from 'node:crypto';
import { type App, EVERY_PROJECT } from '../app.ts';
import type { Files } from '../app/keeping.ts';
import { AppError } from '../contract/errors.ts';
import type { Blobs, ByteRange } from './blobs/blobs.ts';
import { codeOf, messageOf } from './postgres/database-start-error.ts';
import { beginBlob, blobIsGone, deleteExpiredFiles, deleteFile, dueBlobs, findFile, insertFile, listFiles, putOffBlob } from './postgres/file-store.ts';

type Needs = Pick<App, 'db' | 'inProject' | 'clock' | 'newId' | 'log'> & { readonly blobs: Blobs };
export type OpenFiles = Files & {
  /** What has expired, and blobs that no file has. */
  readonly purge: () => Promise<void>;
};

/** Longer than any upload takes. */
const SWEEP_AFTER_S = 86_400;
const FULL = new Set(['ENOSPC', 'EDQUOT']);

/** Files of projects: rows that say what there is, and blobs that hold it. */
export function createFiles(needs: Needs): OpenFiles {
  const { db, inProject, clock, newId, blobs } = needs;
  const now = (): Date => new Date(clock.now());

  return {
    async put(projectId, content, { describe, within }) {
      // As OpenAI's clients know a file.
      const id = newId('file').replace('_', '-');
      await beginBlob(db, id, SWEEP_AFTER_S);
      const counted = counting(content);
      const note = await (async () => {
        await blobs.write(id, counted.content);
        return describe();
      })().catch(async (cause: unknown) => {
        await forget(needs, id);
        throw asRefusal(cause);
      });
      const file = { ...note, ...counted.sum(), id, projectId, createdAt: clock.now() };
      // Whether a transaction whose connection broke took effect is unknown here: the sweep will know.
      await inProject(projectId, async (own) => {
        if (!(await insertFile(own, file))) throw new AppError('SERVICE_UNAVAILABLE', { message: 'The upload took longer than a day' });
        await within?.(own, file);
      });
      return file;
    },
    read: (file, range = { from: 0 }) => whole(blobs, file, range),
    find: (projectId, id) => inProject(projectId, (own) => findFile(own, projectId, id, now())),
    list: (projectId, asked) => inProject(projectId, (own) => listFiles(own, projectId, asked, now())),
    async remove(projectId, id) {
      const wasThere = await inProject(projectId, (own) => deleteFile(own, projectId, id));
      if (wasThere) await forget(needs, id);
      return wasThere;
    },
    async purge() {
      await inProject(EVERY_PROJECT, (all) => deleteExpiredFiles(all, now()));
      for (let due = await dueBlobs(db); due.length > 0; due = await dueBlobs(db)) {
        for (const id of due) await forget(needs, id);
      }
    },
  };
}

/** Removes a blob that no file has. What cannot be removed now is when the house is kept. */
async function forget({ db, blobs, log }: Needs, id: string): Promise<void> {
  try {
    await blobs.remove(id);
    await blobIsGone(db, id);
  } catch (cause) {
    log.warning('the content of a file could not be removed and is tried again in an hour', { file: id, reason: messageOf(cause) });
    await putOffBlob(db, id).catch(() => undefined);
  }
}

type Counted = { readonly content: AsyncIterable<Uint8Array>; readonly sum: () => { readonly bytes: number; readonly sha256: string } };

function counting(content: AsyncIterable<Uint8Array>): Counted {
  const hash = createHash('sha256');
  let bytes = 0;
  return {
    content: (async function* () {
      for await (const piece of content) {
        hash.update(piece);
        bytes += piece.length;
        yield piece;
      }
    })(),
    sum: () => ({ bytes, sha256: hash.digest('hex') }),
  };
}

/** A storage that ends early must not be taken for the end of the file. */
async function* whole(
  blobs: Blobs,
  { id, bytes }: { readonly id: string; readonly bytes: number },
  { from, to = bytes - 1 }: ByteRange,
): AsyncGenerator<Uint8Array> {
  let left = to + 1 - from;
  if (left <= 0) return;
  for await (const piece of blobs.read(id, { from, to })) {
    left -= piece.length;
    yield piece;
  }
  if (left !== 0) throw new Error(`the content of ${id} is ${Math.abs(left)} bytes too ${left > 0 ? 'short' : 'long'}`);
}

function asRefusal(cause: unknown): unknown {
  if (!FULL.has(codeOf(cause))) return cause;
  return new AppError('SERVICE_UNAVAILABLE', { message: 'There is no room for this file', retryAfterMs: 60_000, cause });
}
