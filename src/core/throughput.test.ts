import { expect, test } from 'bun:test';
import { createThroughput } from './throughput.ts';

test('what ended in the last second counts until the next one is over', () => {
  const throughput = createThroughput();
  expect(throughput.perSecond(0)).toBe(0);
  for (let ms = 0; ms < 1000; ms += 100) throughput.count(ms);
  expect(throughput.perSecond(999)).toBe(10);
  expect(throughput.perSecond(1500)).toBe(10);
  expect(throughput.perSecond(2000)).toBe(0);
});

test('a second that is better already counts by itself, and one of silence is none', () => {
  const throughput = createThroughput();
  throughput.count(500);
  for (let ms = 1000; ms < 1050; ms += 10) throughput.count(ms);
  expect(throughput.perSecond(1100)).toBe(5);
  expect(throughput.perSecond(5000)).toBe(0);
});
