import type { LlamaModel } from 'node-llama-cpp';
import type { Engine } from './engine.ts';
import { assertCountable, tooLong } from './refused-error.ts';
import type { ModelOptions } from './words.ts';

/** Turns texts into vectors of length one, one text after the other. */
export async function createEmbedding(model: LlamaModel, { contextTokens, threads }: ModelOptions): Promise<Engine['embed']> {
  const contextSize = Math.min(contextTokens, model.trainContextSize);
  // A text is read both ways and so in one piece: the batch is as long as the longest text.
  const context = await model.createEmbeddingContext({ contextSize, batchSize: contextSize, threads });
  return async (texts, turn) => {
    const vectors: number[][] = [];
    let inputTokens = 0;
    for (const [index, text] of texts.entries()) {
      if (turn.isCancelled()) break;
      const [what, bounds] = [`input[${index}] has`, { most: contextSize, param: 'input' }];
      assertCountable(text.length, what, bounds);
      const tokens = context.calculateInputLength(text);
      if (tokens > contextSize) throw tooLong(what, { tokens, ...bounds });
      inputTokens += tokens;
      const { vector } = await context.getEmbeddingFor(text);
      vectors.push(ofLengthOne(vector));
    }
    return { vectors, inputTokens };
  };
}

function ofLengthOne(vector: readonly number[]): number[] {
  const length = Math.hypot(...vector);
  return length === 0 ? [...vector] : vector.map((value) => value / length);
}
