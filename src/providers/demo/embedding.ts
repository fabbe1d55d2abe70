import { choiceOf, wordsOf } from './words.ts';

/** A unit vector by hashed words and their parts: texts that share words, or pieces of words, are nearer to each other. */
export const DIMENSIONS = 384;
export const DIMENSIONS_MAX = 4096;
const GRAM = 3;
const CHARS_MAX = 200_000;

export function embed(text: string, dimensions: number = DIMENSIONS): number[] {
  const vector = Array.from({ length: dimensions }, () => 0);
  for (const word of wordsOf(text.slice(0, CHARS_MAX))) {
    add(vector, `w:${word}`, 1);
    const padded = `^${word}$`;
    for (let at = 0; at + GRAM <= padded.length; at += 1) add(vector, `g:${padded.slice(at, at + GRAM)}`, 0.4);
  }
  const length = Math.hypot(...vector);
  // In the precision of what goes out in base64, so that both forms say the same.
  if (length > 0) return vector.map((value) => Math.fround(value / length));
  // A text without a word still has a direction.
  add(vector, `t:${text}`, 1);
  return vector;
}

function add(vector: number[], feature: string, weight: number): void {
  const hash = choiceOf(feature);
  const at = (hash >>> 1) % vector.length;
  vector[at] = (vector[at] ?? 0) + (hash % 2 === 0 ? weight : -weight);
}
