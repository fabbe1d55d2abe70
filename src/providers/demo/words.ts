/** How the demo model reads a text: its words and sentences, without a dictionary. */

// The commonest words of the languages that people try first; what they frame is what a text is about.
const FILLING = new Set(
  `a about after all also an and any are as at be because been but by can could did do does for from had has have he her his how i if in into is it its
  just like me more most my no not of on one only or other our out over own she so some than that the their them then there these they this to too up us
  very was we were what when where which who why will with would you your
  aber als am an auch auf aus bei bin bis das dass dem den der des die doch ein eine einen einer es für hat ich im ist ja man mit nach nicht noch nur
  oder sein sich sie sind so über um und uns von vor war was wenn wer wie wir wird zu zum zur
  au aux avec ce ces cette dans de des du elle en est et il ils je la le les leur mais nous ont ou par pas plus pour que qui sa se ses son sont sur un une vous
  al como con del el ella era esta este fue ha hay las lo los más muy para pero por porque se sin su sus también una y ya`.split(/\s+/),
);

export function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}][\p{L}\p{N}'’]*/gu) ?? [];
}

export function isFilling(word: string): boolean {
  return FILLING.has(word);
}

export function sentencesOf(text: string): string[] {
  const sentences = text.match(/[^.!?。！？\n]+(?:[.!?。！？]+["'”’»)\]]*)?/g) ?? [];
  return sentences.map((sentence) => sentence.trim()).filter((sentence) => /[\p{L}\p{N}]/u.test(sentence));
}

/** What a text is about: its most frequent words that say something, the most frequent first. */
export function topicsOf(text: string, count: number): string[] {
  const tally = new Map<string, number>();
  for (const word of wordsOf(text)) if (word.length > 2 && !isFilling(word)) tally.set(word, (tally.get(word) ?? 0) + 1);
  const ranked = [...tally].toSorted((left, right) => right[1] - left[1]);
  return ranked.slice(0, count).map(([word]) => word);
}

/** At most so many words, with an ellipsis where some are gone. */
export function firstWords(text: string, count: number): string {
  const words = text.split(/\s+/).filter((word) => word !== '');
  if (words.length <= count) return words.join(' ');
  return `${withoutEnd(words.slice(0, Math.max(0, count)).join(' '), /[\s,;:.–-]+$/)}…`;
}

const END_CHARS = 32;

/** Looks at the end alone: a pattern that ends in `+$` is quadratic on a long run in the middle. */
export function withoutEnd(text: string, pattern: RegExp): string {
  const from = Math.max(0, text.length - END_CHARS);
  return text.slice(0, from) + text.slice(from).replace(pattern, '');
}

export function countWords(text: string): number {
  return text.split(/\s+/).filter((word) => word !== '').length;
}

/** A whole number that depends on all of a text, to choose by. */
export function choiceOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}
