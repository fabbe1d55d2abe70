/** Time as the clocks of a place show it. Postgres is asked for none of it: its table of time zones may be another than ours. */

const SECOND_MS = 1000;
/** No clock on earth is further from UTC. */
const OFFSET_MAX_MS = 16 * 3_600_000;
/** More than there are time zones; their names may be written in more ways. */
const FORMATS_MAX = 1000;

const formats = new Map<string, Intl.DateTimeFormat>();

/** What a clock there shows at a moment, minus what one in UTC shows. */
export function offsetMs(at: number, timeZone: string): number {
  const shown: Record<string, number> = {};
  for (const { type, value } of formatOf(timeZone).formatToParts(at)) if (type !== 'literal') shown[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = shown;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(at / SECOND_MS) * SECOND_MS;
}

/** The first moment at which the clock there has reached this day: usually midnight, and where it jumps over midnight the jump. `date` is 2026-03-08. */
export function startOfDay(date: string, timeZone: string): number {
  const wanted = Date.parse(`${date}T00:00:00Z`);
  let before = wanted - OFFSET_MAX_MS;
  let reached = wanted + OFFSET_MAX_MS;
  while (reached - before > SECOND_MS) {
    const middle = Math.floor((before + reached) / (2 * SECOND_MS)) * SECOND_MS;
    if (middle + offsetMs(middle, timeZone) >= wanted) reached = middle;
    else before = middle;
  }
  return reached;
}

/** The date there at a moment. */
export function dateAt(at: number, timeZone: string): string {
  return new Date(at + offsetMs(at, timeZone)).toISOString().slice(0, 10);
}

export function addDays(date: string, days: number): string {
  const day = new Date(`${date}T00:00:00Z`);
  day.setUTCDate(day.getUTCDate() + days);
  return day.toISOString().slice(0, 10);
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  let format = formats.get(timeZone);
  if (!format) {
    const numeric = 'numeric' as const;
    const parts = { year: numeric, month: numeric, day: numeric, hour: numeric, minute: numeric, second: numeric };
    format = new Intl.DateTimeFormat('en-US', { timeZone, hourCycle: 'h23', ...parts });
    if (formats.size >= FORMATS_MAX) formats.clear();
    formats.set(timeZone, format);
  }
  return format;
}
