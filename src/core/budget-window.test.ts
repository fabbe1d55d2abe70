import { describe, expect, test } from 'bun:test';
import { budgetWindow } from './budget-window.ts';

type Case = readonly [zone: string, now: string, startsAt: string, endsAt: string];

const iso = (ms: number): string => new Date(ms).toISOString().replace('.000', '');

describe('a day begins and ends at the midnights of its time zone', () => {
  const cases: readonly Case[] = [
    ['UTC', '2026-11-21T23:59:59Z', '2026-11-21T00:00:00Z', '2026-11-22T00:00:00Z'],
    ['Asia/Kolkata', '2026-11-21T18:29:59Z', '2026-11-20T18:30:00Z', '2026-11-21T18:30:00Z'],
    ['Asia/Kolkata', '2026-11-21T18:30:00Z', '2026-11-21T18:30:00Z', '2026-11-22T18:30:00Z'],
    // The clock goes back: a day of 25 hours. And forward: one of 23.
    ['America/Los_Angeles', '2026-11-01T12:00:00Z', '2026-11-01T07:00:00Z', '2026-11-02T08:00:00Z'],
    ['America/Los_Angeles', '2026-03-08T12:00:00Z', '2026-03-08T08:00:00Z', '2026-03-09T07:00:00Z'],
    // The clock jumps over midnight: the day begins at one.
    ['America/Santiago', '2026-09-06T12:00:00Z', '2026-09-06T04:00:00Z', '2026-09-07T03:00:00Z'],
    // It goes back at midnight: the day before has its last hour twice.
    ['America/Santiago', '2026-04-04T12:00:00Z', '2026-04-04T03:00:00Z', '2026-04-05T04:00:00Z'],
    ['Asia/Kathmandu', '2026-11-21T00:00:00Z', '2026-11-20T18:15:00Z', '2026-11-21T18:15:00Z'],
  ];
  for (const [zone, now, startsAt, endsAt] of cases) {
    test(`${zone} at ${now}`, () => {
      const window = budgetWindow('day', zone, Date.parse(now));
      expect({ startsAt: iso(window.startsAt), endsAt: iso(window.endsAt) }).toEqual({ startsAt, endsAt });
    });
  }
});

test('the days of a year follow each other without a gap, and hold every moment of theirs', () => {
  for (const zone of ['America/Los_Angeles', 'Asia/Kolkata', 'America/Santiago', 'Pacific/Apia', 'Africa/Cairo']) {
    let at = Date.parse('2026-01-01T12:00:00Z');
    for (let day = 0; day < 366; day++) {
      const window = budgetWindow('day', zone, at);
      expect(budgetWindow('day', zone, window.endsAt).startsAt).toBe(window.endsAt);
      expect(budgetWindow('day', zone, window.endsAt - 1)).toEqual(window);
      at = window.endsAt;
    }
  }
});

test('a month begins on its first, December ends with the year', () => {
  const window = budgetWindow('month', 'Europe/Berlin', Date.parse('2026-12-31T23:30:00Z'));
  expect([iso(window.startsAt), iso(window.endsAt)]).toEqual(['2026-12-31T23:00:00Z', '2027-01-31T23:00:00Z']);
});

test('the total never ends', () => {
  expect(budgetWindow('total', 'UTC', 1)).toEqual({ startsAt: 0, endsAt: Number.POSITIVE_INFINITY });
});
