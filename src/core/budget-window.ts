import type { BudgetPeriod } from '../contract/policy.ts';
import { addDays, dateAt, startOfDay } from './time-zone.ts';

/** The day, month or eternity of a budget that a moment falls in: Unix milliseconds, the end outside. */
export type BudgetWindow = { readonly startsAt: number; readonly endsAt: number };

const ETERNITY: BudgetWindow = { startsAt: 0, endsAt: Number.POSITIVE_INFINITY };
const DAYS_OF_ANY_MONTH = 31;

export function budgetWindow(period: BudgetPeriod, timeZone: string, now: number): BudgetWindow {
  if (period === 'total') return ETERNITY;
  const today = dateAt(now, timeZone);
  const first = period === 'day' ? today : firstOfMonth(today);
  const next = period === 'day' ? addDays(today, 1) : firstOfMonth(addDays(first, DAYS_OF_ANY_MONTH));
  return { startsAt: startOfDay(first, timeZone), endsAt: startOfDay(next, timeZone) };
}

function firstOfMonth(date: string): string {
  return `${date.slice(0, 7)}-01`;
}
