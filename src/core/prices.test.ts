import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import type { Usage } from './events.ts';
import { describeModel, VENDORS, vendorOf } from './model-catalog.ts';
import { costNanoUsd, nanoUsdOfUsdPerMillion, worstCaseNanoUsd } from './prices.ts';
import type { Price } from './provider.ts';

const priceOf = (vendor: string, model: string): Price => {
  const { price } = describeModel(model, vendorOf(vendor, ''));
  if (!price) throw new Error(`no price for ${vendor}/${model}`);
  return price;
};
const SHARE = { min: 0, max: 1, noNaN: true } as const;
const FREE: Price = { inputNanoUsd: 0, outputNanoUsd: 0, asOf: null, source: 'a test' };

describe('a call costs what its vendor takes', () => {
  const cases: [string, model: readonly [vendor: string, name: string], Usage, usd: number][] = [
    ['1,000 in and 500 out of gpt-4o-mini', ['openai', 'gpt-4o-mini'], { inputTokens: 1000, outputTokens: 500 }, 0.00045],
    ['half of the input cached', ['openai', 'gpt-4o-mini'], { inputTokens: 1000, cachedInputTokens: 500, outputTokens: 0 }, 0.0001125],
    ['reasoning, which is in the output', ['openai', 'o4-mini'], { inputTokens: 0, outputTokens: 1000, reasoningTokens: 900 }, 0.0044],
    ['nothing at all', ['openai', 'gpt-4o-mini'], { inputTokens: 0, outputTokens: 0 }, 0],
    ['a written cache', ['anthropic', 'claude-sonnet-5'], { inputTokens: 10_000, cacheWriteTokens: 8000, outputTokens: 100 }, 0.025],
    [
      'a cache of which a part stays long, and another that is read',
      ['anthropic', 'claude-sonnet-5'],
      { inputTokens: 10_000, cachedInputTokens: 1000, cacheWriteTokens: 8000, longCacheWriteTokens: 3000, outputTokens: 100 },
      // 1000 fresh, 1000 read, 5000 written for minutes and 3000 for an hour; 100 out.
      0.002 + 0.0002 + 0.0125 + 0.012 + 0.001,
    ],
    ['the longest prompt of the lower price', ['google', 'gemini-2.5-pro'], { inputTokens: 200_000, outputTokens: 1000 }, 0.26],
    ['a token more, which makes all of it dearer', ['google', 'gemini-2.5-pro'], { inputTokens: 200_001, outputTokens: 1000 }, 0.5150025],
    ['a call that pays for a search besides', ['perplexity', 'sonar'], { inputTokens: 1000, outputTokens: 1000 }, 0.014],
    ['an embedding', ['openai', 'text-embedding-3-small'], { inputTokens: 5000, outputTokens: 0 }, 0.0001],
    ['rates that are fractions of a nano-USD', ['deepseek', 'deepseek-v4-pro'], { inputTokens: 3, cachedInputTokens: 3, outputTokens: 0 }, 132e-9],
  ];
  test.each(cases)('%s', (_, model, usage, usd) => {
    expect(costNanoUsd(usage, priceOf(...model))).toBe(Math.round(usd * 1e9));
  });

  const batches: [string, model: readonly [vendor: string, name: string], Usage, usd: number][] = [
    ['half', ['openai', 'gpt-4o-mini'], { inputTokens: 1000, outputTokens: 500 }, 0.000225],
    ['half of the higher price of a long prompt', ['google', 'gemini-2.5-pro'], { inputTokens: 300_000, outputTokens: 0 }, 0.375],
    ['all, where the vendor has no batches', ['groq', 'openai/gpt-oss-20b'], { inputTokens: 1000, outputTokens: 1000 }, 0.000375],
  ];
  test.each(batches)('in a batch: %s', (_, model, usage, usd) => {
    expect(costNanoUsd(usage, priceOf(...model), { batch: true })).toBe(Math.round(usd * 1e9));
  });

  test('a sum is rounded once, not part by part', () => {
    const price = { ...FREE, inputNanoUsd: 0.4, outputNanoUsd: 0.4 };
    expect(costNanoUsd({ inputTokens: 1, outputTokens: 1 }, price)).toBe(1);
    expect(costNanoUsd({ inputTokens: 1, outputTokens: 0 }, price)).toBe(0);
  });

  test('counts that contradict each other never make the input more than it is, nor anything less than nothing', () => {
    const price = priceOf('anthropic', 'claude-sonnet-5');
    const most = { inputTokens: 10, cachedInputTokens: 50, cacheWriteTokens: 50, longCacheWriteTokens: 70, outputTokens: 0 };
    expect(costNanoUsd(most, price)).toBe(10 * 200);
    expect(costNanoUsd({ inputTokens: 10, cachedInputTokens: -5, outputTokens: -3 }, price)).toBe(10 * 2000);
  });
});

test('USD for a million tokens become nano-USD for one without the crumbs of binary fractions', () => {
  expect([0.07, 0.15, 2.5, 0.0028, 1_000_000].map(nanoUsdOfUsdPerMillion)).toEqual([70, 150, 2500, 2.8, 1e9]);
});

describe('for any usage, any built-in price, in a batch or not', () => {
  const price = fc.constantFrom(FREE, ...VENDORS.flatMap(({ models }) => models.flatMap((model) => model.price ?? [])));
  // Short prompts, and long ones around the lengths where prices change.
  const length = fc.oneof(fc.nat(2000), fc.nat(400_000));
  const usage = fc.tuple(length, fc.nat(5000), shares()).map(([input, output, parts]) => usageOf(input, output, parts));
  const paying = fc.record({ batch: fc.boolean() });

  test('a cost is a whole number and never below nothing', () => {
    fc.assert(
      fc.property(usage, price, paying, (used, each, batch) => {
        const cost = costNanoUsd(used, each, batch);
        expect(Number.isSafeInteger(cost) && cost >= 0).toBe(true);
      }),
    );
  });

  test('more tokens never cost less, and a batch never costs more', () => {
    fc.assert(
      fc.property(usage, price, length, fc.nat(1000), (used, each, input, output) => {
        const more = { ...used, inputTokens: used.inputTokens + input, outputTokens: used.outputTokens + output };
        expect(costNanoUsd(more, each)).toBeGreaterThanOrEqual(costNanoUsd(used, each));
        expect(costNanoUsd(used, each, { batch: true })).toBeLessThanOrEqual(costNanoUsd(used, each));
      }),
    );
  });

  test('two calls at one rate cost as much as both in one, but for one rounding', () => {
    fc.assert(
      fc.property(usage, usage, price, (one, other, rates) => {
        const { inputNanoUsd, outputNanoUsd, cachedInputNanoUsd = inputNanoUsd, cacheWriteNanoUsd = inputNanoUsd } = rates;
        const each = { ...FREE, inputNanoUsd, outputNanoUsd, cachedInputNanoUsd, cacheWriteNanoUsd };
        const apart = costNanoUsd(one, each) + costNanoUsd(other, each);
        expect(Math.abs(costNanoUsd(sum(one, other), each) - apart)).toBeLessThanOrEqual(1);
      }),
    );
  });

  test('nothing within the limits costs more than the worst case', () => {
    fc.assert(
      fc.property(
        fc.tuple(length, fc.nat(5000)),
        fc.tuple(fc.double(SHARE), fc.double(SHARE)),
        shares(),
        fc.tuple(price, paying),
        (most, part, parts, [each, batch]) => {
          const [inputTokens, maxTokens] = most;
          const used = usageOf(Math.floor(inputTokens * part[0]), Math.floor(maxTokens * part[1]), parts);
          const worst = worstCaseNanoUsd({ inputTokens, maxTokens }, each, batch);
          expect(costNanoUsd(used, each, batch)).toBeLessThanOrEqual(worst);
          expect(costNanoUsd(usageOf(inputTokens, maxTokens, parts), each, batch)).toBeLessThanOrEqual(worst);
        },
      ),
      { numRuns: 1000 },
    );
  });
});

describe('the worst case', () => {
  const limits = { inputTokens: 1000, maxTokens: 500 };

  test('takes no discount for a cache, and pays for one that is written', () => {
    expect(worstCaseNanoUsd(limits, priceOf('openai', 'gpt-4o-mini'))).toBe(450_000);
    expect(worstCaseNanoUsd(limits, priceOf('anthropic', 'claude-sonnet-5'))).toBe(1000 * 4000 + 500 * 10_000);
  });

  test('takes the price of a long prompt where it can be reached', () => {
    expect(worstCaseNanoUsd({ inputTokens: 300_000, maxTokens: 0 }, priceOf('google', 'gemini-2.5-pro'))).toBe(300_000 * 2500);
    expect(worstCaseNanoUsd({ inputTokens: 200_000, maxTokens: 0 }, priceOf('google', 'gemini-2.5-pro'))).toBe(200_000 * 1250);
    // Where an override makes long prompts cheaper, a short one is the worst.
    const odd = { ...FREE, inputNanoUsd: 10, outputNanoUsd: 20, above: { tokens: 100, inputNanoUsd: 5, outputNanoUsd: 30 } };
    expect(worstCaseNanoUsd({ inputTokens: 101, maxTokens: 1 }, odd)).toBe(101 * 10 + 30);
  });

  test('pays the fee of a call and the price of a batch', () => {
    expect(worstCaseNanoUsd(limits, priceOf('perplexity', 'sonar'))).toBe(1_500_000 + 12_000_000);
    expect(worstCaseNanoUsd(limits, priceOf('openai', 'gpt-4o-mini'), { batch: true })).toBe(225_000);
    expect(worstCaseNanoUsd(limits, FREE)).toBe(0);
  });
});

type Shares = readonly [cached: number, written: number, long: number];

function shares(): fc.Arbitrary<Shares> {
  return fc.tuple(fc.double(SHARE), fc.double(SHARE), fc.double(SHARE));
}

/** The shares are of what is left each time, so that the parts never make more than the whole. */
function usageOf(inputTokens: number, outputTokens: number, [cached, written, long]: Shares): Required<Omit<Usage, 'reasoningTokens' | 'estimated'>> {
  const cachedInputTokens = Math.floor(inputTokens * cached);
  const cacheWriteTokens = Math.floor((inputTokens - cachedInputTokens) * written);
  return { inputTokens, outputTokens, cachedInputTokens, cacheWriteTokens, longCacheWriteTokens: Math.floor(cacheWriteTokens * long) };
}

function sum(one: ReturnType<typeof usageOf>, other: ReturnType<typeof usageOf>): Usage {
  return {
    inputTokens: one.inputTokens + other.inputTokens,
    outputTokens: one.outputTokens + other.outputTokens,
    cachedInputTokens: one.cachedInputTokens + other.cachedInputTokens,
    cacheWriteTokens: one.cacheWriteTokens + other.cacheWriteTokens,
    longCacheWriteTokens: one.longCacheWriteTokens + other.longCacheWriteTokens,
  };
}
