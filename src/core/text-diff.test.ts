import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { diffTexts, diffValues } from './text-diff.ts';

const without = (op: 'added' | 'removed', from: string, to: string): string =>
  diffTexts(from, to)
    .filter((piece) => piece.op !== op)
    .map((piece) => piece.text)
    .join('');

describe('diffTexts', () => {
  test('the pieces hold both texts', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(fc.constantFrom('a', 'b', ' ', '\n', '.')).map((all) => all.join('')),
    );
    fc.assert(
      fc.property(text, text, (from, to) => {
        expect(without('added', from, to)).toBe(from);
        expect(without('removed', from, to)).toBe(to);
      }),
    );
  });

  test('only the words that changed are marked', () => {
    expect(diffTexts('Write at most 100 words in German.', 'Write at most 50 words, in German.')).toEqual([
      { op: 'same', text: 'Write at most ' },
      { op: 'removed', text: '100' },
      { op: 'added', text: '50' },
      { op: 'same', text: ' words' },
      { op: 'added', text: ',' },
      { op: 'same', text: ' in German.' },
    ]);
  });

  test('long texts without a word in common are compared in a moment', () => {
    const startedAt = performance.now();
    const pieces = diffTexts('one '.repeat(25_000), 'two\n'.repeat(25_000));
    expect(pieces.map(({ op }) => op)).toEqual(['removed', 'added']);
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });
});

describe('diffValues', () => {
  test('names the path of each value that differs, and not the order of fields', () => {
    const from = { type: 'object', properties: { words: { type: 'integer', default: 100 }, tone: { type: 'string' } } };
    const to = { properties: { words: { default: 50, type: 'integer' }, style: { enum: ['a'] } }, type: 'object' };
    expect(diffValues(from, to, 'parameters')).toEqual([
      { field: 'parameters.properties.words.default', from: 100, to: 50 },
      { field: 'parameters.properties.tone', from: { type: 'string' }, to: null },
      { field: 'parameters.properties.style', from: null, to: { enum: ['a'] } },
    ]);
  });
});
