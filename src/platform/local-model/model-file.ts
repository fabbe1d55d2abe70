import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { describeGguf, type GgufModel } from '../../wire/gguf-model.ts';
import { GgufError, type GgufHead, readGguf } from '../../wire/gguf.ts';

/** Why a file is no model that can be loaded, in words that anybody may read: where it lies is for the log. */
class ModelFileError extends Error {}

const FIRST_BYTES = 4 * 1_048_576;
/** A vocabulary of a million tokens with all that belongs to it. */
const HEAD_BYTES_MAX = 256 * 1_048_576;

/** What its head says; throws a ModelFileError where it is not there, no GGUF, damaged, or would end the process that loads it. */
export function readModelFile(path: string): GgufModel & { readonly bytes: number } {
  try {
    const { size, isFile } = lookAt(path);
    if (!isFile) throw new ModelFileError('its file is a folder, or something else that is no file');
    return { ...describeGguf(readHead(path, size)), bytes: size };
  } catch (cause) {
    if (cause instanceof GgufError) throw new ModelFileError(`its file cannot be loaded: ${cause.message}`, { cause });
    if (cause instanceof ModelFileError) throw cause;
    const { code } = cause as { readonly code?: string };
    if (code === 'ENOENT' || code === 'ENOTDIR') throw new ModelFileError('its file does not exist', { cause });
    throw new ModelFileError(`its file cannot be read (${code ?? 'unknown reason'})`, { cause });
  }
}

function lookAt(path: string): { readonly size: number; readonly isFile: boolean } {
  const found = statSync(path);
  return { size: found.size, isFile: found.isFile() };
}

function readHead(path: string, size: number): GgufHead {
  const file = openSync(path, 'r');
  try {
    return readWhole(file, size);
  } finally {
    closeSync(file);
  }
}

/** Twice as much each time, until the head is whole. */
function readWhole(file: number, size: number): GgufHead {
  for (let bytes = FIRST_BYTES; bytes <= HEAD_BYTES_MAX; bytes *= 2) {
    const begin = new Uint8Array(Math.min(bytes, size));
    let read = 0;
    while (read < begin.length) {
      const more = readSync(file, begin, read, begin.length - read, read);
      if (more === 0) break;
      read += more;
    }
    const head = readGguf(begin.subarray(0, read), size);
    if (head !== null) return head;
  }
  throw new GgufError(`its head is longer than ${HEAD_BYTES_MAX / 1_048_576} MB`);
}
