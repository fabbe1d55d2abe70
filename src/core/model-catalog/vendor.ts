import { nanoUsdOfUsdPerMillion } from '../prices.ts';
import type { Capability, ModelFacts, Price, Rates } from '../provider.ts';

/** Who serves models at prices of its own. */
export type Vendor = {
  readonly id: string;
  readonly name: string;
  /** Where it is called. */
  readonly hosts: readonly string[];
  readonly models: readonly ModelFacts[];
};

type Tokens = readonly [context: number, output: number];
/** USD for a million tokens, as vendors write it. */
type Usd = readonly [input: number, output: number, cachedInput?: number];

/** What is said once for a vendor, and again where one of its models differs. */
type Terms = {
  /** The day for which the price was stated, and who states it. */
  readonly asOf: string;
  readonly source: string;
  /** What a batch costs, as a part of the price; 1 where it saves nothing. */
  readonly batch?: number;
  /** What it costs to write into the cache for minutes, and for an hour or longer, as multiples of the input's price. */
  readonly cacheWrite?: readonly [short: number, long: number];
};

type More = Partial<Terms> & {
  /** A prompt of more tokens than the first number makes the input cost the second times as much, and the output the third times. */
  readonly above?: readonly [tokens: number, input: number, output: number];
  readonly lacks?: readonly Capability[];
  readonly usdPerCall?: number;
};

type Row = { readonly names: string; readonly tokens: Tokens; readonly usd: Usd; readonly can: readonly Capability[]; readonly more: More };

export const CHAT: readonly Capability[] = ['chat', 'stream', 'tools', 'json_schema', 'images'];
export const THINKING: readonly Capability[] = [...CHAT, 'reasoning'];

/** `names` of one model, with spaces between: its own first, then those that mean the same, such as its dated ones. */
export function chat(names: string, tokens: Tokens, usd: Usd, more: More = {}): Row {
  return { names, tokens, usd, can: CHAT, more };
}

export function thinking(names: string, tokens: Tokens, usd: Usd, more: More = {}): Row {
  return { names, tokens, usd, can: THINKING, more };
}

export function embedding(names: string, contextTokens: number, usd: number, more: More = {}): Row {
  return { names, tokens: [contextTokens, 0], usd: [usd, 0], can: ['embeddings'], more };
}

/** Costs nothing. */
export function moderation(names: string, contextTokens: number, more: More = {}): Row {
  return { names, tokens: [contextTokens, 0], usd: [0, 0], can: ['moderation'], more: { batch: 1, ...more } };
}

export function vendor({ id, name, hosts }: Omit<Vendor, 'models'>, terms: Terms, rows: readonly Row[]): Vendor {
  return { id, name, hosts, models: rows.flatMap((row) => modelsOf(row, terms)) };
}

function modelsOf({ names, tokens: [contextTokens, outputTokensMax], usd, can, more }: Row, terms: Terms): ModelFacts[] {
  const price = priceOf(usd, { ...terms, ...more });
  const capabilities = can.filter((capability) => more.lacks?.includes(capability) !== true);
  return names.split(' ').map((id) => ({ id, contextTokens, outputTokensMax, capabilities, price }));
}

function priceOf(usd: Usd, { asOf, source, above, batch = 1, usdPerCall, cacheWrite }: Terms & More): Price {
  const rates = ratesOf(usd, cacheWrite);
  const tariff = (input: number, output: number) => ({
    ...scaled(rates, input, output),
    ...(batch === 1 ? {} : { batch: scaled(rates, input * batch, output * batch) }),
  });
  return {
    ...tariff(1, 1),
    ...(above ? { above: { tokens: above[0], ...tariff(above[1], above[2]) } } : {}),
    ...(usdPerCall === undefined ? {} : { callNanoUsd: usdPerCall * 1e9 }),
    asOf,
    source,
  };
}

function ratesOf([input, output, cachedInput]: Usd, cacheWrite: Terms['cacheWrite']): Rates {
  return {
    inputNanoUsd: nanoUsdOfUsdPerMillion(input),
    outputNanoUsd: nanoUsdOfUsdPerMillion(output),
    ...(cachedInput === undefined ? {} : { cachedInputNanoUsd: nanoUsdOfUsdPerMillion(cachedInput) }),
    ...(cacheWrite
      ? { cacheWriteNanoUsd: nanoUsdOfUsdPerMillion(input * cacheWrite[0]), longCacheWriteNanoUsd: nanoUsdOfUsdPerMillion(input * cacheWrite[1]) }
      : {}),
  };
}

function scaled(rates: Rates, input: number, output: number): Rates {
  const factors = Object.entries(rates).map(([rate, nanoUsd]) => [
    rate,
    nanoUsdOfUsdPerMillion((nanoUsd / 1000) * (rate === 'outputNanoUsd' ? output : input)),
  ]);
  return Object.fromEntries(factors) as Rates;
}
