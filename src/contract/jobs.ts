import { z } from 'zod';
import { Schedule } from './schedule.ts';
import { lineOfText, storable, WebUrl } from './text.ts';

/** Jobs (CONTRACT 7): many requests that run by themselves. What goes into them and comes out is in job-rows.ts. */
export const JOB_STATUSES = [
  'pending',
  'validating',
  'in_progress',
  'finalizing',
  'completed',
  'completed_with_errors',
  'failed',
  'cancelled',
  'expired',
] as const;
export type JobStatus = (typeof JOB_STATUSES)[number];

/** Where requests of jobs go: the routes that answer one call with one answer. */
export const JOB_ENDPOINTS = [
  '/v1/chat/completions',
  '/v1/responses',
  '/v1/completions',
  '/v1/embeddings',
  '/v1/moderations',
  '/v1/messages',
  '/api/v1/generate',
] as const;
export type JobEndpoint = (typeof JOB_ENDPOINTS)[number];
/** That of a job with a template, and of no other one. */
export const TEMPLATE_ENDPOINT = '/api/v1/generate' satisfies JobEndpoint;
export const DEFAULT_ENDPOINT = '/v1/chat/completions' satisfies JobEndpoint;

const ENGINES = ['auto', 'provider_batch', 'direct'] as const;
const NAME_CHARS_MAX = 200;
const USD_MAX = 1_000_000;
const TOKENS_MAX = 10_000_000;
const METADATA_MAX = 50;

const Metadata = z
  .record(z.string().min(1).max(64), z.union([z.string().max(512), z.number(), z.boolean()]))
  .check((context) => {
    const { value } = context;
    if (Object.keys(value).length > METADATA_MAX) context.issues.push({ code: 'custom', message: `must have at most ${METADATA_MAX} fields`, input: value });
  })
  .meta({ maxProperties: METADATA_MAX });

const SETTINGS = {
  description: storable(2000).nullable().describe('What it is for.'),
  endpoint: z.enum(JOB_ENDPOINTS).describe(`Where its requests go: \`${TEMPLATE_ENDPOINT}\` with a template, else \`${DEFAULT_ENDPOINT}\` where unsaid.`),
  model: lineOfText(256).nullable().describe('For requests that name none: an alias, `provider/model`, or a known name; else the default model.'),
  max_tokens: z.int().min(1).max(TOKENS_MAX).nullable().describe('Longest answer, for requests that say nothing of it.'),
  temperature: z.number().min(0).max(2).nullable().describe('For requests that say none.'),
  template_id: lineOfText(128).nullable().describe('Each request is then an `input` and `parameters` of this template.'),
  engine: z
    .enum(ENGINES)
    .describe(
      '`provider_batch`: batches of the provider, within a day at half the price. `direct`: our own workers, now, any provider. `auto`: the cheaper that can.',
    ),
  hold: z.boolean().describe('It does not start by itself, but when it is submitted.'),
  webhook_url: WebUrl.nullable().describe('Told when the job is over.'),
  schedule: Schedule.nullable(),
  budget_usd: z.number().min(0).max(USD_MAX).nullable().describe('It costs no more than this: what would is not asked.'),
  metadata: Metadata.describe('Your own notes.'),
  expires_at: z.iso.datetime({ offset: true }).nullable().describe('What has no answer by then expires.'),
};

const OPTIONAL = z.strictObject(SETTINGS).partial().shape;
const name = lineOfText(NAME_CHARS_MAX);

export const NewJobBody = z.strictObject({ name: name.describe('What people know it by.'), ...OPTIONAL }).meta({ id: 'NewJob' });
export type NewJobBody = z.output<typeof NewJobBody>;

export const JobChange = z.strictObject({ name: name.optional(), ...OPTIONAL }).meta({ id: 'JobChange' });
export type JobChange = z.output<typeof JobChange>;

const count = z.int().min(0);
const time = z.iso.datetime();

const ProviderBatch = z
  .strictObject({
    id: z.string().describe('As the provider calls it, once it has it.'),
    provider: z.string(),
    model: z.string(),
    requests: count,
    status: z.string().describe("The provider's own word, once there is one."),
    input_file_id: z.string().nullable(),
    output_file_id: z.string().nullable(),
    error_file_id: z.string().nullable(),
    created_at: time,
  })
  .meta({ id: 'ProviderBatch' });

export const JobReply = z
  .strictObject({
    id: z.string(),
    name: z.string(),
    description: z.string().nullable(),
    status: z.enum(JOB_STATUSES),
    endpoint: z.string(),
    engine: z.enum(ENGINES),
    chosen_engine: z.enum(['provider_batch', 'direct']).nullable().describe('Null until it has begun.'),
    engine_reason: z.string().nullable().describe('Why this one.'),
    model: z.string().nullable(),
    max_tokens: z.int().nullable(),
    temperature: z.number().nullable(),
    template_id: z.string().nullable(),
    hold: z.boolean(),
    schedule: z.record(z.string(), z.unknown()).nullable(),
    schedule_id: z.string().nullable(),
    webhook_url: z.string().nullable(),
    budget_usd: z.number().nullable(),
    metadata: z.record(z.string(), z.unknown()),
    total_requests: count,
    completed_requests: count,
    failed_requests: count,
    input_tokens: count,
    output_tokens: count,
    cost_usd: z.number().min(0).describe('So far.'),
    saved_usd: z.number().min(0).describe('What the price of batches and the cache saved.'),
    provider_batches: z.array(ProviderBatch),
    openai_batch_id: z.string().nullable().describe('The first of them at OpenAI.'),
    input_file_id: z.string().nullable(),
    output_file_id: z.string().nullable(),
    error_file_id: z.string().nullable(),
    created_by: z.strictObject({ kind: z.enum(['user', 'key', 'anonymous']), id: z.string().nullable() }).describe('Whose calls its requests are.'),
    created_at: time,
    updated_at: time,
    submitted_at: time.nullable(),
    started_at: time.nullable(),
    completed_at: time.nullable(),
    cancel_requested_at: time.nullable(),
    expires_at: time.nullable(),
    error: z.record(z.string(), z.unknown()).nullable().describe('Why it failed as a whole.'),
  })
  .meta({ id: 'Job' });
export type JobReply = z.output<typeof JobReply>;

export const JobParams = z.strictObject({ id: z.string().meta({ examples: ['job_01k5m2v8y3f7q9a4c6e8g0j2n4'] }) });
export type JobParams = z.output<typeof JobParams>;

const PAGE_SIZE_MAX = 100;
const PAGE_MAX = 1_000_000;

/** Where in a list: by pages that are counted, or behind the place where the one before ended. */
export const PLACE_FIELDS = {
  page: z.int().min(1).max(PAGE_MAX).optional().describe('From 1; not together with `cursor`.'),
  page_size: z.int().min(1).max(PAGE_SIZE_MAX).optional().describe('How many on one; 20 where unsaid.'),
  cursor: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be the next_cursor of the page before')
    .optional()
    .describe('`next_cursor` of the page before: stable while the list grows.'),
  limit: z.int().min(1).max(PAGE_SIZE_MAX).optional().describe('The same as `page_size`.'),
};
/** `total` is null where it is not known without counting. */
export const PLACE_REPLY = {
  has_more: z.boolean(),
  next_cursor: z.string().nullable(),
  total: count.nullable(),
  page: z.int().min(1).nullable().describe('Null where the list was asked for by `cursor`.'),
  page_size: z.int().min(1),
};

export const JobListQuery = z.strictObject({
  ...PLACE_FIELDS,
  status: z.enum(JOB_STATUSES).optional(),
  q: storable(NAME_CHARS_MAX).optional().describe('Part of the name or of the description, or an id.'),
});
export type JobListQuery = z.output<typeof JobListQuery>;
export const JobList = z.strictObject({ data: z.array(JobReply), ...PLACE_REPLY }).meta({ id: 'JobList' });

export const JobStats = z
  .strictObject({
    total_jobs: count,
    by_status: z.strictObject(Object.fromEntries(JOB_STATUSES.map((status) => [status, count])) as Record<JobStatus, typeof count>),
    total_requests: count,
    completed_requests: count,
    failed_requests: count,
    open_requests: count.describe('Without an outcome yet.'),
    success_rate: z.number().min(0).max(1).nullable().describe('Of the requests with an outcome; null where there is none.'),
    failure_rate: z.number().min(0).max(1).nullable(),
    input_tokens: count,
    output_tokens: count,
    total_tokens: count,
    cost_usd: z.number().min(0),
    saved_usd: z.number().min(0),
    saved_by_batch_usd: z.number().min(0).describe('In jobs that ran as batches of a provider.'),
    saved_by_cache_usd: z.number().min(0).describe('In all others.'),
  })
  .meta({ id: 'JobStats' });
export type JobStats = z.output<typeof JobStats>;

const Price = z.strictObject({
  cost_usd: z.number().min(0).describe('With answers of a usual length.'),
  max_cost_usd: z.number().min(0).describe('With the longest answers that are allowed.'),
});

export const JobEstimate = z
  .strictObject({
    requests: count,
    sampled_requests: count.describe('Of these it was reckoned; all where there are few.'),
    models: z.array(z.strictObject({ model: z.string(), requests: count, price_assumed: z.boolean() })),
    input_tokens: count,
    output_tokens: count,
    max_output_tokens: count,
    direct: Price.describe('Asked one by one.'),
    provider_batch: Price.nullable().describe("At the price of the provider's batches; null where a model has none."),
    saved_usd: z.number().min(0).describe('By batches.'),
    budget_usd: z.number().nullable(),
  })
  .meta({ id: 'JobEstimate' });
export type JobEstimate = z.output<typeof JobEstimate>;

/** The data of `event: progress`. */
export type JobProgress = {
  readonly id: string;
  readonly status: JobStatus;
  readonly total_requests: number;
  readonly completed_requests: number;
  readonly failed_requests: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cost_usd: number;
  readonly saved_usd: number;
  /** Outcomes a second, lately; null until there is one. */
  readonly rate_per_s: number | null;
  /** Null while nobody can tell. */
  readonly eta_s: number | null;
};
