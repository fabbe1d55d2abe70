import { z } from 'zod';
import { ExpiresAfter } from './files.ts';

/** Batches as OpenAI's clients make them (CONTRACT 6, 7): jobs whose requests come in a file, and whose outcomes go into two. */
const BATCH_ENDPOINTS = ['/v1/chat/completions', '/v1/responses', '/v1/embeddings', '/v1/completions', '/v1/moderations'] as const;
export const BATCH_ROWS_MAX = 50_000;
export const BATCH_WINDOW_S = 24 * 3600;

const METADATA_MAX = 16;
const Metadata = z
  .record(z.string().min(1).max(64), z.string().max(512))
  .check((context) => {
    const { value } = context;
    if (Object.keys(value).length > METADATA_MAX) context.issues.push({ code: 'custom', message: `must have at most ${METADATA_MAX} fields`, input: value });
  })
  .meta({ maxProperties: METADATA_MAX });

export const NewBatchBody = z
  .looseObject({
    input_file_id: z
      .string()
      .min(1)
      .describe('A file of the purpose `batch`: a request on each line, `{"custom_id", "method": "POST", "url", "body"}`. Its models may be any.'),
    endpoint: z.enum(BATCH_ENDPOINTS).describe('Where all of its requests go.'),
    completion_window: z.literal('24h').describe('What has no answer by then expires.'),
    metadata: Metadata.nullish().describe('Your own notes.'),
    output_expires_after: ExpiresAfter.nullish().describe('For how long its files are kept; as long as `retention.files_days` says where it is left out.'),
  })
  .meta({ id: 'NewBatch' });
export type NewBatchBody = z.output<typeof NewBatchBody>;

const BATCH_STATUSES = ['validating', 'failed', 'in_progress', 'finalizing', 'completed', 'expired', 'cancelling', 'cancelled'] as const;

const count = z.int().min(0);
const time = z.int().nullable().describe('Unix seconds.');
const BatchError = z.strictObject({ code: z.string(), line: z.int().nullable(), message: z.string(), param: z.string().nullable() });
export type BatchError = z.output<typeof BatchError>;

export const Batch = z
  .strictObject({
    id: z.string(),
    object: z.literal('batch'),
    endpoint: z.string(),
    model: z.string().nullable().describe('That of all of its requests; null where they have several.'),
    errors: z
      .strictObject({ object: z.literal('list'), data: z.array(BatchError) })
      .nullable()
      .describe('What is wrong with its input, line by line.'),
    input_file_id: z.string(),
    completion_window: z.literal('24h'),
    status: z.enum(BATCH_STATUSES),
    output_file_id: z.string().nullable().describe('What was answered.'),
    error_file_id: z.string().nullable().describe('What failed, expired or was cancelled. Each request stands in one of the two.'),
    created_at: z.int(),
    in_progress_at: time,
    expires_at: time,
    finalizing_at: time,
    completed_at: time,
    failed_at: time,
    expired_at: time,
    cancelling_at: time,
    cancelled_at: time,
    request_counts: z.strictObject({ total: count, completed: count, failed: count }),
    usage: z
      .strictObject({
        input_tokens: count,
        input_tokens_details: z.strictObject({ cached_tokens: count }),
        output_tokens: count,
        output_tokens_details: z.strictObject({ reasoning_tokens: count }),
        total_tokens: count,
      })
      .describe('Of its requests so far.'),
    metadata: z.record(z.string(), z.unknown()).nullable(),
  })
  .meta({ id: 'Batch' });
export type Batch = z.output<typeof Batch>;

export const BatchParams = z.strictObject({ id: z.string().meta({ example: 'batch_01k5m2v8y3f7q9a4c6e8g0j2n4' }) });
export type BatchParams = z.output<typeof BatchParams>;

const LIMIT = 20;
export const BatchesQuery = z.looseObject({
  limit: z.int().min(1).max(100).default(LIMIT).describe('How many.'),
  after: z.string().optional().describe('The `last_id` of the page before.'),
});
export type BatchesQuery = z.output<typeof BatchesQuery>;

export const BatchList = z
  .strictObject({ object: z.literal('list'), data: z.array(Batch), first_id: z.string().nullable(), last_id: z.string().nullable(), has_more: z.boolean() })
  .meta({ id: 'BatchList' });
