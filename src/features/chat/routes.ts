import { z } from 'zod';
import { ChatBody, ChatReply } from '../../contract/chat.ts';
import { CHOSEN_MODEL_ERRORS } from '../../http/answer.ts';
import { type Route, route } from '../../http/route.ts';
import { chat } from './chat.ts';

export const chatRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/v1/chat/completions',
    summary: 'Chat, as OpenAI clients do',
    description:
      'The body goes as it came to a provider of the same dialect, fields that Sluice does not know included. For any other provider it is translated, and what cannot be said to it is a 400 that names it. `X-Cache-Control: on` uses the cache.',
    tag: 'OpenAI-compatible',
    scope: 'v1:call',
    query: z.looseObject({}),
    body: ChatBody,
    example: { model: 'demo', messages: [{ role: 'user', content: 'Write a haiku about a sluice gate' }], max_tokens: 100 },
    replies: [
      { status: 200, description: 'The completion.', type: 'application/json', schema: ChatReply },
      { status: 200, description: 'With `"stream": true`: its chunks, then `data: [DONE]`.', type: 'text/event-stream' },
    ],
    errors: CHOSEN_MODEL_ERRORS,
    handle: chat,
  }),
];
