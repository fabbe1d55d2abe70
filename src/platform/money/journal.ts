import { closeSync, ftruncateSync, mkdirSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { ProcessMark } from './process-mark.ts';

/**
 * What this process has spent and the database does not know yet, as lines in a file. A line is with the system before `append` returns, so
 * that it survives whatever ends the process. A file is emptied or removed when all that it tells is in the database.
 */
export type Journal = {
  readonly append: (line: string) => Segment;
  /** The same, but the line is with the system only when this turn of the event loop ends: many lines in one call to it. */
  readonly appendSoon: (line: string) => Segment;
  /** What one `append` wrote is in the database. */
  readonly release: (segment: Segment) => void;
  /** Removes the file if nothing in it is still to be told. */
  readonly close: () => void;
};

/** `bytes` is about how many: what is not ASCII has more. */
export type Segment = { readonly path: string; readonly descriptor: number; bytes: number; pending: number };

export type JournalName = { readonly mark: ProcessMark; readonly processId: string };

/** A file as long as this is followed by the next, so that one slow call does not keep everything that came after it. */
const SEGMENT_BYTES = 8 * 1024 * 1024;
/** To empty a file costs a system call: worth it when it has grown. */
const EMPTY_FROM_BYTES = 1024 * 1024;
const NAME = /^(\d+)-(\d*)\.(proc_[0-9a-z]+)\.\d+\.jsonl$/;

export function openJournal(folder: string, name: JournalName): Journal {
  const segments = segmentMaker(folder, name);
  let current = segments();
  let soon = '';

  const flush = (): void => {
    if (soon === '') return;
    const lines = soon;
    soon = '';
    writeAll(current.descriptor, lines);
  };
  const add = (line: string): Segment => {
    current.bytes += line.length;
    current.pending++;
    return current;
  };
  const rotate = (): void => {
    if (current.bytes < SEGMENT_BYTES) return;
    flush();
    current = segments();
  };

  return {
    append(line) {
      rotate();
      flush();
      writeAll(current.descriptor, `${line}\n`);
      return add(line);
    },
    appendSoon(line) {
      rotate();
      if (soon === '') setImmediate(flush);
      soon += `${line}\n`;
      return add(line);
    },
    release(segment) {
      segment.pending--;
      if (segment.pending > 0) return;
      if (segment !== current) remove(segment);
      else if (segment.bytes >= EMPTY_FROM_BYTES && soon === '') empty(segment);
    },
    close() {
      flush();
      if (current.pending === 0) remove(current);
    },
  };
}

function segmentMaker(folder: string, { mark, processId }: JournalName): () => Segment {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  let count = 0;
  return () => {
    const path = join(folder, `${mark.pid}-${mark.began}.${processId}.${++count}.jsonl`);
    return { path, descriptor: openSync(path, 'a', 0o600), bytes: 0, pending: 0 };
  };
}

function empty(segment: Segment): void {
  ftruncateSync(segment.descriptor, 0);
  segment.bytes = 0;
}

/** Which process wrote a file of this name; null for other files. */
export function readJournalName(file: string): JournalName | null {
  const [, pid, began, processId] = NAME.exec(file) ?? [];
  return pid === undefined || began === undefined || processId === undefined ? null : { mark: { pid: Number(pid), began }, processId };
}

/** The lines of a journal, the last one for each id: a call's last line is the truth. A line that was cut off by a crash is left out. */
export function readJournal(text: string): Map<string, string> {
  const rows = new Map<string, string>();
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  for (const line of whole.split('\n')) {
    const id = idOf(line);
    if (id !== null) rows.set(id, line);
  }
  return rows;
}

function idOf(line: string): string | null {
  if (line === '') return null;
  try {
    const { id } = JSON.parse(line) as { id?: unknown };
    return typeof id === 'string' ? id : null;
  } catch {
    // Half a line in the middle of a file: the disk was full for a while.
    return null;
  }
}

function remove(segment: Segment): void {
  closeSync(segment.descriptor);
  try {
    unlinkSync(segment.path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
  }
}

function writeAll(descriptor: number, text: string): void {
  const written = writeSync(descriptor, text);
  // To count the bytes of each text costs more than to write it; where fewer were written than it has characters, the disk is nearly full.
  if (written >= text.length) return;
  let rest = Buffer.from(text).subarray(written);
  while (rest.length > 0) rest = rest.subarray(writeSync(descriptor, rest));
}
