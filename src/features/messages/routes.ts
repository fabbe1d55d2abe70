import { CountTokensBody, CountTokensReply, MessageReply, MessagesBody, MessagesQuery } from '../../contract/messages.ts';
import { CHOSEN_MODEL_ERRORS } from '../../http/answer.ts';
import { type Route, route } from '../../http/route.ts';
import { countTokens } from './count-tokens.ts';
import { createMessage } from './messages.ts';

const MESSAGES = [{ role: 'user', content: 'Write a haiku about a sluice gate' }];

export const messageRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/v1/messages',
    summary: 'Create a message, as Anthropic clients do',
    description:
      'The body goes as it came to a provider of the same dialect, fields that Sluice does not know and the headers `anthropic-beta` and `anthropic-version` included. For any other provider it is translated, and what cannot be said to it is a 400 that names it. `X-Cache-Control: on` uses the cache.',
    tag: 'Anthropic-compatible',
    scope: 'v1:call',
    query: MessagesQuery,
    body: MessagesBody,
    example: { model: 'demo', max_tokens: 100, messages: MESSAGES },
    replies: [
      { status: 200, description: 'The message.', type: 'application/json', schema: MessageReply },
      { status: 200, description: 'With `"stream": true`: its events, `message_start` to `message_stop`.', type: 'text/event-stream' },
    ],
    errors: CHOSEN_MODEL_ERRORS,
    handle: createMessage,
  }),
  route({
    method: 'POST',
    path: '/v1/messages/count_tokens',
    summary: 'Count the tokens of a message',
    description:
      'An estimate that asks no provider and costs nothing, which `X-Usage-Estimated: true` says. What cannot be counted, such as a document, is a 400 that names it.',
    tag: 'Anthropic-compatible',
    scope: 'v1:call',
    query: MessagesQuery,
    body: CountTokensBody,
    example: { model: 'demo', messages: MESSAGES },
    replies: [{ status: 200, description: 'The count.', type: 'application/json', schema: CountTokensReply }],
    errors: ['MODEL_NOT_FOUND', 'LOCAL_MODEL_UNAVAILABLE'],
    handle: countTokens,
  }),
];
