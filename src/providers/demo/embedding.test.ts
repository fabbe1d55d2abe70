import { expect, test } from 'bun:test';
import { embed } from './embedding.ts';

function cosine(left: readonly number[], right: readonly number[]): number {
  return left.reduce((sum, value, index) => sum + value * (right[index] ?? 0), 0);
}

test('unit vectors of 384 dimensions, the same for the same text; similar texts are nearer', () => {
  const cats = embed('Cats sleep all day');
  expect(cats).toHaveLength(384);
  expect(cosine(cats, cats)).toBeCloseTo(1, 6);
  expect(cosine(cats, embed('A cat sleeps in the day'))).toBeGreaterThan(cosine(cats, embed('The court overturned the tax law')) + 0.2);
  expect(embed('Cats sleep all day')).toEqual(cats);
});

test.each(['', '…', 'a', '猫が寝ている'])('%p has as many dimensions as are asked for, and length 1', (text) => {
  const vector = embed(text, 16);
  expect(vector).toHaveLength(16);
  expect(Math.hypot(...vector)).toBeCloseTo(1, 6);
});
