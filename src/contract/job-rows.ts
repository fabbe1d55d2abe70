import { z } from 'zod';
import { PLACE_FIELDS, PLACE_REPLY } from './jobs.ts';
import { lineOfText, storable } from './text.ts';

/** Requests of jobs, and what came of them. */

/** That one call can add, and that a job can have. */
export const ROWS_A_CALL_MAX = 50_000;
export const JOB_ROWS_MAX = 1_000_000;
/** Of JSONL or CSV; JSON bodies are as long as everywhere. */
export const ROWS_BYTES_MAX = 200_000_000;
export const LINE_BYTES_MAX = 1_000_000;

const CUSTOM_ID_CHARS_MAX = 256;

const object = z.record(z.string(), z.unknown());
const CustomId = lineOfText(CUSTOM_ID_CHARS_MAX).describe('Your name for it, once in a job. Its outcome has it too.');

/** What a request can be written as; which of these a job takes is said by its endpoint. */
export const RowBody = z
  .strictObject({
    custom_id: CustomId,
    method: z.literal('POST').optional().describe("As in lines of OpenAI's batches."),
    url: z.string().optional().describe("The job's endpoint, as in lines of OpenAI's batches."),
    body: object.optional().describe('What the endpoint is asked with. What it leaves out, the job says for it.'),
    input: z.string().optional().describe('With a template, instead of `body`.'),
    parameters: object.optional().describe('With a template, instead of `body`.'),
  })
  .meta({ id: 'JobRequestBody' });
export type RowBody = z.output<typeof RowBody>;

const JobRequests = z
  .array(z.unknown())
  .min(1)
  .max(ROWS_A_CALL_MAX)
  .meta({ items: { $ref: '#/components/schemas/JobRequestBody' } });
export const NewRowsBody = z.union([JobRequests, z.strictObject({ requests: JobRequests })]).meta({ id: 'NewJobRequests' });
export type NewRowsBody = z.output<typeof NewRowsBody>;

export const NewRowsQuery = z.strictObject({
  map: z
    .string()
    .max(4000)
    .regex(/^[^:,]+:[A-Za-z_]\w{0,63}(,[^:,]+:[A-Za-z_]\w{0,63})*$/, 'must be such as `Text:input,Language:target_language`')
    .optional()
    .describe('Of CSV: which column is what, where its name does not say it: `Text:input,Language:target_language`.'),
});
export type NewRowsQuery = z.output<typeof NewRowsQuery>;

export const RowsAdded = z.strictObject({ job_id: z.string(), added: z.int().min(0), total_requests: z.int().min(0) }).meta({ id: 'JobRequestsAdded' });

const ROW_STATUSES = ['waiting', 'running', 'completed', 'failed'] as const;

const JobRequest = z
  .strictObject({
    line: z.int().min(1).describe('1, 2, 3 in the order in which they came.'),
    custom_id: z.string(),
    status: z.enum(ROW_STATUSES),
    retry_count: z.int().min(0),
    body: object,
  })
  .meta({ id: 'JobRequest' });

const custom = { custom_id: storable(CUSTOM_ID_CHARS_MAX).optional().describe('Only this one.') };

export const RequestListQuery = z.strictObject({ ...PLACE_FIELDS, ...custom, status: z.enum(['waiting', 'running', 'done']).optional() });
export type RequestListQuery = z.output<typeof RequestListQuery>;
export const JobRequestList = z.strictObject({ data: z.array(JobRequest), ...PLACE_REPLY }).meta({ id: 'JobRequestList' });

export const JobOutcome = z
  .strictObject({
    line: z.int().min(1),
    custom_id: z.string(),
    status: z.enum(['completed', 'failed']),
    status_code: z.int().nullable().describe('Of the answer; null where nothing answered.'),
    request_id: z.string().nullable().describe('`GET /api/v1/requests/{id}` tells of the call.'),
    response: z.unknown().describe('In the words of the endpoint.'),
    error: z.strictObject({ code: z.string(), message: z.string() }).nullable(),
    model: z.string().nullable(),
    provider: z.string().nullable(),
    input_tokens: z.int().min(0),
    output_tokens: z.int().min(0),
    cost_usd: z.number().min(0),
    saved_usd: z.number().min(0),
    retry_count: z.int().min(0),
    created_at: z.iso.datetime(),
  })
  .meta({ id: 'JobOutcome' });
export type JobOutcome = z.output<typeof JobOutcome>;

export const OutcomeListQuery = z.strictObject({
  ...PLACE_FIELDS,
  ...custom,
  status: z.enum(['completed', 'failed']).optional(),
  format: z
    .enum(['jsonl', 'csv', 'merged'])
    .optional()
    .describe('Gives the whole, without pages. `merged` is the table that came in, with the columns `output`, `status`, `error`, `tokens` and `cost`.'),
});
export type OutcomeListQuery = z.output<typeof OutcomeListQuery>;
export const JobOutcomeList = z.strictObject({ data: z.array(JobOutcome), ...PLACE_REPLY }).meta({ id: 'JobOutcomeList' });
