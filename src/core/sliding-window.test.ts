import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { admit, isIdle, slidingWindow } from './sliding-window.ts';

test('no window, wherever it starts, admits more than the limit', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 500 }),
      fc.array(fc.integer({ min: 0, max: 100 }), { maxLength: 300 }),
      (limit, windowMs, gaps) => {
        const window = slidingWindow(limit);
        const admitted: number[] = [];
        let now = 0;
        for (const gap of gaps) {
          now += gap;
          if (admit(window, windowMs, now).admitted) admitted.push(now);
        }
        for (const start of admitted) expect(admitted.filter((at) => at >= start && at < start + windowMs).length).toBeLessThanOrEqual(limit);
      },
    ),
  );
});

test('a caller who waits as long as it is told is admitted', () => {
  const window = slidingWindow(2);
  admit(window, 1000, 0);
  admit(window, 1000, 400);
  const refused = admit(window, 1000, 500);
  expect(refused).toEqual({ admitted: false, remaining: 0, retryAfterMs: 500, resetMs: 900 });
  expect(admit(window, 1000, 1000).admitted).toBe(true);
});

test('remaining counts down, and a window is idle when its last admission has left it', () => {
  const window = slidingWindow(3);
  expect([0, 1, 2].map((at) => admit(window, 100, at).remaining)).toEqual([2, 1, 0]);
  expect(isIdle(window, 100, 101)).toBe(false);
  expect(isIdle(window, 100, 102)).toBe(true);
});
