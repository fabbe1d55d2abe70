import { z } from 'zod';

/** Embeddings as OpenAI's clients ask for them (CONTRACT 6). What is not checked here passes through to a provider that speaks the same dialect. */
const TEXTS_MAX = 2048;
const words = z.string().min(1);
const tokens = z.array(z.int().min(0)).min(1).max(1_000_000);

export const EmbeddingsBody = z
  .looseObject({
    model: words.describe('An alias, `provider/model`, or a known name.'),
    input: z
      .union([words, z.array(words).min(1).max(TEXTS_MAX), tokens, z.array(tokens).min(1).max(TEXTS_MAX)])
      .describe('A text, or several; each may also come as the ids of its tokens, for a provider that speaks the dialect of OpenAI.'),
    encoding_format: z.enum(['float', 'base64']).nullish().describe('`base64` is little-endian float32.'),
    dimensions: z.int().min(1).max(65_536).nullish(),
    user: z.string().nullish(),
  })
  .meta({ id: 'EmbeddingsRequest' });
export type EmbeddingsBody = z.output<typeof EmbeddingsBody>;

const Embedding = z.strictObject({ object: z.literal('embedding'), index: z.int().min(0), embedding: z.union([z.array(z.number()), z.string()]) });
export const EmbeddingsReply = z
  .strictObject({
    object: z.literal('list'),
    data: z.array(Embedding).min(1).describe('In the order of the texts.'),
    model: z.string(),
    usage: z.strictObject({ prompt_tokens: z.int().min(0), total_tokens: z.int().min(0) }),
  })
  .meta({ id: 'Embeddings' });
