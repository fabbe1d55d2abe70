import type { Usage } from './events.ts';
import type { Price, Rates } from './provider.ts';

type Paying = { readonly batch?: boolean };

/** Money is whole nano-USD. A price may be a fraction of one for a token; the sum of a call is rounded once. */
export function costNanoUsd(usage: Usage, price: Price, { batch = false }: Paying = {}): number {
  const tariff = price.above && usage.inputTokens > price.above.tokens ? price.above : price;
  const { inputNanoUsd, outputNanoUsd, cachedInputNanoUsd, cacheWriteNanoUsd, longCacheWriteNanoUsd } = complete(batch ? (tariff.batch ?? tariff) : tariff);
  // The parts of the input never make more than the whole, whatever a provider says.
  const input = countOf(usage.inputTokens, Infinity);
  const cached = countOf(usage.cachedInputTokens, input);
  const written = countOf(usage.cacheWriteTokens, input - cached);
  const writtenLong = countOf(usage.longCacheWriteTokens, written);
  return Math.round(
    (input - cached - written) * inputNanoUsd +
      cached * cachedInputNanoUsd +
      (written - writtenLong) * cacheWriteNanoUsd +
      writtenLong * longCacheWriteNanoUsd +
      countOf(usage.outputTokens, Infinity) * outputNanoUsd +
      (price.callNanoUsd ?? 0),
  );
}

/** No call with at most so many tokens costs more: nothing is in the provider's cache, and all that is dear happens. */
export function worstCaseNanoUsd(
  { inputTokens, maxTokens }: { readonly inputTokens: number; readonly maxTokens: number },
  price: Price,
  { batch = false }: Paying = {},
): number {
  const tariffs = price.above && inputTokens > price.above.tokens ? [price, price.above] : [price];
  let inputNanoUsd = 0;
  let outputNanoUsd = 0;
  for (const tariff of tariffs) {
    const rates = complete(batch ? (tariff.batch ?? tariff) : tariff);
    inputNanoUsd = Math.max(inputNanoUsd, rates.inputNanoUsd, rates.cachedInputNanoUsd, rates.cacheWriteNanoUsd, rates.longCacheWriteNanoUsd);
    outputNanoUsd = Math.max(outputNanoUsd, rates.outputNanoUsd);
  }
  return Math.ceil(inputTokens * inputNanoUsd + maxTokens * outputNanoUsd + (price.callNanoUsd ?? 0));
}

function complete(rates: Rates): Required<Rates> {
  const { inputNanoUsd, outputNanoUsd, cachedInputNanoUsd = inputNanoUsd, cacheWriteNanoUsd = inputNanoUsd, longCacheWriteNanoUsd = cacheWriteNanoUsd } = rates;
  return { inputNanoUsd, outputNanoUsd, cachedInputNanoUsd, cacheWriteNanoUsd, longCacheWriteNanoUsd };
}

function countOf(tokens: number | undefined, most: number): number {
  return Math.min(Math.max(0, tokens ?? 0), most);
}

/** Of the prices that people and vendors write: a USD for a million tokens is a thousand nano-USD for one. */
export function nanoUsdOfUsdPerMillion(usd: number): number {
  // Without the crumbs of binary fractions: 0.07 × 1000 is 70.00000000000001.
  return Math.round(usd * 1e9) / 1e6;
}
