import { z } from 'zod';

const usdPerMillion = z.number().min(0);
const orInput = 'null: as `input`.';

const rates = {
  input: usdPerMillion.describe('USD for a million tokens.'),
  output: usdPerMillion.describe('USD for a million tokens, reasoning among them.'),
  cached_input: usdPerMillion.nullable().describe(`Input that the provider had in its cache; ${orInput}`),
  cache_write: usdPerMillion.nullable().describe(`Input that the provider puts into its cache for minutes; ${orInput}`),
  long_cache_write: usdPerMillion.nullable().describe('The same for an hour or longer; null: as `cache_write`.'),
  batch_input: usdPerMillion.nullable().describe('Input of a batch; null: a batch costs no less.'),
  batch_output: usdPerMillion.nullable(),
};

const ModelPrice = z
  .strictObject({
    ...rates,
    per_call: z.number().min(0).describe('USD for each call, besides its tokens.'),
    above: z
      .strictObject({ tokens: z.int().min(1).describe('The longest prompt for which the other price counts.'), ...rates })
      .nullable()
      .describe('What all of a call costs whose prompt is longer.'),
    as_of: z.string().nullable().describe('The day for which it was stated.'),
    source: z.string().describe('Who stated it.'),
    assumed: z.boolean().describe('No price is known: this is what `UNKNOWN_PRICE` says.'),
  })
  .meta({ id: 'ModelPrice' });

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
          price: ModelPrice,
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
