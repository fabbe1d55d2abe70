import { expect, test } from 'bun:test';
import { z } from 'zod';
import { RANGE_FIELDS } from './time-range.ts';

const range = z.strictObject(RANGE_FIELDS);
const takes = (from: string): boolean => range.safeParse({ from }).success;

test('every day from 2000 to 2099 is taken, and no other', () => {
  const dates = numbers(1998, 2101).flatMap((year) => numbers(0, 13).flatMap((month) => numbers(0, 32).map((day) => `${year}-${two(month)}-${two(day)}`)));
  const taken = dates.filter(takes);
  expect(taken).toEqual(dates.filter((date) => date.startsWith('20') && date < '2100' && isDay(date)));
  expect(taken).toHaveLength(36_525);
});

test.each(['2026-03-08T12:00Z', '2026-03-08T12:00:00.123456789+23:59', '2024-02-29T00:00:00 02:00', '2026-12-31T23:59:59-12:00'])(
  '%s is a moment',
  (moment) => {
    expect(takes(moment)).toBe(true);
    expect(Date.parse(moment.replace(' ', '+'))).not.toBeNaN();
  },
);

test.each(['', '2026-03', '2026-03-08T12:00', '2026-03-08T24:00Z', '2026-03-08T23:59:60Z', '2026-03-08T12:00+24:00', '2026-03-08 ', '2026-02-29T00:00Z'])(
  '%p is none',
  (moment) => expect(takes(moment)).toBe(false),
);

function numbers(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

function two(number: number): string {
  return String(number).padStart(2, '0');
}

/** The runtime takes the 30th of February for the 2nd of March. */
function isDay(date: string): boolean {
  const ms = Date.parse(`${date}T00:00:00Z`);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(date);
}
