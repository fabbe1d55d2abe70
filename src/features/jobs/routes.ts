import { z } from 'zod';
import {
  JobOutcomeList,
  JobRequestList,
  NewRowsBody,
  NewRowsQuery,
  OutcomeListQuery,
  RequestListQuery,
  RowBody,
  ROWS_A_CALL_MAX,
  ROWS_BYTES_MAX,
  RowsAdded,
} from '../../contract/job-rows.ts';
import { JobChange, JobEstimate, JobList, JobListQuery, JobParams, JobReply, JobStats, NewJobBody } from '../../contract/jobs.ts';
import { DATABASE_ERRORS, type ReplySpec, type Route, route } from '../../http/route.ts';
import { cancelJob, changeJob, deleteJob, retryJob, submitJob } from './change.ts';
import { createJob } from './create.ts';
import { estimate } from './estimate.ts';
import { watchJob } from './events.ts';
import { addRequests } from './rows/add.ts';
import { showOutcomes, showRequests } from './rows/list.ts';
import { showJob, showJobs } from './show.ts';
import { showStats } from './stats.ts';

const READING = { tag: 'Jobs', scope: 'jobs:read' } as const;
const WRITING = { tag: 'Jobs', scope: 'jobs:write', limit: 'rateLimitAnonymous' } as const;
const STATE_ERRORS = ['CONFLICT', ...DATABASE_ERRORS] as const;
const SETTING_ERRORS = ['MODEL_NOT_FOUND', 'TEMPLATE_NOT_FOUND', ...STATE_ERRORS] as const;
const jobAs = (status: number, description: string): ReplySpec => ({ status, description, type: 'application/json', schema: JobReply });
const ACCEPTED = [jobAs(202, 'The job as it is now: what was asked for is done by the processors.')];

const jobs: readonly Route[] = [
  route({
    ...READING,
    method: 'GET',
    path: '/api/v1/jobs/',
    alias: '/api/v1/jobs',
    summary: 'List the jobs',
    description: 'Newest first. Of your project; who is not signed in sees what nobody in particular made.',
    query: JobListQuery,
    replies: [{ status: 200, description: 'One page of them.', type: 'application/json', schema: JobList }],
    errors: DATABASE_ERRORS,
    handle: showJobs,
  }),
  route({
    ...WRITING,
    method: 'POST',
    path: '/api/v1/jobs/',
    alias: '/api/v1/jobs',
    summary: 'Make a job',
    description:
      'Empty at first: `POST …/requests` fills it. It starts by itself soon after it has requests, unless it is on `hold`; `POST …/submit` starts it at once.',
    body: NewJobBody,
    example: { name: 'Tickets of March', template_id: 'summarize_v1', hold: true, budget_usd: 5 },
    replies: [jobAs(201, 'The new job.')],
    errors: SETTING_ERRORS,
    handle: createJob,
  }),
  route({
    ...READING,
    method: 'GET',
    path: '/api/v1/jobs/stats/overview',
    summary: 'Sums over all jobs',
    replies: [
      { status: 200, description: 'Jobs by status, requests, tokens, cost, and what batches and the cache saved.', type: 'application/json', schema: JobStats },
    ],
    errors: DATABASE_ERRORS,
    handle: showStats,
  }),
  route({
    ...READING,
    method: 'GET',
    path: '/api/v1/jobs/{id}',
    summary: 'Show a job',
    params: JobParams,
    replies: [jobAs(200, 'The job, with its sums so far.')],
    errors: DATABASE_ERRORS,
    handle: showJob,
  }),
  route({
    ...WRITING,
    method: 'PUT',
    path: '/api/v1/jobs/{id}',
    summary: 'Change a job',
    description:
      'What is left out stays. Name, description, metadata, webhook and budget can always be changed, all else until the job is submitted; by whoever made it, or an administrator.',
    params: JobParams,
    body: JobChange,
    example: { hold: false, budget_usd: 10 },
    replies: [jobAs(200, 'The job as it is now.')],
    errors: SETTING_ERRORS,
    handle: changeJob,
  }),
  route({
    ...WRITING,
    method: 'DELETE',
    path: '/api/v1/jobs/{id}',
    summary: 'Delete a job',
    description: 'It is cancelled first, at the provider too. What it used stays in the usage.',
    params: JobParams,
    replies: [{ status: 204, description: 'It is gone.', type: 'application/json' }],
    errors: DATABASE_ERRORS,
    handle: deleteJob,
  }),
];

const rows: readonly Route[] = [
  route({
    ...READING,
    method: 'GET',
    path: '/api/v1/jobs/{id}/requests',
    summary: 'List the requests of a job',
    description: 'In the order in which they came.',
    params: JobParams,
    query: RequestListQuery,
    replies: [{ status: 200, description: 'One page of them.', type: 'application/json', schema: JobRequestList }],
    errors: DATABASE_ERRORS,
    handle: showRequests,
  }),
  route({
    ...WRITING,
    method: 'POST',
    path: '/api/v1/jobs/{id}/requests',
    summary: 'Add requests to a job',
    description: `As JSON, as JSONL with a request on each line (lines of OpenAI's batches too), or as a CSV table whose first line names its columns. All are added, or none: what is wrong is told with its line in \`details.line\`. Up to ${ROWS_A_CALL_MAX} in a call, of 200 MB (10 MB in JSON), 1 MB for each.`,
    params: JobParams,
    query: NewRowsQuery,
    body: NewRowsBody,
    example: { requests: [{ custom_id: 'ticket-1', input: 'The gate did not lift on Sunday.', parameters: { max_words: 20 } }] },
    streamed: {
      types: { 'application/jsonl': RowBody, 'application/x-ndjson': RowBody, 'text/csv': z.string() },
      bytesMax: ROWS_BYTES_MAX,
    },
    replies: [{ status: 201, description: 'They are in.', type: 'application/json', schema: RowsAdded }],
    errors: ['MISSING_REQUIRED_FIELD', 'TEMPLATE_NOT_FOUND', ...STATE_ERRORS],
    handle: addRequests,
  }),
  route({
    ...READING,
    method: 'GET',
    path: '/api/v1/jobs/{id}/responses',
    summary: 'What came of the requests of a job',
    description: 'In their order, in pages; with `format` the whole as a file, as far as it has come.',
    params: JobParams,
    query: OutcomeListQuery,
    replies: [
      { status: 200, description: 'One page of them.', type: 'application/json', schema: JobOutcomeList },
      { status: 200, description: 'An outcome on each line.', type: 'application/jsonl' },
      { status: 200, description: 'A header and a line for each (RFC 4180).', type: 'text/csv' },
    ],
    errors: DATABASE_ERRORS,
    handle: showOutcomes,
  }),
];

const deeds: readonly Route[] = [
  route({
    ...READING,
    method: 'GET',
    path: '/api/v1/jobs/{id}/estimate',
    summary: 'What a job will cost',
    description: 'By the requests that it has now, with the two prices that there are: one by one, and as a batch of the provider.',
    params: JobParams,
    replies: [{ status: 200, description: 'The estimate.', type: 'application/json', schema: JobEstimate }],
    errors: ['MODEL_NOT_FOUND', 'TEMPLATE_NOT_FOUND', ...DATABASE_ERRORS],
    handle: estimate,
  }),
  route({
    ...WRITING,
    method: 'POST',
    path: '/api/v1/jobs/{id}/submit',
    summary: 'Start a job now',
    description: 'On hold or not, whatever its schedule says.',
    params: JobParams,
    replies: ACCEPTED,
    errors: STATE_ERRORS,
    handle: submitJob,
  }),
  route({
    ...WRITING,
    method: 'POST',
    path: '/api/v1/jobs/{id}/cancel',
    summary: 'Cancel a job',
    description: 'What is answered by then is kept, and the rest ends as `batch_cancelled`.',
    params: JobParams,
    replies: ACCEPTED,
    errors: STATE_ERRORS,
    handle: cancelJob,
  }),
  route({
    ...WRITING,
    method: 'POST',
    path: '/api/v1/jobs/{id}/retry',
    summary: 'Run again what failed',
    description: 'Only that: what was answered is not asked again. What was cancelled or expired counts as failed.',
    params: JobParams,
    replies: ACCEPTED,
    errors: STATE_ERRORS,
    handle: retryJob,
  }),
  route({
    ...READING,
    method: 'GET',
    path: '/api/v1/jobs/{id}/events',
    summary: 'Watch a job',
    description:
      'Server-Sent Events: `progress` whenever something has come of it (status, requests, tokens, cost, `rate_per_s`, `eta_s`), and at its end `done` with the job. With `Last-Event-ID` only what is new; 204 where that was the end.',
    params: JobParams,
    replies: [
      { status: 200, description: 'How it goes, as it goes.', type: 'text/event-stream' },
      { status: 204, description: 'There is nothing new, and there will be nothing.', type: 'text/event-stream' },
    ],
    errors: DATABASE_ERRORS,
    handle: watchJob,
  }),
];

export const jobRoutes: readonly Route[] = [...jobs, ...rows, ...deeds];
