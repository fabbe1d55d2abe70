import type { Reading } from './reading.ts';
import { centralSentences } from './summary.ts';
import { countWords, firstWords, topicsOf } from './words.ts';

/** Openings for a video out of its own script: each by another idea, all within the time. */
const WORDS_A_SECOND = 2.5;
const SECONDS = 20;

type Matter = { readonly topic: string; readonly other: string; readonly fact: string; readonly audience: string };

const IDEAS: readonly ((matter: Matter) => string)[] = [
  ({ topic, fact }) => `What if nearly all you know about ${topic} is only half of it? ${fact} Stay, and see the other half.`,
  ({ topic, fact }) => `Here is one thing about ${topic} that few people say aloud. ${fact} Let us find out why.`,
  ({ topic, other, audience }) => `By the end of this video, ${audience} will look at ${topic} with other eyes, and at ${other} too. Let us begin.`,
  ({ topic, other, fact }) => `Picture this: ${other}, right in front of you, and everything hangs on ${topic}. ${fact} That is where we start.`,
  ({ topic, fact }) => `Everybody makes the same mistake with ${topic}, and I did too. ${fact} Here is how to do better.`,
];

export function introsOf(reading: Reading): string[] {
  const { material, count } = reading;
  const maxWords = Math.max(3, Math.floor((reading.maxSeconds ?? SECONDS) * WORDS_A_SECOND));
  const topics = topicsOf(material, IDEAS.length + count);
  const facts = centralSentences(material, Math.max(8, maxWords - 18), 0);
  return Array.from({ length: count }, (_, index) => {
    const idea = IDEAS[index % IDEAS.length] ?? IDEAS[0];
    // Beyond the fifth, the same idea comes back on another topic.
    const round = Math.floor(index / IDEAS.length);
    const topic = topics[round] ?? topics[0] ?? 'this';
    const other = topics[round + 1] ?? 'the next few minutes';
    const fact = facts[(index + round) % Math.max(1, facts.length)] ?? '';
    const spoken = idea?.({ topic, other, fact, audience: reading.audience ?? 'you' }) ?? '';
    const toned = reading.tone === null ? '' : `(${firstWords(reading.tone, 4)}) `;
    return within(`[demo] ${toned}${spoken}`, maxWords);
  });
}

/** Cut after a sentence where one ends in time. */
function within(text: string, maxWords: number): string {
  if (countWords(text) <= maxWords) return text.replaceAll(/\s+/g, ' ').trim();
  const cut = firstWords(text, maxWords);
  const end = Math.max(cut.lastIndexOf('. '), cut.lastIndexOf('? '), cut.lastIndexOf('! '));
  return end > cut.length / 2 ? cut.slice(0, end + 1) : cut;
}
