import { describe, expect, test } from 'bun:test';
import type { ConfigFile } from '../contract/config-file.ts';
import { AppError } from '../contract/errors.ts';
import { describeModel, OPENAI, vendorOf } from './model-catalog.ts';
import type { ModelFacts, Provider } from './provider.ts';
import { buildRoutes, type RouteTable } from './routing.ts';
import type { UnknownPrice } from './unknown-price.ts';

const facts = (id: string, price?: ModelFacts['price']): ModelFacts => ({
  id,
  contextTokens: 1000,
  outputTokensMax: 100,
  capabilities: ['chat'],
  ...(price ? { price } : {}),
});
const PRICED = { inputNanoUsd: 1, outputNanoUsd: 2, asOf: '2026-11-21', source: 'https://a.example' };
const provider = (id: string, more: Partial<Provider> = {}): Provider => ({
  id,
  origin: null,
  open: true,
  models: [facts('m', PRICED), facts('odd')],
  ...more,
});

type World = Partial<Pick<ConfigFile, 'models' | 'prices' | 'catalog'>> & {
  readonly unknownPrice?: UnknownPrice;
  readonly providers?: readonly Provider[];
  readonly defaultModel?: string;
};

function routes({ models = {}, prices = {}, catalog = {}, providers = [provider('a')], defaultModel = 'm', ...more }: World = {}): RouteTable {
  return buildRoutes({ providers: new Map(providers.map((each) => [each.id, each])), file: { models, prices, catalog }, defaultModel, ...more });
}

function costOf(table: RouteTable, name: string): unknown[] {
  const [candidate] = table.candidates(name);
  return [candidate?.price.inputNanoUsd, candidate?.price.source, candidate?.priceAssumed];
}

function refusal(run: () => unknown): { code: string; field: unknown; message: string } {
  try {
    run();
  } catch (cause) {
    if (cause instanceof AppError) return { code: cause.code, field: cause.parts.field, message: cause.message };
    throw cause;
  }
  throw new Error('nothing was refused');
}

describe('the price of a call', () => {
  test('is the configured one before the known one, and is marked as assumed where there is neither', () => {
    const table = routes({ prices: { 'a/m': { input: 0.5, output: 1 } } });
    expect(costOf(table, 'm')).toEqual([500, 'sluice.config.yaml', false]);
    expect(costOf(routes(), 'a/m')).toEqual([1, 'https://a.example', false]);
    expect(costOf(routes(), 'odd')).toEqual([2500, 'UNKNOWN_PRICE', true]);
    expect(costOf(routes(), 'a/never-heard-of')).toEqual([2500, 'UNKNOWN_PRICE', true]);
  });

  test('is configured for a whole provider by a pattern, also for models that it does not list', () => {
    const table = routes({ prices: { 'a/*': { input: 0, output: 0 } } });
    expect([costOf(table, 'odd'), costOf(table, 'a/other')]).toEqual([
      [0, 'sluice.config.yaml', false],
      [0, 'sluice.config.yaml', false],
    ]);
  });

  test('is the assumed one that the configuration chose', () => {
    const free = { ...PRICED, inputNanoUsd: 0, outputNanoUsd: 0, source: 'UNKNOWN_PRICE' };
    expect(costOf(routes({ unknownPrice: free }), 'odd')).toEqual([0, 'UNKNOWN_PRICE', true]);
  });

  test("of a model that a provider does not list is its vendor's", () => {
    const openai = provider('openai', { models: [], describe: (model) => describeModel(model, OPENAI) });
    const groq = provider('groq', { models: [], describe: (model) => describeModel(model, vendorOf('groq', '')) });
    const table = routes({ providers: [openai, groq], defaultModel: 'gpt-4o-mini' });
    expect(costOf(table, 'openai/gpt-4o')).toEqual([2500, expect.stringContaining('openai.com'), false]);
    expect(costOf(table, 'groq/openai/gpt-oss-20b')).toEqual([75, expect.stringContaining('groq.com'), false]);
    expect(costOf(table, 'gpt-4o-mini')).toEqual([150, expect.stringContaining('openai.com'), false]);
    expect(table.candidates('groq/openai/gpt-oss-20b')[0]?.facts.contextTokens).toBe(131_072);
  });
});

describe('where models without a price are refused', () => {
  const refusing = routes({ unknownPrice: 'refuse', prices: { 'a/stated': { input: 1, output: 2 } } });

  test('a call to one is told how to state a price, by whatever name it asks', () => {
    for (const name of ['odd', 'a/odd']) {
      const { code, field, message } = refusal(() => refusing.candidates(name));
      expect([code, field]).toEqual(['INVALID_VALUE', 'model']);
      expect(message).toContain('No price is known for a/odd');
      expect(message).toContain('sluice.config.yaml');
    }
    expect(refusal(() => refusing.candidates('a/new')).message).toContain('a/new');
    expect(refusal(() => refusing.candidates('nowhere')).code).toBe('MODEL_NOT_FOUND');
  });

  test('the others are called, and they alone are listed', () => {
    expect(costOf(refusing, 'm')).toEqual([1, 'https://a.example', false]);
    expect(costOf(refusing, 'a/stated')).toEqual([1000, 'sluice.config.yaml', false]);
    expect([...refusing.names.keys()]).toEqual(['a/m', 'm']);
  });

  test('an alias of such a model is refused when it is read, and not by its first caller', () => {
    const models = { fast: { targets: ['m'], fallbacks: ['odd'], strategy: 'weighted' as const, sticky: false } };
    expect(refusal(() => routes({ models, unknownPrice: 'refuse' })).message).toContain('a/odd');
  });
});

describe('what a model is', () => {
  test('is what the configuration says, and what is known where it says nothing', () => {
    const catalog: ConfigFile['catalog'] = { 'a/m': { context: 500 }, 'a/*': { max_output: 9999, capabilities: ['chat', 'tools'] } };
    const table = routes({ catalog });
    const factsOf = (name: string) => table.candidates(name)[0]?.facts;
    expect(factsOf('a/m')).toMatchObject({ contextTokens: 500, outputTokensMax: 100, capabilities: ['chat'] });
    // No answer is longer than what question and answer may be together.
    expect(factsOf('a/odd')).toMatchObject({ contextTokens: 1000, outputTokensMax: 1000, capabilities: ['chat', 'tools'] });
    expect(factsOf('a/unlisted')?.capabilities).toEqual(['chat', 'tools']);
    expect(routes().candidates('a/m')[0]?.facts).toEqual(facts('m', PRICED));
  });
});
