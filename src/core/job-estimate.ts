import { costNanoUsd, worstCaseNanoUsd } from './prices.ts';
import type { Price } from './provider.ts';
import { estimateTokens } from './tokens.ts';

/** What a request will use, and at which price. */
export type Reckoned = { readonly inputTokens: number; readonly maxTokens: number; readonly price: Price };
export type Sums = {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly maxOutputTokens: number;
  readonly direct: Cost;
  /** Null where one of the prices has none for batches. */
  readonly batch: Cost | null;
};
export type Cost = { readonly nanoUsd: number; readonly maxNanoUsd: number };

/** Where nobody knows better: about two paragraphs. */
const USUAL_TOKENS = 300;
/** Roles and separators of a request. */
const FRAME_TOKENS = 7;
/** What is no text for a model: names, settings, and images, which cost by their size and not by their letters. */
const NOT_SAID: ReadonlySet<string> = new Set(['model', 'role', 'type', 'id', 'image_url', 'template_id']);

/** What the words of a body will count as input, with those that a template puts around them. */
export function bodyTokens(body: Readonly<Record<string, unknown>>, templateTexts: readonly string[]): number {
  return FRAME_TOKENS + [body, ...templateTexts].reduce<number>((sum, value) => sum + wordsOf(value), 0);
}

function wordsOf(value: unknown): number {
  if (typeof value === 'string') return estimateTokens(value);
  if (Array.isArray(value)) return value.reduce<number>((sum, each) => sum + wordsOf(each), 0);
  if (typeof value !== 'object' || value === null) return 0;
  return Object.entries(value).reduce<number>((sum, [name, each]) => sum + (NOT_SAID.has(name) ? 0 : wordsOf(each)), 0);
}

/** What all requests of a job will cost, as far as these stand for all of them. */
export function estimateJob(sample: readonly Reckoned[], requests: number): Sums {
  const scale = sample.length === 0 ? 0 : requests / sample.length;
  const sum = (of: (one: Reckoned) => number): number => Math.round(sample.reduce((total, one) => total + of(one), 0) * scale);
  const cost = (batch: boolean): Cost => ({
    nanoUsd: sum(({ inputTokens, maxTokens, price }) => costNanoUsd({ inputTokens, outputTokens: usualTokens(maxTokens) }, price, { batch })),
    maxNanoUsd: sum(({ price, ...tokens }) => worstCaseNanoUsd(tokens, price, { batch })),
  });
  return {
    inputTokens: sum(({ inputTokens }) => inputTokens),
    outputTokens: sum(({ maxTokens }) => usualTokens(maxTokens)),
    maxOutputTokens: sum(({ maxTokens }) => maxTokens),
    direct: cost(false),
    batch: sample.length > 0 && sample.every(({ price }) => price.batch) ? cost(true) : null,
  };
}

function usualTokens(maxTokens: number): number {
  return Math.min(maxTokens, USUAL_TOKENS);
}

/** So many lines of a job, at equal distances over the whole of it; all where there are no more. */
export function sampleLines(requests: number, most: number): number[] {
  const count = Math.min(requests, most);
  return Array.from({ length: count }, (_, index) => Math.floor((index * requests) / count) + 1);
}
