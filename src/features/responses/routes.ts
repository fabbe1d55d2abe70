import { z } from 'zod';
import { ResponseDeleted, ResponseItems, ResponseItemsQuery, ResponseParams, ResponseQuery, ResponseReply, ResponsesBody } from '../../contract/responses.ts';
import { CHOSEN_MODEL_ERRORS } from '../../http/answer.ts';
import { DATABASE_ERRORS, type Route, route } from '../../http/route.ts';
import { createResponse } from './create.ts';
import { cancelResponse, listInputItems, removeResponse, showResponse } from './show.ts';

const OF_ONE = { tag: 'OpenAI-compatible', scope: 'v1:call', params: ResponseParams } as const;

export const responseRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/v1/responses',
    summary: 'Ask for a response, as OpenAI clients do',
    description:
      'The body goes as it came to a provider of the same dialect, fields that Sluice does not know included. For any other provider it is translated, and what cannot be said to it is a 400 that names it. Unless `store` is false the response is kept for 30 days, so that `previous_response_id` goes on from it with any model. With `background` it answers at once, and the response goes on when its caller leaves. `X-Cache-Control: on` uses the cache.',
    tag: 'OpenAI-compatible',
    scope: 'v1:call',
    query: z.looseObject({}),
    body: ResponsesBody,
    example: { model: 'demo', input: 'Write a haiku about a sluice gate', max_output_tokens: 100 },
    replies: [
      { status: 200, description: 'The response.', type: 'application/json', schema: ResponseReply },
      { status: 200, description: 'With `"stream": true`: its events, `response.completed` or `response.incomplete` the last.', type: 'text/event-stream' },
    ],
    errors: ['MISSING_REQUIRED_FIELD', ...CHOSEN_MODEL_ERRORS],
    handle: createResponse,
  }),
  route({
    ...OF_ONE,
    method: 'GET',
    path: '/v1/responses/{id}',
    summary: 'Show a stored response, or stream one in the background',
    query: ResponseQuery,
    replies: [
      { status: 200, description: 'The response.', type: 'application/json', schema: ResponseReply },
      { status: 200, description: 'With `?stream=true`: its events, as they come.', type: 'text/event-stream' },
    ],
    errors: DATABASE_ERRORS,
    handle: showResponse,
  }),
  route({
    ...OF_ONE,
    method: 'DELETE',
    path: '/v1/responses/{id}',
    summary: 'Delete a stored response',
    description: 'What it said is gone, and no response can be continued that was continued from it.',
    replies: [{ status: 200, description: 'Deleted.', type: 'application/json', schema: ResponseDeleted }],
    errors: DATABASE_ERRORS,
    handle: removeResponse,
  }),
  route({
    ...OF_ONE,
    method: 'POST',
    path: '/v1/responses/{id}/cancel',
    summary: 'Cancel a response in the background',
    description: 'One that is over stays as it is.',
    replies: [{ status: 200, description: 'The response.', type: 'application/json', schema: ResponseReply }],
    errors: DATABASE_ERRORS,
    handle: cancelResponse,
  }),
  route({
    ...OF_ONE,
    method: 'GET',
    path: '/v1/responses/{id}/input_items',
    summary: 'List what a stored response was asked with',
    description: 'With all that came before it.',
    query: ResponseItemsQuery,
    replies: [{ status: 200, description: 'One page of it.', type: 'application/json', schema: ResponseItems }],
    errors: DATABASE_ERRORS,
    handle: listInputItems,
  }),
];
