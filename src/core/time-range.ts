import { instantMs, isDate, type RangeFields } from '../contract/time-range.ts';
import { addDays, dateAt, startOfDay } from './time-zone.ts';

/** From the first moment, before the second: Unix milliseconds. */
export type TimeRange = { readonly fromMs: number; readonly toMs: number };

const DAYS = 30;

/** What a caller means by `from` and `to`: days are whole ones of the time zone, and `to` is among them. 30 days where `from` is left out, up to today. */
export function readRange(fields: RangeFields, timeZone: string, now: number): TimeRange {
  const { fromMs, toMs = startOfDay(addDays(dateAt(now, timeZone), 1), timeZone) } = readOpenRange(fields, timeZone);
  return { fromMs: fromMs ?? startOfDay(addDays(dateAt(toMs - 1, timeZone), 1 - DAYS), timeZone), toMs };
}

/** The same, open where it is left open. */
export function readOpenRange({ from, to }: RangeFields, timeZone: string): Partial<TimeRange> {
  return {
    ...(from === undefined ? {} : { fromMs: isDate(from) ? startOfDay(from, timeZone) : instantMs(from) }),
    ...(to === undefined ? {} : { toMs: isDate(to) ? startOfDay(addDays(to, 1), timeZone) : instantMs(to) }),
  };
}
