import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../contract/errors.ts';
import { giveBack, piecesOf } from './body-rest.ts';
import { multipartDecoder } from '../wire/multipart.ts';
import { boundaryOf } from '../wire/multipart-head.ts';

/** A body that is too long for memory: it is set down on disk while it comes in, and its handler reads it from there, as often as it takes. */
export type BodyStream = {
  /** The bare type: `text/csv`. */
  readonly type: string;
  /** With its parameters, as it came: `multipart/form-data; boundary=x`. */
  readonly contentType: string;
  readonly bytes: number;
  /** From the beginning, each time. */
  readonly read: () => AsyncGenerator<Uint8Array, void>;
};

export type SetDown = BodyStream & {
  /** In hex; equal bodies have equal ones, and so have forms that differ in their boundary alone. */
  readonly sha256: string;
  readonly remove: () => Promise<void>;
};

type Coming = {
  readonly type: string;
  readonly bytesMax: number;
  /** Where there is room for it. */
  readonly folder: string;
};

const PIECE_BYTES = 256 * 1024;
const MB = 1024 * 1024;

/** Takes a body in to its end. A caller who is slow, or leaves, holds nothing of the service's but this file; a crash leaves nothing of it. */
export async function setDown(request: Request, { type, bytesMax, folder }: Coming): Promise<SetDown> {
  if (Number(request.headers.get('content-length')) > bytesMax) throw tooLarge(bytesMax);
  const path = join(folder, randomUUID());
  const file = await create(folder, path);
  // Its name goes at once, where the system lets it, and the file with its handle.
  await unlink(path).catch(() => undefined);
  const remove = async (): Promise<void> => {
    await file.close();
    await unlink(path).catch(() => undefined);
  };
  try {
    const { bytes, sha256 } = await write(request, file, bytesMax);
    return { type, contentType: request.headers.get('content-type') ?? type, bytes, sha256, read: () => pieces(file, bytes), remove };
  } catch (cause) {
    await remove();
    throw isFull(cause) ? noRoom(cause) : cause;
  }
}

async function create(folder: string, path: string): Promise<FileHandle> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return open(path, 'wx+', 0o600);
}

async function write(request: Request, file: FileHandle, bytesMax: number): Promise<{ readonly bytes: number; readonly sha256: string }> {
  const hash = contentHash(request.headers.get('content-type') ?? '');
  let bytes = 0;
  if (request.body !== null) {
    for await (const piece of piecesOf(request.body)) {
      if (bytes + piece.length > bytesMax) throw tooLarge(bytesMax);
      hash.update(piece);
      for (let from = 0; from < piece.length;) from += (await file.write(piece, from, piece.length - from, bytes + from)).bytesWritten;
      bytes += piece.length;
      giveBack(piece);
    }
  }
  return { bytes, sha256: hash.digest() };
}

type ContentHash = { readonly update: (piece: Uint8Array) => void; readonly digest: () => string };

/** Whoever sends a form again makes another boundary for it. A form that is none is refused before all of it has come. */
function contentHash(contentType: string): ContentHash {
  const hash = createHash('sha256');
  const boundary = boundaryOf(contentType);
  if (boundary === null) return { update: (piece) => void hash.update(piece), digest: () => hash.digest('hex') };
  const decoder = multipartDecoder(boundary);
  let bytes = 0;
  return {
    update(piece) {
      for (const event of decoder.push(piece)) {
        if (event.type === 'part') hash.update(`${bytes} ${JSON.stringify(event.head)}`);
        else if (event.type === 'bytes') {
          hash.update(event.bytes);
          bytes += event.bytes.length;
        }
      }
    },
    digest: () => hash.update(`${bytes}`).digest('hex'),
  };
}

async function* pieces(file: FileHandle, bytes: number): AsyncGenerator<Uint8Array, void> {
  for (let at = 0; at < bytes;) {
    // A new one each time: whoever has a piece may keep it.
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(Math.min(PIECE_BYTES, bytes - at)), 0, undefined, at);
    if (bytesRead === 0) throw new Error('a body that was set down has become shorter');
    yield buffer.subarray(0, bytesRead);
    at += bytesRead;
  }
}

function tooLarge(bytesMax: number): AppError {
  return new AppError('PAYLOAD_TOO_LARGE', {
    message: `The body is larger than ${Math.floor(bytesMax / MB)} MB`,
    details: { max_bytes: bytesMax },
  });
}

function isFull(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && (cause.code === 'ENOSPC' || cause.code === 'EDQUOT');
}

function noRoom(cause: unknown): AppError {
  return new AppError('SERVICE_UNAVAILABLE', { message: 'There is no room for this body on the disk of the service', retryAfterMs: 60_000, cause });
}
