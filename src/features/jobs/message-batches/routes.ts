import { MessagesQuery } from '../../../contract/messages.ts';
import {
  MessageBatch,
  MessageBatchDeleted,
  MessageBatchesQuery,
  MessageBatchList,
  MessageBatchParams,
  NewMessageBatchBody,
} from '../../../contract/message-batches.ts';
import { DATABASE_ERRORS, type Route, route } from '../../../http/route.ts';
import { createMessageBatch } from './create.ts';
import { sendResults } from './results.ts';
import { cancelMessageBatch, removeMessageBatch, showMessageBatch, showMessageBatches } from './show.ts';

const OF_ALL = { tag: 'Anthropic-compatible', errors: DATABASE_ERRORS } as const;
const OF_ONE = { ...OF_ALL, params: MessageBatchParams, query: MessagesQuery } as const;
const ONE = [{ status: 200, description: 'The batch.', type: 'application/json', schema: MessageBatch }] as const;
const MESSAGES = [{ role: 'user', content: 'Write a haiku about a sluice gate' }];

export const messageBatchRoutes: readonly Route[] = [
  route({
    ...OF_ALL,
    method: 'POST',
    path: '/v1/messages/batches',
    summary: 'Run many messages, as Anthropic clients do',
    description:
      'With any model: where its provider has batches at a lower price, they are used. It is a job like any other, with the same id under `/api/v1/jobs`. A request that is wrong is told so in its result.',
    scope: 'v1:call',
    query: MessagesQuery,
    body: NewMessageBatchBody,
    example: { requests: [{ custom_id: 'first', params: { model: 'demo', max_tokens: 100, messages: MESSAGES } }] },
    replies: ONE,
    handle: createMessageBatch,
  }),
  route({
    ...OF_ALL,
    method: 'GET',
    path: '/v1/messages/batches',
    summary: 'List the message batches of your project',
    scope: 'v1:read',
    query: MessageBatchesQuery,
    replies: [{ status: 200, description: 'One page of them, newest first.', type: 'application/json', schema: MessageBatchList }],
    handle: showMessageBatches,
  }),
  route({
    ...OF_ONE,
    method: 'GET',
    path: '/v1/messages/batches/{id}',
    summary: 'Show a message batch',
    scope: 'v1:read',
    replies: ONE,
    handle: showMessageBatch,
  }),
  route({
    ...OF_ONE,
    method: 'GET',
    path: '/v1/messages/batches/{id}/results',
    summary: 'Read what came of each message',
    description: 'A line for each request that has a result by now, in the order in which they came.',
    scope: 'v1:read',
    replies: [{ status: 200, description: 'The results.', type: 'application/x-jsonl' }],
    handle: sendResults,
  }),
  route({
    ...OF_ONE,
    method: 'POST',
    path: '/v1/messages/batches/{id}/cancel',
    summary: 'Cancel a message batch',
    description: 'What was answered stays; every other request is `canceled`.',
    scope: 'v1:call',
    replies: ONE,
    errors: ['CONFLICT', ...DATABASE_ERRORS],
    handle: cancelMessageBatch,
  }),
  route({
    ...OF_ONE,
    method: 'DELETE',
    path: '/v1/messages/batches/{id}',
    summary: 'Delete a message batch',
    description: 'One that still runs is cancelled first.',
    scope: 'v1:call',
    replies: [{ status: 200, description: 'Deleted.', type: 'application/json', schema: MessageBatchDeleted }],
    handle: removeMessageBatch,
  }),
];
