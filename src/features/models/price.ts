import type { Price, Tariff } from '../../core/provider.ts';

/** A price as people write it: USD for a million tokens. */
export function priceReply(price: Price, assumed: boolean): Record<string, unknown> {
  return {
    ...ratesReply(price),
    per_call: (price.callNanoUsd ?? 0) / 1e9,
    above: price.above ? { tokens: price.above.tokens, ...ratesReply(price.above) } : null,
    as_of: price.asOf,
    source: price.source,
    assumed,
  };
}

function ratesReply(tariff: Tariff): Record<string, number | null> {
  return {
    input: usdPerMillion(tariff.inputNanoUsd),
    output: usdPerMillion(tariff.outputNanoUsd),
    cached_input: usdPerMillion(tariff.cachedInputNanoUsd),
    cache_write: usdPerMillion(tariff.cacheWriteNanoUsd),
    long_cache_write: usdPerMillion(tariff.longCacheWriteNanoUsd),
    batch_input: usdPerMillion(tariff.batch?.inputNanoUsd),
    batch_output: usdPerMillion(tariff.batch?.outputNanoUsd),
  };
}

/** A nano-USD for a token is a thousandth of a USD for a million of them. */
function usdPerMillion(nanoUsd: number | undefined): number | null {
  return nanoUsd === undefined ? null : nanoUsd / 1000;
}
