import { expect, test } from 'bun:test';
import { isReasoningName, namedModel, OPENAI_MODELS } from './model-catalog.ts';

test('every price is whole nano-USD where tokens are charged, dated, and says where it was read', () => {
  for (const { id, price } of OPENAI_MODELS) {
    expect(id).toBeTruthy();
    expect(Number.isInteger(price?.inputNanoUsd)).toBe(true);
    expect(price?.cachedInputNanoUsd ?? 0).toBeLessThan(price?.inputNanoUsd ?? 0);
    expect(price?.asOf).toMatch(/^\d{4}-\d\d-\d\d$/);
    expect(price?.source).toMatch(/^https:/);
  }
});

test('the default model costs what its vendor says, also by its dated name', () => {
  const named = OPENAI_MODELS.filter(({ id }) => id.startsWith('gpt-4o-mini'));
  expect(named.map(({ id, price }) => [id, price?.inputNanoUsd, price?.outputNanoUsd, price?.cachedInputNanoUsd])).toEqual([
    ['gpt-4o-mini', 150, 600, 75],
    ['gpt-4o-mini-2024-07-18', 150, 600, 75],
  ]);
});

test('no model is listed twice', () => {
  expect(new Set(OPENAI_MODELS.map(({ id }) => id)).size).toBe(OPENAI_MODELS.length);
});

test('the models that think are known by their names', () => {
  for (const { id, capabilities } of OPENAI_MODELS) expect([id, isReasoningName(id)]).toEqual([id, capabilities.includes('reasoning')]);
  for (const name of ['o1', 'o3-pro', 'o4-mini', 'openai/gpt-5', 'gpt-5.7-mini', 'gpt-6']) expect([name, isReasoningName(name)]).toEqual([name, true]);
  for (const name of ['gpt-4o', 'gpt-5-chat-latest', 'gpt-oss-120b', 'gpt-50', 'olmo-2', 'o', 'chatgpt-4o-latest'])
    expect([name, isReasoningName(name)]).toEqual([name, false]);
});

test('a model of which only the name is known can chat or embed, and has no price', () => {
  expect(namedModel('qwen3:8b').capabilities).toContain('tools');
  expect(namedModel('nomic-embed-text').capabilities).toEqual(['embeddings']);
  expect(namedModel('qwen3:8b')).not.toHaveProperty('price');
});
