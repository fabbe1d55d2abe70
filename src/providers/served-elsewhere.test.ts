import { expect, test } from 'bun:test';
import { describeModel, VENDORS } from '../core/model-catalog.ts';
import { servedElsewhere } from './served-elsewhere.ts';

test.each([
  ['eu.anthropic.claude-sonnet-4-5-20250929-v1:0', 'anthropic', 'claude-sonnet-4-5'],
  ['anthropic.claude-haiku-4-5-20251001-v1:0', 'anthropic', 'claude-haiku-4-5'],
  ['claude-sonnet-4-5@20250929', 'anthropic', 'claude-sonnet-4-5'],
  ['gemini-2.5-flash', 'google', 'gemini-2.5-flash'],
])('%s can do what %s says of %s, at a price of its own', (id, maker, name) => {
  const { price, ...facts } = describeModel(name, VENDORS.find((vendor) => vendor.id === maker) ?? null);
  expect(price).toBeDefined();
  expect(servedElsewhere(id)).toEqual({ ...facts, id });
});

test('of what nobody describes the name says what it may be', () => {
  expect(servedElsewhere('amazon.titan-embed-text-v2:0').capabilities).toEqual(['embeddings']);
  expect(servedElsewhere('eu.amazon.nova-lite-v1:0').capabilities).toContain('tools');
});
