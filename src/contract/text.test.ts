import { expect, test } from 'bun:test';
import { lineOfText } from './text.ts';

const line = lineOfText(10);

test.each(['Shop', ' a b ', 'señor', '東京', '👍🏽', 'x'.repeat(10), '👍'.repeat(10)])('%p is a line of text', (text) =>
  expect(line.safeParse(text).success).toBe(true),
);

test.each(['', ' ', '\u3000', 'a\nb', 'bell\u0007', 'a\u2028b', 'a\u200bb', '\ud83d', 'x'.repeat(11)])('%p is none', (text) =>
  expect(line.safeParse(text).success).toBe(false),
);
