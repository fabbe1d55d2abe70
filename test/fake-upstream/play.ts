import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Wire } from './connection.ts';
import type { Act } from './plan.ts';
import type { Rule } from './rule.ts';

/** When what happened, in milliseconds of `performance.now()`. */
export type Marks = { headAt: number | null; firstPieceAt: number | null; endedAt: number | null; brokenOffAt: number | null; pieces: number };

// A reader that finds bytes and the break at once may drop the bytes, as Bun's fetch does: what was sent shall be seen.
const BREAK_AFTER_MS = 10;

/** Acts a plan out. What need not wait goes out together. */
export async function play(wire: Wire, acts: readonly Act[], rule: Rule, marks: Marks): Promise<'over' | 'left open'> {
  let unsent: (string | Uint8Array)[] = [];
  const flush = async (): Promise<void> => {
    const bytes = unsent;
    unsent = [];
    if (bytes.length > 0 && wire.isOpen()) await write(wire, joined(bytes), rule.writeBytes);
  };
  for (const act of acts) {
    if (!wire.isOpen()) return 'over';
    switch (act.do) {
      case 'send':
        unsent.push(act.bytes);
        marks.headAt ??= performance.now();
        if (act.pieces) marks.firstPieceAt ??= performance.now();
        marks.pieces = act.pieces ?? marks.pieces;
        break;
      case 'wait':
        await flush();
        await wire.sleep(act.ms);
        break;
      case 'stall':
        await flush();
        return 'left open';
      case 'break':
        await flush();
        await wire.sleep(BREAK_AFTER_MS);
        marks.brokenOffAt = performance.now();
        wire.close(act.how);
        return 'over';
      case 'end':
        await flush();
        if (!wire.isOpen()) return 'over';
        marks.endedAt = performance.now();
        if (rule.closeAfterAnswer === true) wire.close('close');
        else wire.done();
        return 'over';
      default:
        act satisfies never;
    }
  }
  return 'over';
}

function joined(bytes: readonly (string | Uint8Array)[]): string | Uint8Array {
  if (bytes.every((each) => typeof each === 'string')) return bytes.join('');
  return Buffer.concat(bytes.map((each) => (typeof each === 'string' ? Buffer.from(each) : each)));
}

async function write(wire: Wire, bytes: string | Uint8Array, bytesAtOnce: number | undefined): Promise<void> {
  if (bytesAtOnce === undefined) return wire.send(bytes);
  const all = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
  for (let at = 0; at < all.length && wire.isOpen(); at += bytesAtOnce) {
    await wire.send(all.subarray(at, at + bytesAtOnce));
    await nextTurn();
  }
}
