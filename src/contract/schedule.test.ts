import { expect, test } from 'bun:test';
import { Schedule } from './schedule.ts';

test.each(['* * * * *', '0 0 1 1 0', '*/15 9-17 * * mon-fri', '0,30 8-18/2 1,15 JAN-mar 7', ' 5  4 * * sun ', '59 23 31 12 sat', '@daily'])(
  '%p is a schedule',
  (cron) => {
    expect(Schedule.safeParse({ cron, time_zone: 'Europe/Berlin' }).success).toBe(true);
  },
);

test.each([
  '',
  '* * * *',
  '* * * * * *',
  '60 * * * *',
  '* 24 * * *',
  '* * 0 * *',
  '* * * 13 *',
  '* * * * 8',
  '5-1 * * * *',
  '*/0 * * * *',
  'a * * * *',
  '1, * * * *',
  '- * * * *',
  '1.5 * * * *',
])('%p is none', (cron) => {
  expect(Schedule.safeParse({ cron }).success).toBe(false);
});

test('a moment is one too, both or neither are not, and there is no such zone as Nowhere', () => {
  expect(Schedule.safeParse({ at: '2027-01-01T00:00:00+01:00' }).success).toBe(true);
  for (const given of [
    {},
    { at: 'soon' },
    { at: '2027-01-01T00:00:00Z', cron: '* * * * *' },
    { at: '2027-01-01T00:00:00Z', time_zone: 'UTC' },
    { time_zone: 'UTC' },
    { cron: '* * * * *', time_zone: 'Nowhere' },
  ]) {
    expect(Schedule.safeParse(given).success).toBe(false);
  }
});
