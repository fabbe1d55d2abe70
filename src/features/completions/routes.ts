import { z } from 'zod';
import { CompletionBody, CompletionReply } from '../../contract/completions.ts';
import { CHOSEN_MODEL_ERRORS } from '../../http/answer.ts';
import { type Route, route } from '../../http/route.ts';
import { complete } from './completions.ts';

export const completionRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/v1/completions',
    summary: 'Go on with a text, as older OpenAI clients do',
    description:
      'Answered by chat, with the prompt as its one message. `suffix`, `echo`, `best_of`, `logprobs`, and more than one prompt or answer, are a 400 that names them. `X-Cache-Control: on` uses the cache.',
    tag: 'OpenAI-compatible',
    scope: 'v1:call',
    query: z.looseObject({}),
    body: CompletionBody,
    example: { model: 'demo', prompt: 'The gate lifts, and', max_tokens: 50 },
    replies: [
      { status: 200, description: 'The completion.', type: 'application/json', schema: CompletionReply },
      { status: 200, description: 'With `"stream": true`: its chunks, then `data: [DONE]`.', type: 'text/event-stream' },
    ],
    errors: CHOSEN_MODEL_ERRORS,
    handle: complete,
  }),
];
