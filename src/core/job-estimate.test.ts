import { expect, test } from 'bun:test';
import { bodyTokens, estimateJob, sampleLines } from './job-estimate.ts';
import type { Price } from './provider.ts';
import { estimateTokens } from './tokens.ts';

const PRICE: Price = { inputNanoUsd: 100, outputNanoUsd: 400, batch: { inputNanoUsd: 50, outputNanoUsd: 200 }, asOf: null, source: 'test' };
const NO_BATCHES: Price = { inputNanoUsd: 100, outputNanoUsd: 400, asOf: null, source: 'test' };

test('both prices of a job follow from a part of its requests', () => {
  const sums = estimateJob(
    Array.from({ length: 10 }, () => ({ inputTokens: 50, maxTokens: 1000, price: PRICE })),
    1000,
  );
  expect(sums).toEqual({
    inputTokens: 50_000,
    outputTokens: 300_000,
    maxOutputTokens: 1_000_000,
    direct: { nanoUsd: 1000 * (50 * 100 + 300 * 400), maxNanoUsd: 1000 * (50 * 100 + 1000 * 400) },
    batch: { nanoUsd: 1000 * (50 * 50 + 300 * 200), maxNanoUsd: 1000 * (50 * 50 + 1000 * 200) },
  });
});

test('short answers are as long as they may be, and one price without batches leaves none for all', () => {
  const sums = estimateJob(
    [
      { inputTokens: 1, maxTokens: 5, price: PRICE },
      { inputTokens: 1, maxTokens: 5, price: NO_BATCHES },
    ],
    2,
  );
  expect([sums.outputTokens, sums.batch]).toEqual([10, null]);
});

test('a job of nothing costs nothing', () => {
  expect(estimateJob([], 0)).toEqual({ inputTokens: 0, outputTokens: 0, maxOutputTokens: 0, direct: { nanoUsd: 0, maxNanoUsd: 0 }, batch: null });
});

test('all words of a body count, wherever they stand, and what is none does not', () => {
  const words = 'The gate lifts when the water is high enough.';
  const alone = bodyTokens({ input: words }, []);
  expect(alone).toBe(7 + estimateTokens(words));
  expect(bodyTokens({ messages: [{ role: 'user', content: [{ type: 'text', text: words }] }], model: 'gpt-4o-mini' }, [])).toBe(alone);
  expect(bodyTokens({ messages: [{ content: [{ type: 'image_url', image_url: { url: 'x'.repeat(10_000) } }, { text: words }] }] }, [])).toBe(alone);
  expect(bodyTokens({ input: '' }, [words])).toBe(alone);
});

test.each([
  [0, 5, []],
  [3, 5, [1, 2, 3]],
  [10, 5, [1, 3, 5, 7, 9]],
  [1_000_000, 2, [1, 500_001]],
])('of %d requests %d are the lines %j', (requests, most, lines) => {
  expect(sampleLines(requests, most)).toEqual(lines);
});
