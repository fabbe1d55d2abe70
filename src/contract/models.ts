import { z } from 'zod';

const UsdPerMillion = z.number().min(0).nullable().describe('USD for a million tokens; null where no price is known.');

export const ModelList = z
  .strictObject({
    data: z.array(
      z
        .strictObject({
          id: z.string().describe('What to send as `model`.'),
          provider: z.string(),
          model: z.string().describe('As the provider calls it.'),
          alias: z.boolean().describe('Whether the configuration gave it this name.'),
          context_tokens: z.int(),
          max_output_tokens: z.int(),
          capabilities: z.array(z.string()),
          price: z.strictObject({
            input: UsdPerMillion,
            output: UsdPerMillion,
            cached_input: UsdPerMillion,
            as_of: z.string().nullable(),
            source: z.string().nullable(),
          }),
          default: z.boolean(),
        })
        .meta({ id: 'Model' }),
    ),
    has_more: z.literal(false),
    next_cursor: z.null(),
  })
  .meta({ id: 'ModelList' });

export const CacheStatsReply = z
  .strictObject({
    size: z.int().min(0).describe('Answers in the cache.'),
    bytes: z.int().min(0),
    max_entries: z.int().min(0),
    max_bytes: z.int().min(0),
    hits: z.int().min(0),
    misses: z.int().min(0),
    saved_usd: z.number().min(0).describe('What the hits would have cost.'),
  })
  .meta({ id: 'CacheStats' });

export const CacheClearedReply = z.strictObject({ deleted: z.int().min(0) }).meta({ id: 'CacheCleared' });
