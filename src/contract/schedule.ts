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

const NICKNAMES: Readonly<Record<string, string>> = {
  '@hourly': '0 * * * *',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@weekly': '0 0 * * 0',
  '@monthly': '0 0 1 * *',
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
};
const PART = /^(?:\*|([a-z0-9]+)(?:-([a-z0-9]+))?)(?:\/(\d{1,2}))?$/;
const CRON_CHARS_MAX = 200;

/** What a field allows; `any` where it begins with a star, which is how cron tells whether it says something. */
export type CronField = { readonly values: ReadonlySet<number>; readonly any: boolean };
export type Cron = { readonly minute: CronField; readonly hour: CronField; readonly day: CronField; readonly month: CronField; readonly weekday: CronField };

/** Null where it is no cron text. */
export function readCron(text: string): Cron | null {
  const words = text.trim().toLowerCase();
  const parts = (NICKNAMES[words] ?? words).split(/\s+/);
  if (parts.length !== FIELDS.length) return null;
  const [minute, hour, day, month, weekday] = FIELDS.map((field, index) => readField(parts[index] ?? '', field));
  return minute && hour && day && month && weekday ? { minute, hour, day, month, weekday } : null;
}

function readField(text: string, field: Field): CronField | null {
  const values = new Set<number>();
  for (const part of text.split(',')) {
    const read = readPart(part, field);
    if (read === null) return null;
    // Sunday has two numbers.
    for (const value of read) values.add(field.max === 7 && value === 7 ? 0 : value);
  }
  return { values, any: text.startsWith('*') };
}

function readPart(part: string, field: Field): readonly number[] | null {
  const found = PART.exec(part);
  if (found === null) return null;
  const [, from, to, stepText] = found;
  const step = stepText === undefined ? 1 : Number(stepText);
  const first = from === undefined ? field.min : valueOf(from, field);
  const alone = stepText === undefined ? first : field.max;
  const last = from === undefined ? field.max : to === undefined ? alone : valueOf(to, field);
  if (first === null || last === null || step === 0 || first > last) return null;
  return Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, index) => first + index * step);
}

function valueOf(word: string, { min, max, names }: Field): number | null {
  const named = (names as readonly string[]).indexOf(word);
  const value = named >= 0 ? named + (min === 1 ? 1 : 0) : Number(word);
  return Number.isInteger(value) && value >= min && value <= max ? value : null;
}

export const CronText = z
  .string()
  .max(CRON_CHARS_MAX)
  .check((context) => {
    if (readCron(context.value) === null) {
      const message = 'must be the five fields of cron: minute, hour, day of the month, month, day of the week, such as `30 6 * * mon-fri`';
      context.issues.push({ code: 'custom', message, input: context.value });
    }
  })
  .meta({ format: 'cron', examples: ['30 6 * * mon-fri'] });

/** One object rather than a choice of two, so that what is wrong is told of the field that was meant. */
export const Schedule = z
  .strictObject({
    at: z.iso.datetime({ offset: true }).optional().describe('It does not start before.'),
    cron: CronText.optional().describe('It starts again and again.'),
    time_zone: TimeZone.optional().describe("Whose clock `cron` follows; the project's where unsaid."),
  })
  .check((context) => {
    const { at, cron, time_zone: timeZone } = context.value;
    if (at === undefined && cron === undefined) context.issues.push({ code: 'invalid_type', expected: 'string', path: ['cron'], input: undefined });
    else if (at !== undefined && cron !== undefined) context.issues.push({ code: 'custom', message: 'must have either at or cron', input: context.value });
    else if (at !== undefined && timeZone !== undefined) {
      context.issues.push({ code: 'custom', message: 'must have no time_zone beside at, which says its own', input: context.value });
    }
  })
  .meta({ id: 'JobSchedule', oneOf: [{ required: ['at'] }, { required: ['cron'] }] });
