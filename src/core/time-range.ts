import { instantMs, isDate, type RangeFields } from '../contract/time-range.ts';
import { addDays, dateAt, startOfDay } from './time-zone.ts';

/** From the first moment, before the second: Unix milliseconds. */
export type TimeRange = { readonly fromMs: number; readonly toMs: number };

const DAYS = 30;

/** What a caller means by `from` and `to`: days are whole ones of the time zone, and `to` is among them. */
export function readRange({ from, to }: RangeFields, timeZone: string, now: number): TimeRange {
  const today = dateAt(now, timeZone);
  const toMs = to === undefined ? startOfDay(addDays(today, 1), timeZone) : isDate(to) ? startOfDay(addDays(to, 1), timeZone) : instantMs(to);
  if (from === undefined) return { fromMs: startOfDay(addDays(dateAt(toMs - 1, timeZone), 1 - DAYS), timeZone), toMs };
  return { fromMs: isDate(from) ? startOfDay(from, timeZone) : instantMs(from), toMs };
}
