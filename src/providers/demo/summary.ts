import type { Reading } from './reading.ts';
import { countWords, firstWords, isFilling, sentencesOf, topicsOf, withoutEnd, wordsOf } from './words.ts';

/** A summary that is a selection: the sentences that share most with all the others, in their own order. */
const HEADLINE_WORDS_MAX = 15;

export function summarize(reading: Pick<Reading, 'material' | 'form' | 'maxWords'>): string {
  const { material, form } = reading;
  const maxWords = reading.maxWords ?? Math.max(20, Math.min(80, Math.ceil(countWords(material) / 3)));
  // The mark is a word of the summary too.
  const room = maxWords - 1;
  if (form === 'headline') return `[demo] ${headlineOf(material, Math.min(room, HEADLINE_WORDS_MAX - 1))}`.trimEnd();
  if (form === 'bullets') {
    const chosen = centralSentences(material, room, 1);
    return chosen.map((sentence, index) => (index === 0 ? `- [demo] ${sentence}` : `- ${sentence}`)).join('\n') || '- [demo]';
  }
  return `[demo] ${centralSentences(material, room, 0).join(' ')}`.trimEnd();
}

export function headlineOf(material: string, maxWords: number): string {
  const [first] = centralSentences(material, Math.max(maxWords, 1), 0);
  return withoutEnd(firstWords(first ?? material, maxWords), /[.。…]+$/);
}

/** As many as fit into the room; `extraWords` is what each costs besides itself. */
export function centralSentences(material: string, room: number, extraWords: number): string[] {
  const sentences = sentencesOf(material);
  const chosen = new Set<number>();
  let left = room;
  for (const index of byCentrality(material, sentences)) {
    const cost = countWords(sentences[index] ?? '') + extraWords;
    if (cost > left) continue;
    chosen.add(index);
    left -= cost;
  }
  if (chosen.size > 0) return sentences.filter((_, index) => chosen.has(index));
  const first = sentences[byCentrality(material, sentences)[0] ?? 0];
  return first === undefined || room - extraWords < 1 ? [] : [firstWords(first, room - extraWords)];
}

function byCentrality(material: string, sentences: readonly string[]): number[] {
  const topics = new Map(topicsOf(material, 200).map((word, rank) => [word, 1 / (rank + 3)]));
  const scores = sentences.map((sentence, index) => {
    const words = wordsOf(sentence).filter((word) => !isFilling(word));
    const shared = words.reduce((sum, word) => sum + (topics.get(word) ?? 0), 0) / Math.sqrt(words.length + 3);
    // Most texts say first what they are about.
    return index === 0 ? shared * 2 + 0.05 : shared;
  });
  return sentences.map((_, index) => index).toSorted((left, right) => (scores[right] ?? 0) - (scores[left] ?? 0));
}
