import { z } from 'zod';
import { RANGE_FIELDS } from './time-range.ts';

/** What was used and what it cost (CONTRACT 8). */

export const TIME_UNITS = ['hour', 'day', 'week', 'month'] as const;
export type TimeUnit = (typeof TIME_UNITS)[number];
export const DIMENSIONS = ['model', 'provider', 'key', 'project', 'user', 'template', 'route', 'job'] as const;
export type Dimension = (typeof DIMENSIONS)[number];
const GROUPINGS = [...TIME_UNITS, ...DIMENSIONS] as const;
type Grouping = (typeof GROUPINGS)[number];

const WORD = ` *(?:${GROUPINGS.join('|')}) *`;
const GroupBy = z
  .string()
  .regex(new RegExp(`^${WORD}(?:,${WORD})*$`), `must be words of ${GROUPINGS.join(', ')}, separated by commas`)
  .meta({ examples: ['day,model'] });

/** The words of `group_by`, each once. */
export function groupingsOf(groupBy: string): string[] {
  return [...new Set(groupBy.split(',').map((word) => word.trim()))];
}

export function isGrouping(word: string): word is Grouping {
  return GROUPINGS.some((grouping) => grouping === word);
}

/** What calls are narrowed by. The database takes no text with U+0000 in it, and so there is nothing of that name. */
export const Wanted = z
  .string()
  .regex(/^[^\0]*$/, 'must be a name or an id')
  .min(1)
  .max(300)
  .optional();
const wanted = (what: string) => Wanted.describe(`Only ${what}.`);
/** The columns that calls can be told apart by. */
export const FILTER_FIELDS = {
  project_id: wanted('calls of this project; an administrator sees all'),
  key_id: wanted('calls with this key'),
  user_id: wanted('calls of this user'),
  provider: wanted('calls to this provider'),
  model: wanted('calls to this model, as the provider calls it'),
  template_id: wanted('calls from this template, such as `summarize_v1`'),
  route: wanted('calls by this route, such as `/generate`'),
  job_id: wanted('calls of this job'),
};

export const UsageQuery = z.strictObject({
  ...RANGE_FIELDS,
  group_by: GroupBy.optional().describe(`Any of ${GROUPINGS.join(', ')}, in any order, separated by commas. \`day\` where it is left out.`),
  ...FILTER_FIELDS,
});
export type UsageQuery = z.output<typeof UsageQuery>;

const count = z.int().min(0);
const Usd = z.number().min(0);
const SUMS = {
  calls: count.describe('Model calls; a request may make several.'),
  failed_calls: count.describe('Calls without a whole answer, though nobody left.'),
  cached_calls: count.describe('Calls that were answered by the cache.'),
  estimated_calls: count.describe('Calls whose tokens we counted ourselves, or whose price is assumed.'),
  input_tokens: count,
  cached_input_tokens: count.describe('The part of them that the provider had in its own cache.'),
  output_tokens: count,
  reasoning_tokens: count.describe('The part of them that was thought and not said.'),
  cost_usd: Usd,
  saved_usd: Usd.describe('What the answers from the cache would have cost.'),
};

const idOf = (what: string) => z.string().nullable().optional().describe(`Null for calls without a ${what}.`);
const nameOf = (what: string) => z.string().nullable().optional().describe(`Null where there is no ${what}, or not any more.`);
const UsageGroup = z
  .strictObject({
    hour: z.string().optional().describe('When it begins, with the offset of the time zone.'),
    day: z.iso.date().optional(),
    week: z.iso.date().optional().describe('Its Monday.'),
    month: z.string().optional().describe('Such as 2026-03.'),
    model: z.string().optional(),
    provider: z.string().optional(),
    key_id: idOf('key'),
    key_name: nameOf('key'),
    project_id: z.string().optional(),
    project_name: nameOf('project'),
    user_id: idOf('user'),
    user_name: nameOf('user'),
    template_id: idOf('template'),
    route: z.string().optional(),
    job_id: idOf('job'),
    ...SUMS,
  })
  .meta({ id: 'UsageGroup' });

export const UsageReply = z
  .strictObject({
    from: z.iso.datetime().describe('The first moment.'),
    to: z.iso.datetime().describe('The moment before which it ends.'),
    time_zone: z.string(),
    group_by: z.array(z.enum(GROUPINGS)),
    data: z.array(UsageGroup).describe('In the order of time, and then the dearest first. Where nothing was used there is no entry.'),
    total: z.strictObject(SUMS).meta({ id: 'UsageSums' }),
  })
  .meta({ id: 'UsageReport' });

export const UsageExportQuery = z.strictObject({
  format: z.enum(['csv', 'jsonl']).default('csv'),
  rows: z.enum(['calls', 'groups']).optional().describe('A line for each model call, or for each group. Groups where `group_by` is given, else calls.'),
  ...UsageQuery.shape,
});
export type UsageExportQuery = z.output<typeof UsageExportQuery>;

export const SuggestionsQuery = z.strictObject({ ...RANGE_FIELDS, project_id: FILTER_FIELDS.project_id });
export type SuggestionsQuery = z.output<typeof SuggestionsQuery>;

export const SuggestionsReply = z
  .strictObject({
    from: z.iso.datetime(),
    to: z.iso.datetime(),
    time_zone: z.string(),
    cost_usd: Usd.describe('What all calls of the range cost.'),
    data: z
      .array(
        z
          .strictObject({
            kind: z.enum(['batch', 'cache', 'model', 'prompt']),
            title: z.string(),
            saves_usd: Usd.describe('What it would have saved in the range.'),
            explanation: z.string().describe('What was seen, and what is assumed.'),
            advice: z.string().describe('What to do.'),
            calls: count.describe('How many calls it is about.'),
            rows: z.string().describe('Where the requests behind it are listed.'),
            request_ids: z.array(z.string()).max(5).describe('Some of them.'),
          })
          .meta({ id: 'Suggestion' }),
      )
      .describe('The one that saves most first. They overlap: who follows one may save less by another.'),
  })
  .meta({ id: 'Suggestions' });
