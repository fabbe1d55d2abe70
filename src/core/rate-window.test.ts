import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { add, fits, moveTo, type RateWindow, rateWindow, resetMs, settle, waitMs } from './rate-window.ts';

type Asked = { readonly nowMs: number; readonly weight: number };

function admit(window: RateWindow, max: number, windowMs: number, asked: Asked): boolean {
  moveTo(window, windowMs, asked.nowMs);
  if (!fits(window, max, asked.weight)) return false;
  add(window, windowMs, asked);
  return true;
}

/** The most that any window of this length holds, wherever it starts: the fullest ones begin with an admission. */
function fullest(admitted: readonly Asked[], windowMs: number): number {
  let most = 0;
  let sum = 0;
  let start = 0;
  for (const { nowMs, weight } of admitted) {
    sum += weight;
    for (; nowMs - (admitted[start]?.nowMs ?? 0) >= windowMs; start++) sum -= admitted[start]?.weight ?? 0;
    most = Math.max(most, sum);
  }
  return most;
}

const span = fc.integer({ min: 60, max: 5000 });
const steps = fc.array(fc.record({ gap: fc.double({ min: 0, max: 150, noNaN: true }), weight: fc.integer({ min: 1, max: 12 }) }), {
  maxLength: 400,
  size: 'max',
});

test('no window, wherever it starts, admits more than the limit, whatever the weights', () => {
  fc.assert(
    fc.property(fc.integer({ min: 12, max: 60 }), span, steps, (max, windowMs, asked) => {
      const window = rateWindow();
      const admitted: Asked[] = [];
      let nowMs = 0;
      for (const { gap, weight } of asked) {
        nowMs += gap;
        if (admit(window, max, windowMs, { nowMs, weight })) admitted.push({ nowMs, weight });
      }
      expect(fullest(admitted, windowMs)).toBeLessThanOrEqual(max);
      expect(window.buckets.length).toBeLessThanOrEqual(2 * 62);
    }),
  );
});

test('what is refused would have filled a window that is a sixtieth longer', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), span, steps, (max, windowMs, asked) => {
      const window = rateWindow();
      const admitted: Asked[] = [];
      let nowMs = 0;
      for (const { gap } of asked) {
        nowMs += gap;
        if (admit(window, max, windowMs, { nowMs, weight: 1 })) admitted.push({ nowMs, weight: 1 });
        else expect(admitted.filter((each) => nowMs - each.nowMs < windowMs * (61 / 60) + 1e-6).length).toBeGreaterThanOrEqual(max);
      }
    }),
  );
});

test('a caller who waits as long as it is told is admitted, and not a bucket later than needed', () => {
  const window = rateWindow();
  admit(window, 2, 6000, { nowMs: 0, weight: 1 });
  admit(window, 2, 6000, { nowMs: 400, weight: 1 });
  expect(admit(window, 2, 6000, { nowMs: 500, weight: 1 })).toBe(false);
  expect(waitMs(window, { max: 2, windowMs: 6000 }, { nowMs: 500, weight: 1 })).toBe(5500);
  expect(resetMs(window, 6000, 500)).toBe(5900);
  expect(admit(window, 2, 6000, { nowMs: 5999, weight: 1 })).toBe(false);
  expect(admit(window, 2, 6000, { nowMs: 6000, weight: 1 })).toBe(true);
});

test('many callers who wait as long as they are told are all admitted at the first retry', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 80, size: 'max' }), (max, gaps) => {
      const window = rateWindow();
      const windowMs = 6000;
      let nowMs = 0;
      const returns: number[] = [];
      for (const gap of gaps) {
        nowMs += gap;
        // No newcomer after the first place has come free, and no more callers than places.
        if (nowMs >= windowMs || returns.length === max) break;
        moveTo(window, windowMs, nowMs);
        if (fits(window, max, 1)) add(window, windowMs, { nowMs, weight: 1 });
        else returns.push(nowMs + waitMs(window, { max, windowMs }, { nowMs, weight: 1 }));
      }
      for (const at of returns.toSorted((a, b) => a - b)) expect(admit(window, max, windowMs, { nowMs: at, weight: 1 })).toBe(true);
    }),
  );
});

test('the one after those who fill a window is told no later than the first of them', () => {
  const window = rateWindow();
  const limit = { max: 3, windowMs: 6000 };
  for (const nowMs of [0, 1000, 2000]) admit(window, 3, 6000, { nowMs, weight: 1 });
  expect([1, 2, 3, 4].map(() => waitMs(window, limit, { nowMs: 3000, weight: 1 }))).toEqual([3000, 4000, 5000, 3000]);
});

test('those who were told to come back and did not are forgotten', () => {
  const window = rateWindow();
  for (const nowMs of [0, 3000]) admit(window, 2, 6000, { nowMs, weight: 1 });
  expect(waitMs(window, { max: 2, windowMs: 6000 }, { nowMs: 3000, weight: 1 })).toBe(3000);
  expect(waitMs(window, { max: 2, windowMs: 6000 }, { nowMs: 3000, weight: 1 })).toBe(6000);
  moveTo(window, 6000, 9000);
  for (const nowMs of [9000, 9100]) admit(window, 2, 6000, { nowMs, weight: 1 });
  expect(waitMs(window, { max: 2, windowMs: 6000 }, { nowMs: 9200, weight: 1 })).toBe(5800);
});

test('tokens that were not used are free again at once, more than were taken count too, and never is there a debt', () => {
  const window = rateWindow();
  admit(window, 100, 6000, { nowMs: 0, weight: 60 });
  admit(window, 100, 6000, { nowMs: 3000, weight: 40 });
  settle(window, 6000, { atMs: 0, change: -50 });
  expect(window.spent).toBe(50);
  settle(window, 6000, { atMs: 3000, change: 30 });
  expect(window.spent).toBe(80);
  settle(window, 6000, { atMs: 0, change: -500 });
  expect(window.spent).toBe(70);
  // The bucket that they were taken from is gone: what they took is free already.
  moveTo(window, 6000, 6000);
  settle(window, 6000, { atMs: 0, change: -10 });
  expect(window.spent).toBe(70);
});

test('a weight that never fits is told to wait for a window', () => {
  const window = rateWindow();
  admit(window, 10, 6000, { nowMs: 0, weight: 5 });
  expect(waitMs(window, { max: 10, windowMs: 6000 }, { nowMs: 0, weight: 11 })).toBe(6000);
});

test.each([
  ['an hour back', -3_600_000],
  ['an hour ahead', 3_600_000],
  ['thirty days ahead', 30 * 86_400_000],
])('a clock that jumps %s gives one more burst at most, and nothing stands still', (_words, jumpMs) => {
  const window = rateWindow();
  let nowMs = 1e12;
  let admitted = 0;
  const ask = (): void => {
    if (admit(window, 10, 6000, { nowMs, weight: 1 })) admitted++;
  };
  for (let nth = 0; nth < 50; nth++) ask();
  nowMs += jumpMs;
  for (let nth = 0; nth < 50; nth++) ask();
  expect(admitted).toBeLessThanOrEqual(20);
  nowMs += 6000;
  const before = admitted;
  for (let nth = 0; nth < 50; nth++) ask();
  expect(admitted - before).toBe(10);
});

test('a clock that is set back a little loses nothing', () => {
  const window = rateWindow();
  for (let nth = 0; nth < 10; nth++) admit(window, 10, 6000, { nowMs: 1000 - nth, weight: 1 });
  expect(admit(window, 10, 6000, { nowMs: 950, weight: 1 })).toBe(false);
});
