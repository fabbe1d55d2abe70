import { z } from 'zod';
import { Batch, BatchesQuery, BatchList, BatchParams, NewBatchBody } from '../../../contract/batches.ts';
import { DATABASE_ERRORS, type Route, route } from '../../../http/route.ts';
import { createBatch } from './create.ts';
import { cancelBatch, showBatch, showBatches } from './show.ts';

const OF_ALL = { tag: 'OpenAI-compatible', errors: DATABASE_ERRORS } as const;
const OF_ONE = { ...OF_ALL, params: BatchParams, query: z.looseObject({}) } as const;
const ONE = [{ status: 200, description: 'The batch.', type: 'application/json', schema: Batch }] as const;

export const batchRoutes: readonly Route[] = [
  route({
    ...OF_ALL,
    method: 'POST',
    path: '/v1/batches',
    summary: 'Run the requests of a file, as OpenAI clients do',
    description:
      'With any model: where its provider has batches at a lower price, they are used. It is a job like any other, with the same id under `/api/v1/jobs`. Its input is looked into at once: what is wrong with it stands under `errors`, with the number of the line.',
    scope: 'v1:call',
    query: z.looseObject({}),
    body: NewBatchBody,
    example: { input_file_id: 'file-01k5m2v8y3f7q9a4c6e8g0j2n4', endpoint: '/v1/chat/completions', completion_window: '24h' },
    replies: ONE,
    handle: createBatch,
  }),
  route({
    ...OF_ALL,
    method: 'GET',
    path: '/v1/batches',
    summary: 'List the batches of your project',
    scope: 'v1:read',
    query: BatchesQuery,
    replies: [{ status: 200, description: 'One page of them, newest first.', type: 'application/json', schema: BatchList }],
    handle: showBatches,
  }),
  route({
    ...OF_ONE,
    method: 'GET',
    path: '/v1/batches/{id}',
    summary: 'Show a batch',
    scope: 'v1:read',
    replies: ONE,
    handle: showBatch,
  }),
  route({
    ...OF_ONE,
    method: 'POST',
    path: '/v1/batches/{id}/cancel',
    summary: 'Cancel a batch',
    description: 'Its requests that were answered stay in its output file; all others stand in its error file as `batch_cancelled`.',
    scope: 'v1:call',
    replies: ONE,
    errors: ['CONFLICT', ...DATABASE_ERRORS],
    handle: cancelBatch,
  }),
];
