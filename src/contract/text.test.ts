import { expect, test } from 'bun:test';
import { z } from 'zod';
import { lineOfText } from './text.ts';

test('what the pattern of a line says is what is taken, for every character', () => {
  const line = lineOfText(100);
  const pattern = new RegExp(String((z.toJSONSchema(line) as { pattern?: string }).pattern), 'u');
  const texts = Array.from({ length: 0x11_00_00 }, (_, code) => String.fromCodePoint(code)).filter((character) => character.isWellFormed());
  const torn = texts.filter((character) => line.safeParse(character).success !== pattern.test(character));
  expect(torn).toEqual([]);
  for (const text of ['Shop', ' a b ', 'señor 東京 👍🏽', ' ', 'two\nlines', 'bell\u0007', '\u200b'])
    expect([text, line.safeParse(text).success]).toEqual([text, pattern.test(text)]);
});
