import { expect, test } from 'bun:test';
import { type JobRate, nextRate, secondsLeft } from './job-rate.ts';

const START = 1_000_000;

/** A job that does so many each second, looked at every second, from its start. */
function watch(perSecond: readonly number[]): JobRate {
  let rate = nextRate(null, { atMs: START, done: 0, startedAtMs: START });
  let done = 0;
  for (const [second, count] of perSecond.entries()) {
    done += count;
    rate = nextRate(rate, { atMs: START + (second + 1) * 1000, done, startedAtMs: START });
  }
  return rate;
}

function seconds(count: number, perSecond: number): number[] {
  return Array.from({ length: count }, () => perSecond);
}

test('a job at an even pace goes at that pace, from the first look on', () => {
  expect(watch([10]).perS).toBeCloseTo(10);
  expect(watch(seconds(1000, 10)).perS).toBeCloseTo(10);
});

test('who comes later sees the mean since the start first', () => {
  expect(nextRate(null, { atMs: START + 20_000, done: 100, startedAtMs: START }).perS).toBe(5);
});

test('what was long ago is forgotten', () => {
  const rate = watch([...seconds(600, 100), ...seconds(1800, 10)]);
  expect(rate.perS).toBeGreaterThan(9.9);
  expect(rate.perS).toBeLessThan(11);
});

test('a job that stands still comes to a rate of nothing, never below', () => {
  const rate = watch([...seconds(60, 10), ...seconds(6000, 0)]);
  expect(rate.perS).toBeGreaterThanOrEqual(0);
  expect(rate.perS).toBeLessThan(0.01);
});

test('nothing is said of a job that has not begun, and a retry begins anew', () => {
  expect(nextRate(null, { atMs: START, done: 0, startedAtMs: null }).perS).toBeNull();
  expect(nextRate({ atMs: START, done: 50, perS: 9 }, { atMs: START + 1000, done: 0, startedAtMs: START }).perS).toBeNull();
});

test('two looks at one moment are one', () => {
  const rate = watch(seconds(5, 3));
  expect(nextRate(rate, { atMs: rate.atMs, done: 99, startedAtMs: START })).toBe(rate);
});

test.each([
  [{ done: 40, perS: 4 }, 100, 15],
  [{ done: 29, perS: 4 }, 100, null],
  [{ done: 40, perS: 0 }, 100, null],
  [{ done: 40, perS: null }, 100, null],
  [{ done: 5, perS: null }, 5, 0],
] as const)('%j of %d have %p s left', (rate, total, left) => {
  expect(secondsLeft({ atMs: START, ...rate }, total)).toBe(left);
});
