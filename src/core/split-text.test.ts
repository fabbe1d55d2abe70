import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { framed, splitText } from './split-text.ts';
import { estimateTokens } from './tokens.ts';

const length = (text: string): number => text.length;

describe('splitText', () => {
  test('the parts joined are the text, and none is larger than allowed', () => {
    const pieces = fc.constantFrom('word', ' ', '\n', '\n\n', '. ', '! ', '。', 'ä', '語', '👩‍👩‍👧‍👦', '🇩🇪', '\ud83d', '\t', 'e\u0301', '"');
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(pieces, { maxLength: 80 }).map((all) => all.join('')),
          fc.string({ unit: 'binary' }),
        ),
        fc.integer({ min: 12, max: 60 }),
        (text, max) => {
          const parts = splitText(text, max, length);
          expect(parts.join('')).toBe(text);
          for (const part of parts) expect(part.length).toBeLessThanOrEqual(max);
        },
      ),
    );
  });

  test('no part ends inside a surrogate pair, however small the parts', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), fc.integer({ min: 1, max: 4 }), (text, max) => {
        const parts = splitText(text, max, length);
        expect(parts.join('')).toBe(text);
        for (const part of parts) expect(part.isWellFormed()).toBe(text.isWellFormed());
      }),
    );
  });

  test('characters that people see as one stay together where they fit', () => {
    const family = '👩‍👩‍👧‍👦';
    expect(splitText(family.repeat(5), family.length * 2 + 3, length)).toEqual([family.repeat(2), family.repeat(2), family]);
  });

  test.each([
    ['paragraphs', 'One two.\nThree.\n\nFour five.\n\nSix.', 18, ['One two.\nThree.\n\n', 'Four five.\n\nSix.']],
    ['lines', 'one two\nthree four\nfive', 12, ['one two\n', 'three four\n', 'five']],
    ['sentences', 'One two. Three four! Five?', 13, ['One two. ', 'Three four! ', 'Five?']],
    ['sentences without spaces', '今日は。明日は。昨日', 5, ['今日は。', '明日は。', '昨日']],
    ['words', 'one two three four', 8, ['one two ', 'three ', 'four']],
    ['characters', 'abcdefgh', 3, ['abc', 'def', 'gh']],
  ])('cuts at %s first where they are there', (_, text, max, parts) => {
    expect(splitText(text, max, length)).toEqual(parts);
  });

  test.each([
    ['dots', '.'.repeat(2_000_000)],
    ['spaces', ' '.repeat(2_000_000)],
    ['line ends', '\n '.repeat(1_000_000)],
    ['one word', 'x'.repeat(2_000_000)],
    ['prose', 'The quick brown fox. Jumps over.\n'.repeat(60_000)],
  ])('2 MB of %s are split in a moment', (_, text) => {
    const before = process.cpuUsage();
    const parts = splitText(text, 2_000, estimateTokens);
    expect(parts.join('').length).toBe(text.length);
    expect(process.cpuUsage(before).user).toBeLessThan(3_000_000);
  });
});

test('a framed part is what it was, and its body has no white space around it', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('a', ' ', '\n', '\u00a0', '\u2028')), (all) => {
      const part = all.join('');
      const { before, body, after } = framed(part);
      expect(before + body + after).toBe(part);
      expect(body).toBe(part.trim());
    }),
  );
});
