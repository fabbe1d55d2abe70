import { describe, expect, test } from 'bun:test';
import { readRange } from '../../core/time-range.ts';
import { cutRange } from './periods.ts';

const NOW = Date.parse('2026-11-21T12:00:00Z');
const ZONES = ['UTC', 'America/Los_Angeles', 'Asia/Kolkata', 'Australia/Lord_Howe', 'America/Havana', 'Africa/Cairo', 'America/St_Johns'];
const QUARTER_MS = 900_000;

function cut(from: string, to: string, units: readonly ('hour' | 'day' | 'week' | 'month')[], timeZone: string) {
  return cutRange(readRange({ from, to }, timeZone, NOW), { units, timeZone, most: 10_000 }) ?? [];
}

test.each(ZONES)('in %s the periods of a year follow each other without a gap, end on quarters of an hour, and none has the name of another', (timeZone) => {
  for (const unit of ['hour', 'day', 'week', 'month'] as const) {
    const periods = cut('2026-01-01', '2026-12-31', [unit], timeZone);
    const range = readRange({ from: '2026-01-01', to: '2026-12-31' }, timeZone, NOW);
    expect([periods[0]?.startsAt, periods.at(-1)?.endsAt]).toEqual([range.fromMs, range.toMs]);
    expect(periods.filter((period, index) => index > 0 && period.startsAt !== periods[index - 1]?.endsAt)).toEqual([]);
    expect(periods.filter(({ startsAt, endsAt }) => startsAt >= endsAt || startsAt % QUARTER_MS !== 0)).toEqual([]);
    expect(new Set(periods.map(({ labels }) => labels[unit])).size).toBe(periods.length);
  }
  expect(cut('2026-01-01', '2026-12-31', ['day'], timeZone)).toHaveLength(365);
  expect(cut('2026-01-01', '2026-12-31', ['month'], timeZone)).toHaveLength(12);
});

describe('when the clocks are moved in Los Angeles', () => {
  test('the hour that is left out is none', () => {
    const hours = cut('2026-03-08', '2026-03-08', ['hour'], 'America/Los_Angeles').map(({ labels }) => labels.hour);
    expect(hours).toHaveLength(23);
    expect(hours.slice(1, 3)).toEqual(['2026-03-08T01:00:00-08:00', '2026-03-08T03:00:00-07:00']);
  });

  test('the hour that comes twice is two', () => {
    const hours = cut('2026-11-01', '2026-11-01', ['hour'], 'America/Los_Angeles').map(({ labels }) => labels.hour);
    expect(hours).toHaveLength(25);
    expect(hours.slice(1, 3)).toEqual(['2026-11-01T01:00:00-07:00', '2026-11-01T01:00:00-08:00']);
  });
});

test('weeks begin on Mondays, and a week of two months is cut where both are asked for', () => {
  const periods = cut('2026-06-25', '2026-07-07', ['week', 'month'], 'UTC');
  expect(periods.map(({ labels }) => [labels.week, labels.month])).toEqual([
    ['2026-06-22', '2026-06'],
    ['2026-06-29', '2026-06'],
    ['2026-06-29', '2026-07'],
    ['2026-07-06', '2026-07'],
  ]);
});

test('a range without units is one period, and one with too many is refused', () => {
  expect(cut('2026-01-01', '2026-01-31', [], 'UTC')).toHaveLength(1);
  expect(cutRange(readRange({ from: '2025-01-01', to: '2026-12-31' }, 'UTC', NOW), { units: ['hour'], timeZone: 'UTC', most: 10_000 })).toBeNull();
});
