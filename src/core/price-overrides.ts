import type { ConfigFile, PriceEntry } from '../contract/config-file.ts';
import { statedFor } from './by-name.ts';
import { nanoUsdOfUsdPerMillion } from './prices.ts';
import type { Price, Rates, Tariff } from './provider.ts';

/** The price that the configuration file states for a model. */
export function overrideFor(prices: ConfigFile['prices'], name: string): Price | null {
  const entry = statedFor(prices, name);
  return entry ? priceOf(entry) : null;
}

function priceOf(entry: PriceEntry): Price {
  return {
    ...tariffOf(entry),
    ...(entry.above ? { above: { tokens: entry.above.tokens, ...tariffOf(entry.above) } } : {}),
    ...(entry.per_call === undefined ? {} : { callNanoUsd: Math.round(entry.per_call * 1e9) }),
    asOf: entry.as_of ?? null,
    source: entry.source ?? 'sluice.config.yaml',
  };
}

type Stated = Omit<PriceEntry, 'above' | 'per_call' | 'as_of' | 'source'>;

function tariffOf(stated: Stated): Tariff {
  const { batch_input, batch_output } = stated;
  const rates = ratesOf(stated);
  if (batch_input === undefined && batch_output === undefined) return rates;
  return { ...rates, batch: ratesOf({ input: batch_input ?? stated.input, output: batch_output ?? stated.output }) };
}

function ratesOf({ input, output, cached_input, cache_write, long_cache_write }: Stated): Rates {
  return {
    inputNanoUsd: nanoUsdOfUsdPerMillion(input),
    outputNanoUsd: nanoUsdOfUsdPerMillion(output),
    ...(cached_input === undefined ? {} : { cachedInputNanoUsd: nanoUsdOfUsdPerMillion(cached_input) }),
    ...(cache_write === undefined ? {} : { cacheWriteNanoUsd: nanoUsdOfUsdPerMillion(cache_write) }),
    ...(long_cache_write === undefined ? {} : { longCacheWriteNanoUsd: nanoUsdOfUsdPerMillion(long_cache_write) }),
  };
}
