import { type EmbedAnswer, type EmbedRequest, UpstreamError } from '../core/provider.ts';
import { embedInputTokens } from '../core/tokens.ts';
import { countOf, type JsonObject, listOf, objectOf } from './read-json.ts';
import { faultInAnswer, providerError } from './upstream-fault.ts';

/** Embeddings, as we ask an upstream for them: https://platform.openai.com/docs/api-reference/embeddings. */
export function encodeEmbeddings({ model, texts, dimensions, given }: EmbedRequest): JsonObject {
  // A quarter of the bytes, and nothing to parse. Servers that do not know it send numbers.
  return { ...given, model, input: texts, encoding_format: 'base64', ...(dimensions === undefined ? {} : { dimensions }) };
}

export function decodeEmbeddings(answer: JsonObject, request: EmbedRequest): EmbedAnswer {
  const { texts } = request;
  const error = providerError(answer);
  if (error) throw faultInAnswer(error);
  const rows = listOf(answer['data']);
  const vectors: (readonly number[] | undefined)[] = Array.from({ length: texts.length });
  for (const [place, row] of rows.entries()) {
    const { index, embedding } = objectOf(row);
    vectors[countOf(index) ?? place] = decodeVector(embedding);
  }
  if (rows.length !== texts.length || !allThere(vectors))
    throw new UpstreamError('broken', `The provider sent ${rows.length} vectors for ${texts.length} texts.`);
  const inputTokens = countOf(objectOf(answer['usage'])['prompt_tokens']);
  return inputTokens === null ? { vectors, inputTokens: embedInputTokens(request), estimated: true } : { vectors, inputTokens };
}

function allThere(vectors: readonly (readonly number[] | undefined)[]): vectors is readonly (readonly number[])[] {
  return vectors.every((vector) => vector !== undefined);
}

/** Little-endian float32 in base64, or plain numbers. */
function decodeVector(value: unknown): readonly number[] {
  if (typeof value === 'string') {
    const bytes = bytesOf(value);
    const view = new DataView(bytes.buffer);
    return Array.from({ length: Math.floor(bytes.length / 4) }, (_, place) => view.getFloat32(place * 4, true));
  }
  const numbers = listOf(value);
  if (numbers.length === 0 || !numbers.every((number) => typeof number === 'number'))
    throw new UpstreamError('broken', 'The provider sent an embedding that is no list of numbers.');
  return numbers;
}

function bytesOf(base64: string): Uint8Array {
  try {
    return Uint8Array.fromBase64(base64);
  } catch (cause) {
    throw new UpstreamError('broken', 'The provider sent an embedding that is not base64.', { cause });
  }
}
