import { AnthropicModel, AnthropicModels, ModelParams, ModelsQuery, OpenaiModel, OpenaiModels } from '../../contract/openai-models.ts';
import { z } from 'zod';
import { type Route, route } from '../../http/route.ts';
import { listModels, showModel } from './models.ts';

export const openaiModelRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/v1/models',
    summary: 'What can be called, as clients of other vendors read it',
    description: 'With an API key: what the key may call. With the header `anthropic-version` in the form of Anthropic, in pages.',
    tag: 'OpenAI-compatible',
    scope: 'v1:read',
    query: ModelsQuery,
    replies: [
      { status: 200, description: 'Every alias and known model.', type: 'application/json', schema: OpenaiModels },
      { status: 200, description: 'With `anthropic-version`: a page of them.', type: 'application/json', schema: AnthropicModels },
    ],
    handle: listModels,
  }),
  route({
    method: 'GET',
    path: '/v1/models/{id}',
    isOpenEnded: true,
    summary: 'Whether a name can be called',
    tag: 'OpenAI-compatible',
    scope: 'v1:read',
    params: ModelParams,
    query: z.looseObject({}),
    replies: [
      { status: 200, description: 'It can.', type: 'application/json', schema: OpenaiModel },
      { status: 200, description: 'With `anthropic-version`.', type: 'application/json', schema: AnthropicModel },
    ],
    errors: ['MODEL_NOT_FOUND', 'LOCAL_MODEL_UNAVAILABLE'],
    handle: showModel,
  }),
];
