import { z } from 'zod';
import { EmbeddingsBody, EmbeddingsReply } from '../../contract/embeddings.ts';
import { CHOSEN_MODEL_ERRORS } from '../../http/answer.ts';
import { type Route, route } from '../../http/route.ts';
import { embeddings } from './embeddings.ts';

export const embeddingRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/v1/embeddings',
    summary: 'Texts as vectors',
    description:
      'Fields that Sluice does not know go as they came to a provider that speaks the dialect of OpenAI; for any other provider they are a 400 that names them.',
    tag: 'OpenAI-compatible',
    scope: 'v1:call',
    query: z.looseObject({}),
    body: EmbeddingsBody,
    example: { model: 'demo-embedding', input: ['The gate lifts', 'The water runs'], encoding_format: 'float' },
    replies: [{ status: 200, description: 'A vector for each text.', type: 'application/json', schema: EmbeddingsReply }],
    errors: CHOSEN_MODEL_ERRORS,
    handle: embeddings,
  }),
];
