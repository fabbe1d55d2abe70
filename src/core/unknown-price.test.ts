import { expect, test } from 'bun:test';
import { SETTINGS } from '../contract/settings.ts';
import { parseUnknownPrice } from './unknown-price.ts';

const ASSUMED = { asOf: null, source: 'UNKNOWN_PRICE' };

test.each<[string, unknown]>([
  ['2.50/10.00', { ...ASSUMED, inputNanoUsd: 2500, outputNanoUsd: 10_000 }],
  [' 0.07 / 1 ', { ...ASSUMED, inputNanoUsd: 70, outputNanoUsd: 1000 }],
  ['.5/2.', { ...ASSUMED, inputNanoUsd: 500, outputNanoUsd: 2000 }],
  ['free', { ...ASSUMED, inputNanoUsd: 0, outputNanoUsd: 0 }],
  ['Refuse', 'refuse'],
])('%j is understood', (text, meant) => {
  expect(parseUnknownPrice(text)).toEqual(meant as never);
});

test.each(['', '2.50', '2.50/', '-1/2', '1/2/3', 'none', '1e3/2', '1000001/1', '1/2 USD'])('%j is refused', (text) => {
  expect(parseUnknownPrice(text)).toBeNull();
});

test('the default is a stated estimate', () => {
  expect(parseUnknownPrice(SETTINGS.unknownPrice.default)).toMatchObject({ inputNanoUsd: 2500, outputNanoUsd: 10_000 });
});
