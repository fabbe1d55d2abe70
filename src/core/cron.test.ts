import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { readCron, type Cron } from '../contract/schedule.ts';
import { lastTime, nextTime } from './cron.ts';
import { offsetMs } from './time-zone.ts';

function cronOf(text: string): Cron {
  const cron = readCron(text);
  if (cron === null) throw new Error(`${text} is no cron`);
  return cron;
}

function times(text: string, { after, zone = 'UTC', count = 1 }: { after: string; zone?: string; count?: number }): (string | null)[] {
  const found: (string | null)[] = [];
  let at: number | null = Date.parse(after);
  for (let index = 0; index < count && at !== null; index++) {
    at = nextTime(cronOf(text), at, zone);
    found.push(at === null ? null : new Date(at).toISOString().replace(':00.000Z', 'Z'));
  }
  return found;
}

describe('the next time', () => {
  test.each([
    ['30 6 * * mon-fri', '2026-11-20T06:30:00Z', ['2026-11-23T06:30Z', '2026-11-24T06:30Z']],
    ['*/20 9-10 * * *', '2026-11-21T08:00:00Z', ['2026-11-21T09:00Z', '2026-11-21T09:20Z', '2026-11-21T09:40Z', '2026-11-21T10:00Z']],
    ['0 0 1,15 * *', '2026-11-21T00:00:00Z', ['2026-12-01T00:00Z', '2026-12-15T00:00Z', '2027-01-01T00:00Z']],
    ['0 0 29 2 *', '2026-01-01T00:00:00Z', ['2028-02-29T00:00Z', '2032-02-29T00:00Z']],
    ['0 0 29 2 *', '2096-03-01T00:00:00Z', ['2104-02-29T00:00Z']],
    [
      '0 12 13 * fri',
      '2026-11-01T00:00:00Z',
      ['2026-11-06T12:00Z', '2026-11-13T12:00Z', '2026-11-20T12:00Z', '2026-11-27T12:00Z', '2026-12-04T12:00Z', '2026-12-11T12:00Z', '2026-12-13T12:00Z'],
    ],
    ['0 12 * * 7', '2026-11-21T00:00:00Z', ['2026-11-22T12:00Z']],
    ['5/20 * * * *', '2026-11-21T10:00:00Z', ['2026-11-21T10:05Z', '2026-11-21T10:25Z', '2026-11-21T10:45Z', '2026-11-21T11:05Z']],
    ['@daily', '2026-11-21T10:00:00Z', ['2026-11-22T00:00Z']],
    ['0 0 30 2 *', '2026-01-01T00:00:00Z', [null]],
  ])('of %s after %s', (text, after, wanted) => {
    expect(times(text, { after, count: wanted.length })).toEqual(wanted);
  });
});

describe('where the clock changes', () => {
  test('a time that it jumps over is due at the jump', () => {
    // In New York 02:00 to 03:00 on the 8th of March 2026 is not shown.
    expect(times('30 2 * * *', { after: '2026-03-07T12:00:00Z', zone: 'America/New_York', count: 2 })).toEqual(['2026-03-08T07:00Z', '2026-03-09T06:30Z']);
  });
  test('a time that it shows twice is due the first time', () => {
    expect(times('30 1 * * *', { after: '2026-10-31T12:00:00Z', zone: 'America/New_York', count: 2 })).toEqual(['2026-11-01T05:30Z', '2026-11-02T06:30Z']);
  });
  test('what is due in every hour is due in the repeated one too', () => {
    expect(times('30 * * * *', { after: '2026-11-01T05:00:00Z', zone: 'America/New_York', count: 3 })).toEqual([
      '2026-11-01T05:30Z',
      '2026-11-01T06:30Z',
      '2026-11-01T07:30Z',
    ]);
  });
  test('a day that is left out is due when it would have been over', () => {
    // Samoa had no 30th of December 2011.
    expect(times('0 12 30 12 *', { after: '2011-12-29T00:00:00Z', zone: 'Pacific/Apia' })).toEqual(['2011-12-30T10:00Z']);
  });
  test('half an hour counts too', () => {
    expect(times('15 2 * * *', { after: '2026-10-03T00:00:00Z', zone: 'Australia/Lord_Howe', count: 2 })).toEqual(['2026-10-03T15:30Z', '2026-10-04T15:15Z']);
  });

  test('each day has its one time, in any place', () => {
    const zone = fc.constantFrom('America/New_York', 'Europe/Berlin', 'Australia/Lord_Howe', 'America/St_Johns', 'Africa/Casablanca', 'Asia/Tehran', 'UTC');
    const clock = fc.record({ hour: fc.integer({ min: 0, max: 23 }), minute: fc.integer({ min: 0, max: 59 }) });
    fc.assert(
      fc.property(zone, clock, fc.integer({ min: Date.UTC(2015, 0), max: Date.UTC(2030, 0) }), (timeZone, { hour, minute }, after) => {
        const cron = cronOf(`${minute} ${hour} * * *`);
        const first = nextTime(cron, after, timeZone) ?? 0;
        const second = nextTime(cron, first, timeZone) ?? 0;
        expect(first).toBeGreaterThan(after);
        expect(second - first).toBeGreaterThanOrEqual(22 * 3_600_000);
        expect(second - first).toBeLessThanOrEqual(26 * 3_600_000);
        const shown = (at: number): number => Math.floor(((((at + offsetMs(at, timeZone)) / 60_000) % 1440) + 1440) % 1440);
        expect([first, second].some((at) => shown(at) === hour * 60 + minute)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});

test('the last time of those that were missed is found without looking at all of them', () => {
  const cron = cronOf('* * * * *');
  const until = Date.parse('2026-11-21T10:00:30Z');
  expect(lastTime(cron, { after: Date.UTC(2000, 0), until }, 'UTC')).toBe(Date.parse('2026-11-21T10:00:00Z'));
  expect(lastTime(cron, { after: until, until }, 'UTC')).toBeNull();
  expect(lastTime(cronOf('0 0 29 2 *'), { after: Date.UTC(2000, 0), until }, 'UTC')).toBe(Date.UTC(2024, 1, 29));
});
