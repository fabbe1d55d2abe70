import { badForm, type PartHead, readPartHead } from './multipart-head.ts';

/** What stands in a multipart/form-data body (RFC 7578), in its order. The bytes of a part come in pieces, as they were read. */
export type MultipartEvent =
  | { readonly type: 'part'; readonly head: PartHead }
  | { readonly type: 'bytes'; readonly bytes: Uint8Array }
  | { readonly type: 'part-end' };

export type MultipartDecoder = {
  /** What these bytes complete. They are held back no longer than they could be the beginning of a boundary. */
  readonly push: (bytes: Uint8Array) => readonly MultipartEvent[];
  /** To be called when the body is over: throws where its last boundary has not come. */
  readonly end: () => void;
};

/** Forms have a few fields; a million empty parts are an attack. */
const PARTS_MAX = 100;
const HEAD_BYTES_MAX = 16 * 1024;
/** Before the first boundary and after the last one stands nothing that anybody reads. */
const IDLE_BYTES_MAX = 64 * 1024;
/** Of spaces behind a boundary. */
const MARK_BYTES_MAX = 256;

const LINE_END = Buffer.from('\r\n');
const HEAD_END = Buffer.from('\r\n\r\n');

type State = 'before' | 'mark' | 'head' | 'content' | 'after';
/** What is left to look at, and whether there is enough of it to go on. */
type Step = { readonly rest: Buffer; readonly isStuck: boolean };
type Reading = { state: State; parts: number; idleBytes: number; readonly delimiter: Buffer };

export function multipartDecoder(boundary: string): MultipartDecoder {
  const reading: Reading = { state: 'before', parts: 0, idleBytes: 0, delimiter: Buffer.from(`\r\n--${boundary}`) };
  // A boundary is one at the start of a line, and the body starts with one.
  let held: Buffer = LINE_END;

  return {
    push(bytes) {
      const events: MultipartEvent[] = [];
      let step: Step = { rest: joined(held, bytes), isStuck: false };
      while (!step.isStuck) step = STEPS[reading.state](reading, step.rest, events);
      // A copy: a few bytes must not keep the whole piece that they came with.
      held = Buffer.from(step.rest);
      return events;
    },
    end() {
      if (reading.state !== 'after') throw badForm('it ends before its last boundary');
    },
  };
}

function joined(held: Buffer, bytes: Uint8Array): Buffer {
  if (held.length > 0) return Buffer.concat([held, bytes]);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const STEPS: Readonly<Record<State, (reading: Reading, rest: Buffer, events: MultipartEvent[]) => Step>> = {
  before(reading, rest) {
    const found = rest.indexOf(reading.delimiter);
    const idle = found < 0 ? rest.length - heldBack(rest, reading.delimiter) : found;
    countIdle(reading, idle);
    if (found < 0) return { rest: rest.subarray(idle), isStuck: true };
    reading.state = 'mark';
    return { rest: rest.subarray(found + reading.delimiter.length), isStuck: false };
  },

  /** Behind a boundary: `--` after the last one, else the end of its line, spaces before it. */
  mark(reading, rest) {
    if (rest.length < 2) return { rest, isStuck: true };
    if (rest[0] === 45 && rest[1] === 45) {
      reading.state = 'after';
      return { rest: rest.subarray(2), isStuck: false };
    }
    const end = rest.indexOf(LINE_END);
    const spaces = rest.subarray(0, end < 0 ? rest.length - heldBack(rest, LINE_END) : end);
    if (spaces.length > MARK_BYTES_MAX || spaces.some((byte) => byte !== 32 && byte !== 9)) throw badForm('something stands behind a boundary');
    if (end < 0) return { rest, isStuck: true };
    if (++reading.parts > PARTS_MAX) throw badForm(`it has more than ${PARTS_MAX} parts`);
    reading.state = 'head';
    // With the end of the line before it, so that the end of an empty head is one like any other.
    return { rest: rest.subarray(end), isStuck: false };
  },

  head(reading, rest, events) {
    const end = rest.indexOf(HEAD_END);
    if ((end < 0 ? rest.length : end) > HEAD_BYTES_MAX) throw badForm(`the head of a part is longer than ${HEAD_BYTES_MAX} bytes`);
    if (end < 0) return { rest, isStuck: true };
    events.push({ type: 'part', head: readPartHead(rest.subarray(LINE_END.length, end)) });
    reading.state = 'content';
    return { rest: rest.subarray(end + HEAD_END.length), isStuck: false };
  },

  content(reading, rest, events) {
    const found = rest.indexOf(reading.delimiter);
    const end = found < 0 ? rest.length - heldBack(rest, reading.delimiter) : found;
    if (end > 0) events.push({ type: 'bytes', bytes: rest.subarray(0, end) });
    if (found < 0) return { rest: rest.subarray(end), isStuck: true };
    events.push({ type: 'part-end' });
    reading.state = 'mark';
    return { rest: rest.subarray(found + reading.delimiter.length), isStuck: false };
  },

  after(reading, rest) {
    countIdle(reading, rest.length);
    return { rest: rest.subarray(rest.length), isStuck: true };
  },
};

/** How many of the last bytes could be the beginning of a boundary. */
function heldBack(rest: Buffer, delimiter: Buffer): number {
  for (let count = Math.min(rest.length, delimiter.length - 1); count > 0; count--) {
    if (rest.subarray(rest.length - count).equals(delimiter.subarray(0, count))) return count;
  }
  return 0;
}

function countIdle(reading: Reading, bytes: number): void {
  reading.idleBytes += bytes;
  if (reading.idleBytes > IDLE_BYTES_MAX) throw badForm('too much stands outside of its parts');
}
