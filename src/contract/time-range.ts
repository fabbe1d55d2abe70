import { z } from 'zod';

/** Where a range of time begins or ends: a whole day, or a moment. */
const DATE = /^\d{4}-\d{2}-\d{2}$/;
// A `+` that was not encoded arrives as a space.
const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+ -]\d{2}:\d{2})$/;
const YEAR_FIRST = 2000;
const YEAR_LAST = 2099;

export function isDate(moment: string): boolean {
  return DATE.test(moment);
}

/** Unix milliseconds of an instant such as 2026-03-08T12:00:00+02:00. */
export function instantMs(moment: string): number {
  return Date.parse(moment.replace(' ', '+'));
}

const Moment = z.string().check((context) => {
  if (!isMoment(context.value)) {
    context.issues.push({ code: 'custom', message: 'must be a day such as 2026-03-08 or a time such as 2026-03-08T12:00:00Z', input: context.value });
  }
});

function isMoment(text: string): boolean {
  const year = Number(text.slice(0, 4));
  if (!(year >= YEAR_FIRST && year <= YEAR_LAST)) return false;
  if (INSTANT.test(text)) return !Number.isNaN(instantMs(text)) && isDay(text.slice(0, 10));
  return DATE.test(text) && isDay(text);
}

/** The runtime takes the 30th of February for the 2nd of March. */
function isDay(date: string): boolean {
  const ms = Date.parse(`${date}T00:00:00Z`);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(date);
}

export const TimeZone = z.string().check((context) => {
  if (!isTimeZone(context.value)) {
    context.issues.push({ code: 'custom', message: 'must be the name of a time zone, such as UTC or America/Los_Angeles', input: context.value });
  }
});

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

export const RANGE_FIELDS = {
  from: Moment.optional()
    .describe('First day, such as `2026-03-01`, or moment, such as `2026-03-01T12:00:00Z`. 30 days up to `to` where it is left out.')
    .meta({ examples: ['2026-03-01'] }),
  to: Moment.optional().describe('Last day, which is included, or the moment before which it ends. Today where it is left out.'),
  time_zone: TimeZone.optional().describe("Where days begin and end, such as `America/Los_Angeles`. The project's own where it is left out."),
};
export type RangeFields = z.output<z.ZodObject<typeof RANGE_FIELDS>>;
