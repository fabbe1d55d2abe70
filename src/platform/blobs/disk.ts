import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Blobs, ByteRange } from './blobs.ts';

const READ_BYTES = 256 * 1024;
const OWNER_ONLY = 0o700;

/** Content in files under one folder. It has its name when it is whole and on the disk, and not before. */
export function diskBlobs(folder: string): Blobs {
  // The last characters of an id are random: as many files in each folder, and no folder with all of them.
  const placeOf = (id: string): string => join(folder, id.slice(-2), id);
  return {
    async write(id, content) {
      const place = placeOf(id);
      const begun = `${place}.part`;
      await mkdir(dirname(place), { recursive: true, mode: OWNER_ONLY });
      try {
        await writeThrough(begun, content);
        await rename(begun, place);
        await syncFolder(dirname(place));
      } catch (cause) {
        await remove(place);
        throw cause;
      }
    },
    read: (id, range) => readThrough(placeOf(id), range),
    remove: (id) => remove(placeOf(id)),
    async check() {
      await mkdir(folder, { recursive: true, mode: OWNER_ONLY });
    },
  };
}

/** Through one piece of memory: new ones would come to as much as the file until the collector comes by. */
async function* readThrough(place: string, { from, to = Number.POSITIVE_INFINITY }: ByteRange): AsyncGenerator<Uint8Array, void> {
  const file = await open(place, 'r');
  try {
    const piece = new Uint8Array(READ_BYTES);
    for (let at = from; at <= to;) {
      const { bytesRead } = await file.read(piece, 0, Math.min(READ_BYTES, to + 1 - at), at);
      if (bytesRead === 0) return;
      yield piece.subarray(0, bytesRead);
      at += bytesRead;
    }
  } finally {
    await file.close();
  }
}

async function writeThrough(place: string, content: AsyncIterable<Uint8Array>): Promise<void> {
  const file = await open(place, 'w', 0o600);
  try {
    for await (const piece of content) await writeAll(file, piece);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function writeAll(file: FileHandle, piece: Uint8Array): Promise<void> {
  for (let at = 0; at < piece.length;) at += (await file.write(piece, at)).bytesWritten;
}

/** A name is durable when its folder is. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function remove(place: string): Promise<void> {
  await Promise.all([rm(place, { force: true }), rm(`${place}.part`, { force: true })]);
}
