import { randomFillSync } from 'node:crypto';

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const TIME_DIGITS = 10;
const RANDOM_DIGITS = 16;
const POOL_BYTES = 4096;

/**
 * Ids that sort by time: ten digits of milliseconds and sixteen random ones, in Crockford's base 32. Two of one millisecond sort in any order.
 * Random bytes are drawn by the pool, because asking the system for ten at a time costs more than the rest of the id.
 */
export function idMaker(now: () => number): (prefix: string) => string {
  const pool = new Uint8Array(POOL_BYTES);
  let used = POOL_BYTES;
  let lastMs = -1;
  let timeText = '';

  return (prefix) => {
    const ms = now();
    if (ms !== lastMs) {
      lastMs = ms;
      timeText = timeDigits(ms);
    }
    if (used + RANDOM_DIGITS > POOL_BYTES) {
      randomFillSync(pool);
      used = 0;
    }
    let id = `${prefix}_${timeText}`;
    for (let index = 0; index < RANDOM_DIGITS; index++) id += ALPHABET[(pool[used + index] ?? 0) & 31];
    used += RANDOM_DIGITS;
    return id;
  };
}

function timeDigits(ms: number): string {
  let rest = ms;
  let text = '';
  for (let digit = 0; digit < TIME_DIGITS; digit++) {
    text = `${ALPHABET[rest % 32]}${text}`;
    rest = Math.floor(rest / 32);
  }
  return text;
}
