import { nanoUsdOfUsdPerMillion } from './prices.ts';
import type { Price } from './provider.ts';

/** What a model costs of which no price is known, as UNKNOWN_PRICE says it: a stated estimate, nothing, or it is not called at all. */
export type UnknownPrice = Price | 'refuse';

const USD_MAX = 1_000_000;

/** `2.50/10.00`, USD for a million tokens of input and output; `free`; `refuse`. Null for anything else. */
export function parseUnknownPrice(text: string): UnknownPrice | null {
  const word = text.trim().toLowerCase();
  if (word === 'refuse') return 'refuse';
  const [, input, output] = /^(\d+\.?\d*|\.\d+)\s*\/\s*(\d+\.?\d*|\.\d+)$/.exec(word === 'free' ? '0/0' : word) ?? [];
  const usd = [Number(input), Number(output)] as const;
  if (!usd.every((amount) => amount <= USD_MAX)) return null;
  return { inputNanoUsd: nanoUsdOfUsdPerMillion(usd[0]), outputNanoUsd: nanoUsdOfUsdPerMillion(usd[1]), asOf: null, source: 'UNKNOWN_PRICE' };
}
