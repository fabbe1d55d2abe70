import { type EmbedAnswer, type EmbedRequest, UpstreamError } from '../core/provider.ts';
import { embedInputTokens } from '../core/tokens.ts';
import { countOf, type JsonObject, listOf, objectOf } from '../wire/read-json.ts';
import type { SdkModel } from './ai-sdk-model.ts';
import { cannotSay } from './ai-sdk-prompt.ts';

/** How texts are embedded by a package, which says of each model how many it takes at a time. */
export async function embedByPackage(model: SdkModel, request: EmbedRequest, ask: (options: JsonObject) => Promise<JsonObject>): Promise<EmbedAnswer> {
  const values = request.texts.map((text) => {
    if (typeof text !== 'string') throw cannotSay('the ids of tokens');
    return text;
  });
  const most = countOf(await model.has['maxEmbeddingsPerCall']) || values.length;
  const vectors: (readonly number[])[] = [];
  let inputTokens: number | null = 0;
  for (let start = 0; start < values.length; start += most) {
    const { embeddings, usage } = await ask({ values: values.slice(start, start + most) });
    vectors.push(...listOf(embeddings).map(vectorOf));
    const counted = countOf(objectOf(usage)['tokens']);
    inputTokens = inputTokens === null || counted === null ? null : inputTokens + counted;
  }
  if (vectors.length !== values.length) throw new UpstreamError('broken', `The package gave ${vectors.length} vectors for ${values.length} texts.`);
  return inputTokens === null ? { vectors, inputTokens: embedInputTokens(request), estimated: true } : { vectors, inputTokens };
}

function vectorOf(value: unknown): readonly number[] {
  const numbers = listOf(value);
  if (numbers.length === 0 || !numbers.every((number) => typeof number === 'number')) {
    throw new UpstreamError('broken', 'The package gave an embedding that is no list of numbers.');
  }
  return numbers;
}
