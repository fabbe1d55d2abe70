import type { Cron } from '../contract/schedule.ts';
import { addDays, dateAt, offsetMs, startOfDay } from './time-zone.ts';

/**
 * When something is due by the clock of a place. A time that the clock jumps over is due at the jump, and one that it shows twice is due the first
 * time: nothing is left out and nothing done twice. What is due in every hour is due in each hour that passes, the repeated one included.
 */

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** The 29th of February may be eight years away, and no date is further. */
const DAYS_MAX = 366 * 8 + 2;

/** The first time after `after`; null where there is none, as on the 30th of February. */
export function nextTime(cron: Cron, after: number, timeZone: string): number | null {
  let date = dateAt(after, timeZone);
  for (let day = 0; day <= DAYS_MAX; day++) {
    if (isDay(cron, date)) {
      const next = cron.hour.any ? inEachHour(cron, { date, after, timeZone }) : atHours(cron, { date, after, timeZone });
      if (next !== null) return next;
    }
    date = addDays(date, 1);
  }
  return null;
}

/** The last time that is not after `until`, of those after `after`; null where there is none. */
export function lastTime(cron: Cron, { after, until }: { readonly after: number; readonly until: number }, timeZone: string): number | null {
  let found: number | null = null;
  // From near the end first: what was missed may have been due a million times.
  for (let span = DAY_MS; found === null; span *= 8) {
    const from = Math.max(after, until - span);
    for (let next = nextTime(cron, from, timeZone); next !== null && next <= until; next = nextTime(cron, next, timeZone)) found = next;
    if (from === after) break;
  }
  return found;
}

/** Of day of the month and day of the week one is enough where both are said, as cron has it. */
function isDay({ day, month, weekday }: Cron, date: string): boolean {
  const at = new Date(`${date}T00:00:00Z`);
  if (!month.values.has(at.getUTCMonth() + 1)) return false;
  const [isItsDay, isItsWeekday] = [day.values.has(at.getUTCDate()), weekday.values.has(at.getUTCDay())];
  return day.any || weekday.any ? isItsDay && isItsWeekday : isItsDay || isItsWeekday;
}

type Searching = { readonly date: string; readonly after: number; readonly timeZone: string };

function inEachHour({ minute, hour }: Cron, { date, after, timeZone }: Searching): number | null {
  const end = startOfDay(addDays(date, 1), timeZone);
  const begin = Math.max(startOfDay(date, timeZone), after + 1);
  for (let at = Math.ceil(begin / MINUTE_MS) * MINUTE_MS; at < end; at += MINUTE_MS) {
    const shown = new Date(at + offsetMs(at, timeZone));
    if (minute.values.has(shown.getUTCMinutes()) && hour.values.has(shown.getUTCHours())) return at;
  }
  return null;
}

function atHours({ minute, hour }: Cron, { date, after, timeZone }: Searching): number | null {
  const midnight = Date.parse(`${date}T00:00:00Z`);
  for (const hours of sorted(hour.values)) {
    for (const minutes of sorted(minute.values)) {
      const at = moment(midnight + (hours * 60 + minutes) * MINUTE_MS, timeZone);
      if (at > after) return at;
    }
  }
  return null;
}

function sorted(values: ReadonlySet<number>): readonly number[] {
  return [...values].toSorted((a, b) => a - b);
}

/** The first moment at which the clock there shows this, or has jumped over it. */
function moment(shown: number, timeZone: string): number {
  const offsets = [offsetMs(shown - DAY_MS, timeZone), offsetMs(shown + DAY_MS, timeZone)];
  const moments = offsets.map((offset) => shown - offset).filter((at) => at + offsetMs(at, timeZone) === shown);
  if (moments.length > 0) return Math.min(...moments);
  // Between the two that it would be by the clock before the jump and after it lies the jump.
  let before = shown - Math.max(...offsets);
  let reached = shown - Math.min(...offsets);
  while (reached - before > 1) {
    const middle = Math.floor((before + reached) / 2);
    if (middle + offsetMs(middle, timeZone) >= shown) reached = middle;
    else before = middle;
  }
  return reached;
}
