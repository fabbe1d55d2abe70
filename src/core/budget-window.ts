import type { BudgetPeriod } from '../contract/policy.ts';

/** The day, month or eternity of a budget that a moment falls in: Unix milliseconds, the end outside. */
export type BudgetWindow = { readonly startsAt: number; readonly endsAt: number };

const SECOND_MS = 1000;
/** No clock on earth is further from UTC. */
const OFFSET_MAX_MS = 16 * 3_600_000;
const ETERNITY: BudgetWindow = { startsAt: 0, endsAt: Number.POSITIVE_INFINITY };

export function budgetWindow(period: BudgetPeriod, timeZone: string, now: number): BudgetWindow {
  if (period === 'total') return ETERNITY;
  const { year, month, day } = localDate(now, timeZone);
  return period === 'day'
    ? { startsAt: midnight(year, month, day, timeZone), endsAt: midnight(year, month, day + 1, timeZone) }
    : { startsAt: midnight(year, month, 1, timeZone), endsAt: midnight(year, month + 1, 1, timeZone) };
}

/** The first moment at which the clock there has reached that day: usually midnight, and where it jumps over midnight the jump. */
function midnight(year: number, month: number, day: number, timeZone: string): number {
  const asUtc = Date.UTC(year, month - 1, day);
  let before = asUtc - OFFSET_MAX_MS;
  let reached = asUtc + OFFSET_MAX_MS;
  while (reached - before > SECOND_MS) {
    const middle = Math.floor((before + reached) / (2 * SECOND_MS)) * SECOND_MS;
    if (localDate(middle, timeZone).asUtc >= asUtc) reached = middle;
    else before = middle;
  }
  return reached;
}

type LocalDate = { readonly year: number; readonly month: number; readonly day: number; readonly asUtc: number };

const formats = new Map<string, Intl.DateTimeFormat>();

/** What calendar and clock show there. */
function localDate(at: number, timeZone: string): LocalDate {
  let format = formats.get(timeZone);
  if (!format) {
    const numeric = 'numeric' as const;
    format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: numeric,
      month: numeric,
      day: numeric,
      hour: numeric,
      minute: numeric,
      second: numeric,
    });
    formats.set(timeZone, format);
  }
  const shown: Record<string, number> = {};
  for (const { type, value } of format.formatToParts(at)) if (type !== 'literal') shown[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = shown;
  return { year, month, day, asUtc: Date.UTC(year, month - 1, day, hour, minute, second) };
}
