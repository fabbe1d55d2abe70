import { describe, expect, test } from 'bun:test';
import { createKeyRest } from './key-rest.ts';

describe('the rest of a key', () => {
  test('is as long as its provider says, and no longer than an hour', () => {
    const rest = createKeyRest();
    expect(rest.leftMs(0)).toBe(0);
    rest.limited(7000, 100);
    expect([rest.leftMs(100), rest.leftMs(7099), rest.leftMs(7100)]).toEqual([7000, 1, 0]);
    rest.limited(10 * 60 * 60_000, 8000);
    expect(rest.leftMs(8000)).toBe(60 * 60_000);
  });

  test('is twice as long each time where its provider does not say, until an answer has come after it', () => {
    const rest = createKeyRest();
    const rests: number[] = [];
    let nowMs = 0;
    for (let count = 0; count < 7; count++) {
      rest.limited(null, nowMs);
      rests.push(rest.leftMs(nowMs));
      // What was begun before it came to rest.
      rest.answered(nowMs + 1);
      nowMs += rest.leftMs(nowMs);
    }
    expect(rests).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
    rest.answered(nowMs);
    rest.limited(null, nowMs);
    expect(rest.leftMs(nowMs)).toBe(1000);
  });

  test('is one for a hundred calls that are limited together', () => {
    const rest = createKeyRest();
    for (let count = 0; count < 100; count++) rest.limited(null, count);
    expect(rest.leftMs(99)).toBe(1000);
    rest.limited(500, 100);
    expect(rest.leftMs(100)).toBe(999);
  });
});
