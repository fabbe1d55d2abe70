/** Requests that one call can add, and that a job can have. */
export const ROWS_A_CALL_MAX = 50_000;
export const JOB_ROWS_MAX = 1_000_000;

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
