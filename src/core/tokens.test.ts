import { describe, expect, test } from 'bun:test';
import { estimateInputTokens, estimateTokens } from './tokens.ts';

/** Counted with the real o200k_base encoding. */
const COUNTED: readonly [language: string, text: string, tokens: number][] = [
  ['English', 'Hello, how are you today?', 7],
  ['German', 'Die Geschwindigkeitsbegrenzung wurde überarbeitet. Bundeshauptstadt und bevölkerungsreichste Stadt ist Berlin.', 25],
  ['Chinese', '今天天气很好，我们去公园散步吧。请将下面的文字翻译成英文，谢谢你的帮助。', 25],
  ['Japanese', '東京は日本の首都であり、世界で最も人口の多い都市の一つです。', 23],
  ['Korean', '서울은 대한민국의 수도이자 최대 도시이다. 오늘 날씨가 아주 좋아서 공원에서 산책을 했습니다.', 27],
  ['Russian', 'Россия, или Российская Федерация, — государство в Восточной Европе и Северной Азии.', 21],
  ['Arabic', 'الذكاء الاصطناعي هو سلوك وخصائص معينة تتسم بها البرامج الحاسوبية', 21],
  ['Hindi', 'भारत दक्षिण एशिया में स्थित एक देश है', 10],
  ['emoji', '😀😃😄😁😆😅 great 👍🏽 ok 🎉🎉', 19],
  ['JSON', '{"id":42,"name":"Ada","tags":["a","b"],"active":true}', 20],
];

function withImage(more: { detail?: string }): number {
  const image = { type: 'image', url: 'https://example.com/a.png', ...more } as const;
  return estimateInputTokens({ messages: [{ role: 'user', content: [{ type: 'text', text: 'Hello' }, image] }] });
}

describe('tokens', () => {
  for (const [language, text, tokens] of COUNTED) {
    test(`${language} is estimated within a third`, () => {
      const ratio = estimateTokens(text) / tokens;
      expect(ratio).toBeGreaterThan(0.67);
      expect(ratio).toBeLessThan(1.34);
    });
  }

  test('nothing is nothing, and anything is at least one', () => {
    expect(estimateTokens('')).toBe(0);
    expect(estimateTokens(' ')).toBe(1);
    expect(estimateTokens('\0')).toBe(1);
  });

  test('a longer text is never fewer', () => {
    const text = 'Grüße, 世界! 👋\n{"a": 1}';
    for (let end = 1; end <= text.length; end++) expect(estimateTokens(text.slice(0, end))).toBeGreaterThanOrEqual(estimateTokens(text.slice(0, end - 1)));
  });

  test('messages, images, tools and schemas count in a request', () => {
    const plain = estimateInputTokens({ messages: [{ role: 'user', content: 'Hello' }] });
    expect(plain).toBe(9);
    expect(withImage({ detail: 'low' })).toBe(plain + 85);
    expect(withImage({})).toBe(plain + 765);
    expect(estimateInputTokens({ messages: [{ role: 'user', content: 'Hello' }], tools: [{ name: 'now', parameters: {} }] })).toBeGreaterThan(plain);
    expect(estimateInputTokens({ messages: [{ role: 'user', content: 'Hello' }], output: { name: 'a', schema: { type: 'object' } } })).toBeGreaterThan(plain);
    expect(
      estimateInputTokens({ messages: [{ role: 'assistant', content: '', toolCalls: [{ id: '1', name: 'now', arguments: '{"zone":"UTC"}' }] }] }),
    ).toBeGreaterThan(plain);
  });
});
