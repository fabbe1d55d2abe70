import { describe, expect, test } from 'bun:test';
import { describeModel, isReasoningName, OPENAI, VENDORS, vendorOf } from './model-catalog.ts';
import type { Price, Tariff } from './provider.ts';

const ROWS = VENDORS.flatMap((vendor) => vendor.models.map((model) => ({ name: `${vendor.id}/${model.id}`, ...model })));
const usd = (name: string, vendor: string): (number | undefined)[] => {
  const { price } = describeModel(name, vendorOf(vendor, ''));
  return [price?.inputNanoUsd, price?.outputNanoUsd, price?.cachedInputNanoUsd];
};

describe('every price', () => {
  test('has a day that is over and an address where it is stated', () => {
    expect(ROWS.length).toBeGreaterThan(150);
    for (const { name, price } of ROWS) {
      const { source = '', asOf = null } = price ?? {};
      expect([name, /^https:\/\/[^ ]+$/.test(source), /^2026-\d\d-\d\d$/.test(asOf ?? '')]).toEqual([name, true, true]);
      expect(new Date(asOf ?? '').getTime()).toBeLessThan(Date.UTC(2026, 10, 22));
    }
  });

  test('is sane: the answer is dearer than the question, and a cache is no loss to read and no gain to write', () => {
    for (const { name, price, capabilities } of ROWS) {
      expect(price).toBeDefined();
      if (capabilities.includes('moderation')) {
        expect([name, price?.inputNanoUsd, price?.outputNanoUsd]).toEqual([name, 0, 0]);
        continue;
      }
      for (const tariff of tariffsOf(price as Price)) {
        const { inputNanoUsd, outputNanoUsd, cachedInputNanoUsd = inputNanoUsd, cacheWriteNanoUsd = inputNanoUsd, longCacheWriteNanoUsd } = tariff;
        const isSane = [
          inputNanoUsd > 0 && inputNanoUsd <= 300_000,
          capabilities.includes('embeddings') ? outputNanoUsd === 0 : outputNanoUsd >= inputNanoUsd,
          cachedInputNanoUsd > 0 && cachedInputNanoUsd <= inputNanoUsd,
          cacheWriteNanoUsd >= inputNanoUsd,
          (longCacheWriteNanoUsd ?? cacheWriteNanoUsd) >= cacheWriteNanoUsd,
        ];
        expect([name, isSane]).toEqual([name, isSane.map(() => true)]);
      }
    }
  });

  test('of a batch is lower, and of a long prompt higher', () => {
    for (const { name, price } of ROWS) {
      if (price?.batch) expect([name, price.batch.inputNanoUsd < price.inputNanoUsd]).toEqual([name, true]);
      if (price?.above) expect([name, price.above.inputNanoUsd > price.inputNanoUsd, price.above.tokens > 1000]).toEqual([name, true, true]);
      expect([name, price?.above?.batch !== undefined]).toEqual([name, price?.above !== undefined && price.batch !== undefined]);
    }
  });
});

test('every model has room for a question and, where it writes one, for an answer', () => {
  for (const { name, contextTokens, outputTokensMax, capabilities } of ROWS) {
    const isSilent = capabilities.includes('embeddings') || capabilities.includes('moderation');
    expect([name, contextTokens > 1000, isSilent ? outputTokensMax === 0 : outputTokensMax > 0 && outputTokensMax <= contextTokens]).toEqual([
      name,
      true,
      true,
    ]);
    expect([name, capabilities.includes('chat')]).toEqual([name, !isSilent]);
  }
});

test('no model of a vendor is listed twice', () => {
  expect(new Set(ROWS.map(({ name }) => name)).size).toBe(ROWS.length);
});

test('known models cost what their vendors say', () => {
  expect(usd('gpt-4o-mini', 'openai')).toEqual([150, 600, 75]);
  expect(usd('gpt-4o-mini-2024-07-18', 'openai')).toEqual([150, 600, 75]);
  expect(usd('gemini-2.5-pro', 'google')).toEqual([1250, 10_000, 125]);
  expect(usd('openai/gpt-oss-120b', 'groq')).toEqual([150, 600, 75]);
  expect(usd('anthropic/claude-haiku-4.5', 'openrouter')).toEqual([1000, 5000, 100]);
  expect(describeModel('claude-haiku-5-5', vendorOf('anthropic', '')).price).toMatchObject({
    cacheWriteNanoUsd: 125,
    longCacheWriteNanoUsd: 200,
    batch: { inputNanoUsd: 50, outputNanoUsd: 250, cachedInputNanoUsd: 5 },
    above: { tokens: 100_000, inputNanoUsd: 500, outputNanoUsd: 2500, cachedInputNanoUsd: 50, cacheWriteNanoUsd: 625, longCacheWriteNanoUsd: 1000 },
  });
  expect(describeModel('sonar', vendorOf('perplexity', '')).price?.callNanoUsd).toBe(12_000_000);
});

test('a vendor is known by the name of the provider, or by its host', () => {
  expect(vendorOf('groq', 'proxy.internal')?.id).toBe('groq');
  expect(vendorOf('fast', 'api.groq.com')?.id).toBe('groq');
  expect(vendorOf('mine', '127.0.0.1:11434')).toBeNull();
});

test('a dated name that is not listed means the model without the date, under its own name', () => {
  expect(describeModel('gpt-5.4-2026-03-05', OPENAI)).toMatchObject({ id: 'gpt-5.4-2026-03-05', price: { inputNanoUsd: 2500 } });
  expect(describeModel('claude-opus-5-20260724', vendorOf('anthropic', '')).price?.inputNanoUsd).toBe(5000);
  // Its first version is listed, because it costs twice as much.
  expect(usd('gpt-4o-2024-05-13', 'openai')).toEqual([5000, 15_000, undefined]);
  expect(describeModel('gpt-5.4-1', OPENAI)).not.toHaveProperty('price');
});

test("another server's model of a known name can do the same, and has no price", () => {
  expect(describeModel('gpt-4o-mini', null)).toMatchObject({ contextTokens: 128_000, outputTokensMax: 16_384 });
  expect(describeModel('gpt-4o-mini', null)).not.toHaveProperty('price');
  expect(describeModel('gpt-4o-mini', vendorOf('groq', ''))).not.toHaveProperty('price');
});

test('a model of which only the name is known can chat or embed, and has no price', () => {
  expect(describeModel('qwen3:8b', null).capabilities).toContain('tools');
  expect(describeModel('nomic-embed-text', null).capabilities).toEqual(['embeddings']);
  expect(describeModel('qwen3:8b', null)).not.toHaveProperty('price');
});

test("OpenAI's models that think are known by their names", () => {
  for (const { id, capabilities } of OPENAI.models) expect([id, isReasoningName(id)]).toEqual([id, capabilities.includes('reasoning')]);
  for (const name of ['o1', 'o3-pro', 'o4-mini', 'openai/gpt-5', 'gpt-5.7-mini', 'gpt-6']) expect([name, isReasoningName(name)]).toEqual([name, true]);
  for (const name of ['gpt-4o', 'gpt-5-chat-latest', 'openai/gpt-oss-120b', 'gpt-50', 'olmo-2', 'o', 'chatgpt-4o-latest'])
    expect([name, isReasoningName(name)]).toEqual([name, false]);
});

function tariffsOf(price: Price): Tariff[] {
  return [price, ...(price.above ? [price.above] : [])];
}
