import type { TimeUnit } from '../../contract/usage.ts';
import type { TimeRange } from '../../core/time-range.ts';
import { offsetMs } from '../../core/time-zone.ts';

/** A part of a range in which every clock unit that was asked for stays the same: from `startsAt`, before `endsAt`, in Unix milliseconds. */
export type Period = { readonly startsAt: number; readonly endsAt: number; readonly labels: Labels };
type Labels = { readonly [Unit in TimeUnit]?: string };

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** The 1st of January 1970 was a Thursday; weeks begin on Mondays. */
const MONDAY_MS = 4 * DAY_MS;
const WEEK_MS = 7 * DAY_MS;

/**
 * Cuts a range at every hour, day, week and month that a clock of the time zone begins. Days over which the clocks are moved have 23 or 25 hours,
 * and an hour that comes twice is two periods. Null for more periods than `most`.
 */
export function cutRange(range: TimeRange, { units, timeZone, most }: { units: readonly TimeUnit[]; timeZone: string; most: number }): Period[] | null {
  if (units.length === 0) return [{ startsAt: range.fromMs, endsAt: range.toMs, labels: {} }];
  const periods: Period[] = [];
  for (const stretch of stretches(range, timeZone)) {
    for (let at = stretch.fromMs; at < stretch.toMs;) {
      const local = at + stretch.offset;
      const endsAt = Math.min(stretch.toMs, ...units.map((unit) => CLOCK[unit].next(local) - stretch.offset));
      const labels = Object.fromEntries(units.map((unit) => [unit, CLOCK[unit].label(local, stretch.offset)]));
      const last = periods.at(-1);
      if (last && units.every((unit) => last.labels[unit] === labels[unit])) periods[periods.length - 1] = { ...last, endsAt };
      else periods.push({ startsAt: at, endsAt, labels });
      if (periods.length > most) return null;
      at = endsAt;
    }
  }
  return periods;
}

const CLOCK: Record<TimeUnit, { readonly next: (local: number) => number; readonly label: (local: number, offset: number) => string }> = {
  hour: {
    next: (local) => floor(local, HOUR_MS) + HOUR_MS,
    label: (local, offset) => `${new Date(floor(local, HOUR_MS)).toISOString().slice(0, 19)}${offsetText(offset)}`,
  },
  day: { next: (local) => floor(local, DAY_MS) + DAY_MS, label: (local) => dateText(local) },
  week: {
    next: (local) => floor(local - MONDAY_MS, WEEK_MS) + WEEK_MS + MONDAY_MS,
    label: (local) => dateText(floor(local - MONDAY_MS, WEEK_MS) + MONDAY_MS),
  },
  month: { next: nextMonth, label: (local) => dateText(local).slice(0, 7) },
};

type Stretch = TimeRange & { readonly offset: number };

/** The parts of a range in which the clocks are not moved. */
function stretches({ fromMs, toMs }: TimeRange, timeZone: string): Stretch[] {
  const found: Stretch[] = [];
  let begins = fromMs;
  let offset = offsetMs(fromMs, timeZone);
  for (let day = fromMs; day < toMs; day += DAY_MS) {
    const next = Math.min(day + DAY_MS, toMs);
    const after = offsetMs(next, timeZone);
    if (after === offset) continue;
    const moved = firstMoment(day, next, (at) => offsetMs(at, timeZone) === after);
    found.push({ fromMs: begins, toMs: moved, offset });
    [begins, offset] = [moved, after];
  }
  return [...found, { fromMs: begins, toMs, offset }].filter((stretch) => stretch.fromMs < stretch.toMs);
}

function firstMoment(before: number, reached: number, isReached: (at: number) => boolean): number {
  let [low, high] = [Math.floor(before / SECOND_MS), Math.ceil(reached / SECOND_MS)];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (isReached(middle * SECOND_MS)) high = middle;
    else low = middle;
  }
  return high * SECOND_MS;
}

function floor(value: number, step: number): number {
  return Math.floor(value / step) * step;
}

function nextMonth(local: number): number {
  const date = new Date(local);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1);
}

function dateText(local: number): string {
  return new Date(local).toISOString().slice(0, 10);
}

function offsetText(offset: number): string {
  const minutes = Math.round(Math.abs(offset) / MINUTE_MS);
  const digits = [Math.floor(minutes / 60), minutes % 60].map((part) => String(part).padStart(2, '0'));
  return `${offset < 0 ? '-' : '+'}${digits.join(':')}`;
}
