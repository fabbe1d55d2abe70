import { describe, expect, test } from 'bun:test';
import type { Price } from './provider.ts';
import { type KnownModel, type PaidCalls, suggest, type Traffic } from './suggestions.ts';

/** Nano-USD a token, a batch at half of it, and what the provider has in its cache at a tenth. */
function price(inputNanoUsd: number, outputNanoUsd: number, more: Partial<Price> = {}): Price {
  const batch = { inputNanoUsd: inputNanoUsd / 2, outputNanoUsd: outputNanoUsd / 2 };
  return { inputNanoUsd, outputNanoUsd, cachedInputNanoUsd: inputNanoUsd / 10, batch, asOf: null, source: '', ...more };
}

const CHAT = ['chat', 'tools'] as const;
const MODELS: readonly KnownModel[] = [
  { provider: 'p', model: 'large', capabilities: CHAT, price: price(1000, 4000) },
  { provider: 'p', model: 'large-2026-01-01', capabilities: CHAT, price: price(1000, 4000) },
  { provider: 'p', model: 'medium-2026-01-01', capabilities: CHAT, price: price(400, 1600) },
  { provider: 'p', model: 'medium', capabilities: CHAT, price: price(400, 1600) },
  { provider: 'p', model: 'small', capabilities: CHAT, price: price(100, 400) },
  { provider: 'p', model: 'nearly', capabilities: CHAT, price: price(900, 3600) },
  { provider: 'p', model: 'thinker', capabilities: [...CHAT, 'reasoning'], price: price(450, 1800) },
  { provider: 'p', model: 'talker', capabilities: ['chat'], price: price(450, 1800) },
  { provider: 'other', model: 'cheap', capabilities: CHAT, price: price(450, 1800) },
];
const NOTHING: Traffic = { bursts: [], repeats: [], short: [], templates: [] };
/** 100 calls of 100 tokens in and 10 out. */
const CALLS: PaidCalls = { provider: 'p', model: 'large', calls: 100, costNanoUsd: 14_000_000, inputTokens: 10_000, cachedInputTokens: 0, outputTokens: 1000 };

const of = (traffic: Partial<Traffic>) => suggest({ ...NOTHING, ...traffic }, MODELS, 3600);

describe('a batch', () => {
  test('would have cost what its price says less', () => {
    const [one] = of({ bursts: [{ ...CALLS, keyId: 'key_1', userId: null, hours: 2 }] });
    expect(one).toMatchObject({ kind: 'batch', savesNanoUsd: 7_000_000, calls: 100, filters: { provider: 'p', model: 'large', key_id: 'key_1' } });
    expect(one?.explanation).toContain('in 2 hours');
  });

  test('is not proposed for a model that has none, or that nobody knows', () => {
    const models = MODELS.map(({ price: { batch: _batch, ...rest }, ...model }) => Object.assign(model, { price: rest }));
    const burst = { ...CALLS, keyId: null, userId: null, hours: 1 };
    expect(suggest({ ...NOTHING, bursts: [burst] }, models, 3600)).toEqual([]);
    expect(of({ bursts: [{ ...burst, model: 'unknown' }] })).toEqual([]);
  });

  test('takes its share off what was really paid', () => {
    const [one] = of({ bursts: [{ ...CALLS, costNanoUsd: 10_000_000, keyId: null, userId: 'usr_1', hours: 1 }] });
    expect(one).toMatchObject({ savesNanoUsd: 5_000_000, filters: { user_id: 'usr_1' } });
  });
});

test('repeats would have been answered by the cache', () => {
  const [one] = of({ repeats: [{ provider: 'p', model: 'large', route: '/v1/chat/completions', calls: 7, costNanoUsd: 123 }] });
  expect(one).toMatchObject({ kind: 'cache', savesNanoUsd: 123, calls: 7, filters: { route: '/v1/chat/completions' } });
  expect(one?.explanation).toContain('3600 seconds');
});

describe('a cheaper model', () => {
  test('is the dearest of those that cost at most half and can do the same, of the same provider and without a date', () => {
    const [one, ...more] = of({ short: [CALLS] });
    expect(one).toMatchObject({ kind: 'model', savesNanoUsd: 14_000_000 - 5_600_000, title: 'Try medium where large answers briefly' });
    expect(one?.advice).toContain('sluice eval run eval/cases --model p/medium');
    expect(more).toEqual([]);
  });

  test('is none for the cheapest, and none instead of a model that makes embeddings', () => {
    expect(of({ short: [{ ...CALLS, model: 'small', costNanoUsd: 1_400_000 }] })).toEqual([]);
    const embedding: KnownModel = { provider: 'p', model: 'embed', capabilities: ['embeddings'], price: price(1000, 0) };
    const smaller: KnownModel = { provider: 'p', model: 'embed-small', capabilities: ['embeddings'], price: price(100, 0) };
    expect(suggest({ ...NOTHING, short: [{ ...CALLS, model: 'embed' }] }, [embedding, smaller], 3600)).toEqual([]);
  });
});

describe('a prompt', () => {
  const template = { ...CALLS, templateId: 'long_v1', inputTokensMin: 2000, inputTokens: 250_000 };

  test('that begins with what never changes is paid for at the price of the cache from the second call on', () => {
    const [one] = of({ templates: [template] });
    expect(one).toMatchObject({ kind: 'prompt', savesNanoUsd: 2000 * 99 * 900, filters: { template_id: 'long_v1' } });
    expect(one?.explanation).toContain('saved at most');
  });

  test('that was in the cache already, or is short, or of a model without one, is left alone', () => {
    expect(of({ templates: [{ ...template, cachedInputTokens: 2000 * 99 }] })).toEqual([]);
    expect(of({ templates: [{ ...template, inputTokensMin: 1023 }] })).toEqual([]);
    expect(of({ templates: [{ ...template, model: 'unknown' }] })).toEqual([]);
  });
});

test('what saves most comes first, and there are at most twenty', () => {
  const repeats = Array.from({ length: 30 }, (_, index) => ({ provider: 'p', model: 'm', route: `/r${index}`, calls: 1, costNanoUsd: index }));
  const found = of({ repeats });
  expect(found).toHaveLength(20);
  expect(found[0]?.savesNanoUsd).toBe(29);
});
