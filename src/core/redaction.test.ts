import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { PatternError } from './pattern-syntax.ts';
import { createRedact, redactValue } from './redaction.ts';

const all = createRedact(['email', 'phone', 'card', 'key']);
const own = (pattern: string) => createRedact([{ name: 'x', pattern }]);

describe('what is not to be kept', () => {
  const cases: readonly [text: string, redacted: string][] = [
    ['Write to ada.lovelace+notes@example.co.uk, please.', 'Write to [email], please.'],
    ['a@b is none', 'a@b is none'],
    ['Call +1 (415) 555-0132 or +34 600 123 456.', 'Call [phone] or [phone].'],
    ['Call (0161) 496 0123 or 415-555-0132.', 'Call [phone] or [phone].'],
    ['Order 2026-11-21 has 12345 parts, version 1.2.3', 'Order 2026-11-21 has 12345 parts, version 1.2.3'],
    ['Card 4111 1111 1111 1111, expires 12/29', 'Card [card], expires 12/29'],
    ['4111111111111111 123', '[card] 123'],
    ['Number 4111 1111 1111 1112 is no card', 'Number 4111 1111 1111 1112 is no card'],
    ['sk-proj-abcdefghijklmnop0123456789 and ghp_abcdefghijklmnopqrstuvwxyz', '[key] and [key]'],
    ['AKIAIOSFODNN7EXAMPLE', '[key]'],
    ['Authorization: BEARER abcdefghijklmnop', 'Authorization: [key]'],
    ['', ''],
  ];
  test.each(cases)('%s', (text, redacted) => expect(all(text)).toBe(redacted));

  test('is found whole, however long it is', () => expect(all(`eyJhbGciOiJIUzI1NiJ9.${'a'.repeat(2000)}.${'b'.repeat(43)}!`)).toBe('[key]!'));

  test('is what was asked for and no more', () => {
    expect(createRedact(['card'])('ada@example.com, 4111 1111 1111 1111')).toBe('ada@example.com, [card]');
    expect(createRedact([])('ada@example.com')).toBe('ada@example.com');
  });

  test('is also what a pattern of one’s own says', () => {
    expect(createRedact([{ name: 'employee', pattern: String.raw`\bE\d{6}\b` }])('E123456, E1234567, xE123456')).toBe('[employee], E1234567, xE123456');
  });
});

describe('a value', () => {
  test('is redacted in each of its texts, and stays what it is', () => {
    const value = { messages: [{ role: 'user', content: 'ada@example.com' }], parts: ['sk-abcdefghijklmnopqrstuv', 4.5, null, true] };
    expect(redactValue(value, all)).toEqual({ messages: [{ role: 'user', content: '[email]' }], parts: ['[key]', 4.5, null, true] });
  });

  test('is cut where it is long, and nothing is half cut away before it is seen', () => {
    const secret = `sk-${'k'.repeat(60)}`;
    const kept = redactValue(`${'x '.repeat(32_760)}${secret} ${'y'.repeat(100_000)}`, all);
    expect(kept).toContain('[key]');
    expect(kept).not.toContain('kkk');
    expect(kept).toMatch(/… \[\d+ more characters\]$/);
    expect((kept as string).length).toBeLessThan(66_000);
  });

  test('has nothing that Postgres does not take', () => {
    expect(redactValue({ 'a\u0000': 'b\u0000c\uD800' }, all)).toEqual({ 'a\uFFFD': 'b\uFFFDc\uFFFD' });
  });
});

describe('a pattern', () => {
  const found: readonly [pattern: string, text: string, redacted: string][] = [
    ['cat|category', 'category, cats', '[x], [x]s'],
    ['(?:ab){2,3}', 'ab abab ababababab', 'ab [x] [x][x]'],
    ['[^a-c]+', 'abcdefabc', 'abc[x]abc'],
    ['(?i)straße', 'STRAßE', '[x]'],
    ['(?i)[^k]z', 'KZ kz jz', 'KZ kz [x]'],
    [String.raw`\(\d+\)`, '(12) 12', '[x] 12'],
    [String.raw`a\\b`, String.raw`a\b`, '[x]'],
    [String.raw`\d+,?\d*`, '1,5 7', '[x] [x]'],
    ['a.c', 'abc a\nc', '[x] a\nc'],
    [String.raw`[\w-]+!`, 'a-b! c', '[x] c'],
    ['[a-]x', '-x', '[x]'],
    ['(a|ab)(c|bcd)', 'abcd', '[x]'],
  ];
  test.each(found)('%s in %j', (pattern, text, redacted) => expect(own(pattern)(text)).toBe(redacted));

  const refused: readonly [pattern: string, words: string][] = [
    [String.raw`(a)\1`, 'refers back'],
    ['a(?=b)', 'looks ahead'],
    ['(?<!a)b', 'looks ahead'],
    ['(a', 'without its'],
    ['a)', 'without its'],
    ['[a', 'without its'],
    ['a{2', 'begins no number'],
    ['a{3,2}', 'the smaller number first'],
    ['a{1,100000}', 'begins no number'],
    ['*a', 'repeats nothing'],
    ['a+?', 'repeats a repetition'],
    ['^a', 'looked for everywhere'],
    [String.raw`\p{L}`, 'means nothing here'],
    ['[z-a]', 'ends before it begins'],
    ['a*', 'empty text'],
    ['', 'empty text'],
    ['a'.repeat(501), 'at most 500'],
    ['((((a{1000}){1000}){1000}){1000}){1000}', 'repeats too much'],
  ];
  test.each(refused)('%s is refused', (pattern, words) => {
    expect(() => own(pattern)).toThrow(PatternError);
    expect(() => own(pattern)).toThrow(words);
  });

  test('finds what the regular expressions of the language find, where these take the longest too', () => {
    const part = fc.constantFrom('a', 'b', '[ab]', '.', String.raw`\d`, '(?:ab|c)', '(?:a|b)+', 'c{1,2}', '[^a]', 'b?', 'a*');
    const pattern = fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => `${parts.join('')}c`);
    const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '1', ' '), maxLength: 30 });
    fc.assert(
      fc.property(pattern, text, (source, given) => {
        expect(own(source)(given)).toBe(given.replaceAll(new RegExp(source, 'g'), '[x]'));
      }),
      { numRuns: 500 },
    );
  });
});

test('a pattern of more states than are kept finds the same', () => {
  const text = Array.from({ length: 20_000 }, (_, index) => ((index * index * 7 + index * 13) % 11 < 5 ? 'a' : 'b')).join('');
  const source = '[ab]{0,20}a[ab]{14}c';
  expect(own(source)(`${text}c`)).toBe(`${text}c`.replaceAll(new RegExp(source, 'g'), '[x]'));
});

describe('no text and no pattern takes long', () => {
  const bombs: readonly [pattern: string, text: string][] = [
    ['(a+)+b', 'a'.repeat(28)],
    ['(a|aa)+b', 'a'.repeat(28)],
    [String.raw`(\w+\s?)+!`, 'word '.repeat(6)],
    ['(a*)*b', 'a'.repeat(28)],
    [String.raw`\d+\d+\d+\d+x`, '1'.repeat(28)],
  ];
  test.each(bombs)('%s on 28 characters: 10 ms at most', (pattern, text) => {
    const redact = own(pattern);
    const before = process.cpuUsage();
    expect(redact(text)).toBe(text);
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(10);
  });

  test('twice the text takes twice the time, and not four times', () => {
    const redact = createRedact(['email', 'phone', 'card', 'key', { name: 'x', pattern: String.raw`(\w+)+@(\w+\.)+z` }]);
    // Time of the processor, and the least of several rounds, so that a busy machine does not decide.
    const time = (text: string): number => {
      const rounds = Array.from({ length: 3 }, () => {
        const before = process.cpuUsage();
        redact(text);
        return process.cpuUsage(before).user / 1000;
      });
      return Math.min(...rounds);
    };
    for (const unit of ['a', '1 ', 'a@', 'a.b@c.']) {
      time(unit.repeat(1000));
      const once = time(unit.repeat(4000));
      expect(time(unit.repeat(8000))).toBeLessThan(once * 3 + 10);
    }
  }, 20_000);
});
