import { describe, expect, test } from 'bun:test';
import { didYouMean, editDistance } from './did-you-mean.ts';

describe('editDistance', () => {
  const cases: [string, string, number][] = [
    ['', '', 0],
    ['', 'abc', 3],
    ['key', 'kye', 1],
    ['port', 'prot', 1],
    ['fallback', 'fallbacks', 1],
    ['kitten', 'sitting', 3],
    ['abcd', 'badc', 2],
  ];
  test.each(cases)('%j and %j are %d slips apart, either way round', (left, right, distance) => {
    expect(editDistance(left, right)).toBe(distance);
    expect(editDistance(right, left)).toBe(distance);
  });
});

describe('didYouMean', () => {
  const known = ['providers', 'models', 'prices', 'settings', 'id'];
  const cases: [string, string | null][] = [
    ['provders', 'providers'],
    ['Providers', 'providers'],
    ['model', 'models'],
    ['price', 'prices'],
    ['setings', 'settings'],
    ['webhooks', null],
    ['ib', null],
    ['models', null],
  ];
  test.each(cases)('%j → %j', (given, meant) => {
    expect(didYouMean(given, known)).toBe(meant);
  });
});
