import { z } from 'zod';
import { RANGE_FIELDS } from './time-range.ts';
import { FILTER_FIELDS, Wanted } from './usage.ts';

/** Each request that asked a model: what became of it, what it cost, and the calls that it took (CONTRACT 8). */

const Outcome = z
  .enum(['ok', 'left', 'lost', 'cut', 'failed'])
  .describe(
    'ok: a whole answer · left: the caller went away · cut: it broke off · failed: nothing came · lost: the service died meanwhile, and the most that it could cost is charged.',
  );
export type Outcome = z.output<typeof Outcome>;
/** The moment of the last request of a page, in microseconds, and its id. */
const CURSOR = /^[0-9]{1,17}\.[A-Za-z0-9_.-]{1,150}$/;
const Cache = z.enum(['HIT', 'MISS', 'BYPASS']);

export const RequestListQuery = z.strictObject({
  limit: z.int().min(1).max(100).optional().describe('20 where it is left out.'),
  cursor: z.string().regex(CURSOR, 'must be the next_cursor of the page before').optional().describe('The `next_cursor` of the page before.'),
  ...RANGE_FIELDS,
  from: RANGE_FIELDS.from.describe('Only requests of this day or later, or from this moment on.'),
  to: RANGE_FIELDS.to.describe('Only requests of this day or earlier, or before this moment.'),
  outcome: Outcome.optional(),
  cached: z.boolean().optional().describe('Only requests that the cache answered, or only others.'),
  min_cost: z.number().min(0).optional().describe('Only requests that cost so many USD or more.'),
  q: Wanted.describe('Only the requests with this id.'),
  request_hash: Wanted.describe('Only equal requests: what a suggestion names.'),
  ...FILTER_FIELDS,
});
export type RequestListQuery = z.output<typeof RequestListQuery>;

export const RequestParams = z.strictObject({
  id: z
    .string()
    .describe('The `X-Request-Id` of its answer. Of one that was used several times, the newest is meant.')
    .meta({ examples: ['req_01k5m2v8y3f7q9a4c6e8g0j2n4'] }),
});
export type RequestParams = z.output<typeof RequestParams>;

const ms = z.number().min(0);
const count = z.int().min(0);
const Usd = z.number().min(0);
const nullableId = z.string().nullable();

const RequestUsage = z
  .strictObject({ input_tokens: count, cached_input_tokens: count, output_tokens: count, reasoning_tokens: count, total_tokens: count })
  .meta({ id: 'RequestUsage' });
const Timing = z
  .strictObject({
    queue_ms: ms.describe('Until a provider was asked.'),
    first_piece_ms: ms.nullable().describe('From then to the first piece of the answer.'),
    upstream_ms: ms.describe('From then to its end.'),
  })
  .meta({ id: 'RequestTiming' });
const Attempt = z
  .strictObject({
    provider: z.string(),
    model: z.string(),
    fault: z.string().nullable().describe('Why it failed; null for the one that counted.'),
    status: z.int().nullable().describe('What the provider answered, where it failed with an answer.'),
    ms,
  })
  .meta({ id: 'RequestAttempt' });

const SHOWN = {
  model: z.string().describe('As the provider calls it.'),
  provider: z.string(),
  outcome: Outcome,
  error_code: z.string().nullable(),
  cache: Cache,
  streamed: z.boolean(),
  usage: RequestUsage,
  cost_usd: Usd,
  saved_usd: Usd.describe('What the answer would have cost without the cache.'),
  estimated: z.boolean().describe('Whether tokens were counted by us, or a price was assumed.'),
  timing: Timing,
  attempts: z.array(Attempt).describe('Those that failed, and the one that counted. None for an answer from the cache.'),
};

const REQUEST = {
  id: z.string(),
  created_at: z.iso.datetime(),
  project_id: z.string(),
  user_id: nullableId,
  user_name: nullableId,
  key_id: nullableId,
  key_name: nullableId,
  route: z.string(),
  template_id: nullableId,
  job_id: nullableId,
  asked_model: nullableId.describe('As the caller named it; null where it named none.'),
  ...SHOWN,
  call_count: z.int().min(1).describe('Model calls that it took. Tokens, costs and times are their sums; the outcome is that of the worst.'),
};

const RequestCall = z
  .strictObject({
    id: z.string(),
    ...SHOWN,
    max_tokens: z.int().nullable(),
    request_hash: nullableId.describe('Equal for equal requests.'),
    body: z
      .strictObject({ request: z.unknown(), response: z.unknown() })
      .nullable()
      .describe('What was said, where the configuration says to keep it (`privacy.keep_bodies`), as it was redacted.'),
  })
  .meta({ id: 'RequestCall' });

export const RequestReply = z.strictObject({ ...REQUEST, calls: z.array(RequestCall).min(1) }).meta({ id: 'RequestDetail' });
export type RequestReply = z.output<typeof RequestReply>;
const RequestSummary = z.strictObject(REQUEST).meta({ id: 'RequestSummary' });
export type RequestSummary = z.output<typeof RequestSummary>;
export type RequestCall = z.output<typeof RequestCall>;

export const RequestList = z
  .strictObject({ data: z.array(RequestSummary), has_more: z.boolean(), next_cursor: z.string().nullable() })
  .meta({ id: 'RequestList' });
