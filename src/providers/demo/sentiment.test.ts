import { expect, test } from 'bun:test';
import { feel } from './sentiment.ts';

test.each([
  ['I love this, it is wonderful. Thank you!', 'positive', 1],
  ['Terrible service, I hate it and want a refund.', 'negative', -1],
  ['This is not good.', 'negative', -1],
  ['Not bad at all.', 'positive', 1],
  ['The meeting is on Tuesday at nine.', 'neutral', 0],
  ['The food was great but the service was terrible.', 'mixed', 0],
])('%p is %s', (text, sentiment, sign) => {
  const feeling = feel(text);
  expect(feeling.sentiment).toBe(sentiment as typeof feeling.sentiment);
  expect(Math.sign(feeling.score)).toBe(sign);
  expect(feeling.explanation).toStartWith('[demo]');
});

test('emotions are named, the strongest first', () => {
  expect(feel('Thanks, thank you, I am happy').emotions).toEqual(['gratitude', 'joy']);
});
