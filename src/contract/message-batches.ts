import { z } from 'zod';
import { ROWS_A_CALL_MAX } from './job-rows.ts';

/** Batches as Anthropic's clients make them (CONTRACT 6, 7): jobs whose requests come with them, and whose outcomes are read as they stand. */
export const NewMessageBatchBody = z
  .looseObject({
    requests: z
      .array(
        z.looseObject({
          custom_id: z
            .string()
            .regex(/^[a-zA-Z0-9_-]{1,64}$/, 'must have 1 to 64 letters, digits, - and _')
            .describe('Your name for it, once in a batch.'),
          params: z.looseObject({}).describe('What `POST /v1/messages` takes.'),
        }),
      )
      .min(1)
      .max(ROWS_A_CALL_MAX),
  })
  .meta({ id: 'NewMessageBatch' });
export type NewMessageBatchBody = z.output<typeof NewMessageBatchBody>;

const count = z.int().min(0);
const time = z.iso.datetime().nullable();

export const MessageBatch = z
  .strictObject({
    id: z.string(),
    type: z.literal('message_batch'),
    processing_status: z.enum(['in_progress', 'canceling', 'ended']),
    request_counts: z
      .strictObject({ processing: count, succeeded: count, errored: count, canceled: count, expired: count })
      .describe('All are `processing` until the batch has ended.'),
    created_at: z.iso.datetime(),
    ended_at: time,
    expires_at: z.iso.datetime(),
    cancel_initiated_at: time,
    archived_at: z.null(),
    results_url: z.string().nullable().describe('Once it has ended: the path of its results, below the address that you call.'),
  })
  .meta({ id: 'MessageBatch' });
export type MessageBatch = z.output<typeof MessageBatch>;

export const MessageBatchParams = z.strictObject({ id: z.string().meta({ example: 'msgbatch_01k5m2v8y3f7q9a4c6e8g0j2n4' }) });
export type MessageBatchParams = z.output<typeof MessageBatchParams>;

export const MessageBatchesQuery = z.looseObject({
  limit: z.int().min(1).max(1000).default(20).describe('How many.'),
  after_id: z.string().optional().describe('Those behind this one: older ones.'),
  before_id: z.string().optional().describe('Those before this one: newer ones.'),
});
export type MessageBatchesQuery = z.output<typeof MessageBatchesQuery>;

export const MessageBatchList = z
  .strictObject({ data: z.array(MessageBatch), has_more: z.boolean(), first_id: z.string().nullable(), last_id: z.string().nullable() })
  .meta({ id: 'MessageBatchList' });

export const MessageBatchDeleted = z.strictObject({ id: z.string(), type: z.literal('message_batch_deleted') }).meta({ id: 'MessageBatchDeleted' });
