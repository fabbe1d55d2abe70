import { expect, test } from 'bun:test';
import { readRange } from './time-range.ts';

const NOW = Date.parse('2026-11-21T12:00:00Z');

test('a range is 30 days up to today, or up to the day that is given; moments are taken as they are', () => {
  expect(readRange({}, 'UTC', NOW)).toEqual({ fromMs: Date.parse('2026-10-23'), toMs: Date.parse('2026-11-22') });
  expect(readRange({ to: '2026-03-10' }, 'UTC', NOW)).toEqual({ fromMs: Date.parse('2026-02-09'), toMs: Date.parse('2026-03-11') });
  expect(readRange({ from: '2026-11-20T10:00:00 05:30', to: '2026-11-20T10:00:00Z' }, 'UTC', NOW)).toEqual({
    fromMs: Date.parse('2026-11-20T04:30:00Z'),
    toMs: Date.parse('2026-11-20T10:00:00Z'),
  });
});
