import type { Settings } from '../../contract/settings.ts';
import { GenerateReply, generateRequest, StreamQuery } from '../../contract/generation.ts';
import { CHOSEN_MODEL_ERRORS, MODEL_ERRORS, STREAM_REPLIES } from '../../http/answer.ts';
import { type Route, route } from '../../http/route.ts';
import { generate, generateLocally } from './generate.ts';

const REPLIES = [{ status: 200, description: 'The answer.', type: 'application/json', schema: GenerateReply }, ...STREAM_REPLIES] as const;

export function generateRoutes(settings: Pick<Settings, 'maxPromptChars'>): readonly Route[] {
  return [
    route({
      method: 'POST',
      path: '/generate',
      summary: 'Ask a model',
      tag: 'Generate',
      scope: 'generate',
      limit: 'rateLimitGenerate',
      query: StreamQuery,
      body: generateRequest({ promptCharsMax: settings.maxPromptChars, tokensMax: 16_384 }).meta({ id: 'GenerateRequest' }),
      example: { prompt: 'Write a haiku about a sluice gate', temperature: 0.7, max_tokens: 100 },
      replies: REPLIES,
      errors: CHOSEN_MODEL_ERRORS,
      handle: generate,
    }),
    route({
      method: 'POST',
      path: '/local/generate',
      summary: 'Ask the local model',
      description: 'Always the model on this machine, with its own chat template. Nothing leaves the machine.',
      tag: 'Generate',
      scope: 'generate',
      limit: 'rateLimitLocal',
      query: StreamQuery,
      body: generateRequest({ promptCharsMax: settings.maxPromptChars, tokensMax: 2_000 }).omit({ model: true }).meta({ id: 'LocalGenerateRequest' }),
      example: { prompt: 'Write a haiku about a sluice gate', max_tokens: 100 },
      replies: REPLIES,
      errors: ['LOCAL_MODEL_UNAVAILABLE', ...MODEL_ERRORS],
      handle: generateLocally,
    }),
  ];
}
