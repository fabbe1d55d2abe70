import type { EmbedAnswer } from '../core/provider.ts';
import type { JsonObject } from './read-json.ts';

type Saying = { readonly model: string; readonly asBase64: boolean };

/** Embeddings as we say them to a caller: https://platform.openai.com/docs/api-reference/embeddings. */
export function embeddingsList({ vectors, inputTokens }: EmbedAnswer, { model, asBase64 }: Saying): JsonObject {
  return {
    object: 'list',
    data: vectors.map((vector, index) => ({ object: 'embedding', index, embedding: asBase64 ? inBase64(vector) : vector })),
    model,
    usage: { prompt_tokens: inputTokens, total_tokens: inputTokens },
  };
}

/** Little-endian float32. */
function inBase64(vector: readonly number[]): string {
  const bytes = new Uint8Array(vector.length * 4);
  const view = new DataView(bytes.buffer);
  for (const [place, value] of vector.entries()) view.setFloat32(place * 4, value, true);
  return bytes.toBase64();
}
