import { describe, expect, test } from 'bun:test';
import { addDays, dateAt, offsetMs, startOfDay } from './time-zone.ts';

const HOUR_MS = 3_600_000;
const at = (text: string): number => Date.parse(text);

describe('a day begins', () => {
  const cases: readonly [date: string, timeZone: string, begins: string, hours: number][] = [
    ['2026-03-07', 'UTC', '2026-03-07T00:00:00Z', 24],
    ['2026-03-08', 'America/Los_Angeles', '2026-03-08T08:00:00Z', 23],
    ['2026-11-01', 'America/Los_Angeles', '2026-11-01T07:00:00Z', 25],
    ['2026-03-08', 'Asia/Kolkata', '2026-03-07T18:30:00Z', 24],
    ['2026-03-08', 'Asia/Kathmandu', '2026-03-07T18:15:00Z', 24],
    // Lord Howe moves its clocks by half an hour.
    ['2026-04-05', 'Australia/Lord_Howe', '2026-04-04T13:00:00Z', 24.5],
    // In Cairo midnight is jumped over, and in Havana it comes twice.
    ['2026-04-24', 'Africa/Cairo', '2026-04-23T22:00:00Z', 23],
    ['2026-11-01', 'America/Havana', '2026-11-01T04:00:00Z', 25],
  ];
  test.each(cases)('%s in %s at %s and has %d hours', (date, timeZone, begins, hours) => {
    expect(startOfDay(date, timeZone)).toBe(at(begins));
    expect(startOfDay(addDays(date, 1), timeZone) - startOfDay(date, timeZone)).toBe(hours * HOUR_MS);
    expect(dateAt(at(begins), timeZone)).toBe(date);
    expect(dateAt(at(begins) - 1, timeZone)).toBe(addDays(date, -1));
  });
});

test('a clock east of UTC shows more, and one between two hours shows minutes', () => {
  expect(offsetMs(at('2026-07-01T00:00:00Z'), 'Europe/Madrid')).toBe(2 * HOUR_MS);
  expect(offsetMs(at('2026-07-01T00:00:00.999Z'), 'America/St_Johns')).toBe(-2.5 * HOUR_MS);
});

test('days are added over months, years and leap days', () => {
  expect(addDays('2028-02-28', 1)).toBe('2028-02-29');
  expect(addDays('2026-12-31', 1)).toBe('2027-01-01');
  expect(addDays('2026-03-01', -1)).toBe('2026-02-28');
});
