import { z } from 'zod';

/** Where a range of time begins or ends: a whole day, or a moment. The schema says it all, down to which days there are from 2000 to 2099. */
const LONG_MONTHS = '(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])';
const SHORT_MONTHS = '(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)';
const FEBRUARY = '02-(?:0[1-9]|1[0-9]|2[0-8])';
const LEAP_DAY = '(?:[02468][048]|[13579][26])-02-29';
const DAY = `20(?:[0-9]{2}-(?:${LONG_MONTHS}|${SHORT_MONTHS}|${FEBRUARY})|${LEAP_DAY})`;
const CLOCK = '(?:[01][0-9]|2[0-3]):[0-5][0-9]';
// A `+` that was not encoded arrives as a space.
const TIME = `${CLOCK}(?::[0-5][0-9](?:\\.[0-9]{1,9})?)?(?:Z|[+ -]${CLOCK})`;
const DATE_CHARS = '2026-03-08'.length;

export function isDate(moment: string): boolean {
  return moment.length === DATE_CHARS;
}

/** Unix milliseconds of an instant such as 2026-03-08T12:00:00+02:00. */
export function instantMs(moment: string): number {
  return Date.parse(moment.replace(' ', '+'));
}

const Moment = z.string().regex(new RegExp(`^${DAY}(?:T${TIME})?$`), 'must be a day such as 2026-03-08 or a time such as 2026-03-08T12:00:00Z');

export const TimeZone = z
  .string()
  .check((context) => {
    if (!isTimeZone(context.value)) {
      context.issues.push({ code: 'custom', message: 'must be the name of a time zone, such as UTC or America/Los_Angeles', input: context.value });
    }
  })
  .meta({ format: 'time-zone' });

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
