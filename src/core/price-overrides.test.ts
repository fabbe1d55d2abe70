import { expect, test } from 'bun:test';
import { overrideFor } from './price-overrides.ts';

const of = (input: number) => ({ input, output: 2 * input });

test('a price counts for the model of its name, before a pattern, and of patterns the longest that fits', () => {
  const prices = { 'a/m': of(1), 'a/*': of(2), 'a/m-*': of(3), 'b/*': of(4) };
  const input = (name: string): number | undefined => overrideFor(prices, name)?.inputNanoUsd;
  expect(['a/m', 'a/other', 'a/m-1', 'b/m', 'c/m', 'a'].map(input)).toEqual([1000, 2000, 3000, 4000, undefined, undefined]);
});

test('all that it states becomes nano-USD a token, and what it leaves out stays out', () => {
  const entry = {
    input: 0.07,
    output: 0.3,
    cached_input: 0.007,
    cache_write: 0.1,
    long_cache_write: 0.2,
    batch_input: 0.035,
    per_call: 0.005,
    above: { tokens: 100_000, input: 0.14, output: 0.6, batch_output: 0.3 },
    as_of: '2026-11-21',
    source: 'our contract',
  };
  expect(overrideFor({ 'a/m': entry }, 'a/m')).toEqual({
    inputNanoUsd: 70,
    outputNanoUsd: 300,
    cachedInputNanoUsd: 7,
    cacheWriteNanoUsd: 100,
    longCacheWriteNanoUsd: 200,
    batch: { inputNanoUsd: 35, outputNanoUsd: 300 },
    above: { tokens: 100_000, inputNanoUsd: 140, outputNanoUsd: 600, batch: { inputNanoUsd: 140, outputNanoUsd: 300 } },
    callNanoUsd: 5_000_000,
    asOf: '2026-11-21',
    source: 'our contract',
  });
  expect(overrideFor({ 'a/m': of(1) }, 'a/m')).toEqual({ inputNanoUsd: 1000, outputNanoUsd: 2000, asOf: null, source: 'sluice.config.yaml' });
});
