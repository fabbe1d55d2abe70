import type { ModerateAnswer, ModerateRequest } from '../core/provider.ts';
import { countOf, type JsonObject, objectOf, parseObject } from './read-json.ts';
import { faultInAnswer, providerError } from './upstream-fault.ts';

/** Moderations, as we ask an upstream for them: https://platform.openai.com/docs/api-reference/moderations. */
export function encodeModeration({ model, given }: ModerateRequest): JsonObject {
  return { ...given, model };
}

export function decodeModeration(words: string): ModerateAnswer {
  const answer = parseObject(words);
  const error = providerError(answer);
  if (error) throw faultInAnswer(error);
  return { words, inputTokens: countOf(objectOf(answer['usage'])['prompt_tokens']) };
}
