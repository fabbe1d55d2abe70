import { z } from 'zod';
import { TimeZone } from './time-range.ts';

/** When a job starts: at a moment, or again and again by the clock of a place. */

/** Minute, hour, day of the month, month, day of the week. */
const FIELDS = [
  { min: 0, max: 59, names: [] },
  { min: 0, max: 23, names: [] },
  { min: 1, max: 31, names: [] },
  { min: 1, max: 12, names: ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'] },
  { min: 0, max: 7, names: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] },
] as const;
type Field = (typeof FIELDS)[number];

const PART = /^(?:\*|([a-z0-9]+)(?:-([a-z0-9]+))?)(?:\/(\d{1,2}))?$/;
const CRON_CHARS_MAX = 200;

function isCron(text: string): boolean {
  const fields = text.trim().toLowerCase().split(/\s+/);
  return fields.length === FIELDS.length && FIELDS.every((field, index) => (fields[index] ?? '').split(',').every((part) => isPart(part, field)));
}

function isPart(part: string, field: Field): boolean {
  const found = PART.exec(part);
  if (found === null) return false;
  const [, from, to, step] = found;
  if (step !== undefined && Number(step) === 0) return false;
  if (from === undefined) return true;
  const first = valueOf(from, field);
  const last = to === undefined ? first : valueOf(to, field);
  return first !== null && last !== null && first <= last;
}

function valueOf(word: string, { min, max, names }: Field): number | null {
  const named = (names as readonly string[]).indexOf(word);
  const value = named >= 0 ? named + (min === 1 ? 1 : 0) : Number(word);
  return Number.isInteger(value) && value >= min && value <= max ? value : null;
}

const CronText = z
  .string()
  .max(CRON_CHARS_MAX)
  .check((context) => {
    if (!isCron(context.value)) {
      const message = 'must be the five fields of cron: minute, hour, day of the month, month, day of the week, such as `30 6 * * mon-fri`';
      context.issues.push({ code: 'custom', message, input: context.value });
    }
  })
  .meta({ format: 'cron', examples: ['30 6 * * mon-fri'] });

export const Schedule = z
  .union([
    z.strictObject({ at: z.iso.datetime({ offset: true }).describe('It does not start before.') }),
    z.strictObject({ cron: CronText, time_zone: TimeZone.optional().describe("Whose clock it follows; the project's where unsaid.") }),
  ])
  .meta({ id: 'JobSchedule' });
