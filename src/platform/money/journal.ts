import { closeSync, mkdirSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { ProcessMark } from './process-mark.ts';

/**
 * What this process has spent and the database does not know yet, as lines in files that are mapped into its memory: to write a line is to copy
 * it, which costs a tenth of a system call, and it survives whatever ends the process, because the pages are the system's. A file is used
 * again or removed when all that it tells is in the database.
 */
export type Journal = {
  readonly append: (line: string) => Segment;
  /** What one `append` wrote is in the database. */
  readonly release: (segment: Segment) => void;
  /** Removes the files if nothing in them is still to be told. */
  readonly close: () => void;
};

export type Segment = { readonly path: string; readonly bytes: Uint8Array; used: number; pending: number };

export type JournalName = { readonly mark: ProcessMark; readonly processId: string };

/** Some ten thousand lines. */
const SEGMENT_BYTES = 4 * 1024 * 1024;
/** A file that is not needed at this moment is kept for when it is, up to so many. */
const SPARE_MAX = 2;
/** The most bytes of a character. */
const CHARACTER_BYTES = 3;
const NAME = /^(\d+)-(\d*)\.(proc_[0-9a-z]+)\.\d+\.jsonl$/;

export function openJournal(folder: string, name: JournalName): Journal {
  const make = segmentMaker(folder, name);
  const encoder = new TextEncoder();
  const spare: Segment[] = [];
  let current = make(0);

  return {
    append(line) {
      const most = (line.length + 2) * CHARACTER_BYTES;
      if (current.used + most > current.bytes.length) current = (most > SEGMENT_BYTES ? undefined : spare.pop()) ?? make(most);
      const segment = current;
      const { bytes, used } = segment;
      const { written } = encoder.encodeInto(line, bytes.subarray(used));
      // The end is marked before the line is: what a crash leaves in between has no line end and is left out.
      bytes[used + written + 1] = 0;
      bytes[used + written] = LINE_END;
      segment.used = used + written + 1;
      segment.pending++;
      return segment;
    },
    release(segment) {
      segment.pending--;
      if (segment.pending > 0) return;
      empty(segment);
      if (segment === current) return;
      if (spare.length < SPARE_MAX) spare.push(segment);
      else remove(segment);
    },
    close() {
      for (const segment of spare.splice(0)) remove(segment);
      if (current.pending === 0) remove(current);
    },
  };
}

const LINE_END = 10;

function segmentMaker(folder: string, { mark, processId }: JournalName): (bytesMin: number) => Segment {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  let count = 0;
  return (bytesMin) => {
    const path = join(folder, `${mark.pid}-${mark.began}.${processId}.${++count}.jsonl`);
    const descriptor = openSync(path, 'wx', 0o600);
    // Filled, so that a disk that is full says so here, where it can be told, and not when a page is written to.
    writeSync(descriptor, new Uint8Array(Math.max(SEGMENT_BYTES, bytesMin)));
    closeSync(descriptor);
    return { path, bytes: Bun.mmap(path, { shared: true }), used: 0, pending: 0 };
  };
}

function empty(segment: Segment): void {
  segment.used = 0;
  segment.bytes[0] = 0;
}

/** Which process wrote a file of this name; null for other files. */
export function readJournalName(file: string): JournalName | null {
  const [, pid, began, processId] = NAME.exec(file) ?? [];
  return pid === undefined || began === undefined || processId === undefined ? null : { mark: { pid: Number(pid), began }, processId };
}

/** The lines of a journal, the last one for each id: a call's last line is the truth. A line that was cut off by a crash is left out. */
export function readJournal(text: string): Map<string, string> {
  const rows = new Map<string, string>();
  const end = text.indexOf('\0');
  const written = end < 0 ? text : text.slice(0, end);
  const whole = written.slice(0, written.lastIndexOf('\n') + 1);
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
  try {
    unlinkSync(segment.path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
  }
}
