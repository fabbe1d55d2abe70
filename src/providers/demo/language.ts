import { wordsOf } from './words.ts';

/** Which language a text is in, by its script or its smallest words. */
const SCRIPTS: readonly (readonly [string, RegExp])[] = [
  ['Japanese', /[\p{sc=Hiragana}\p{sc=Katakana}]/u],
  ['Korean', /\p{sc=Hangul}/u],
  ['Chinese', /\p{sc=Han}/u],
  ['Russian', /\p{sc=Cyrillic}/u],
  ['Arabic', /\p{sc=Arabic}/u],
  ['Hebrew', /\p{sc=Hebrew}/u],
  ['Greek', /\p{sc=Greek}/u],
  ['Hindi', /\p{sc=Devanagari}/u],
  ['Thai', /\p{sc=Thai}/u],
];

const SMALL_WORDS: Readonly<Record<string, ReadonlySet<string>>> = {
  English: new Set('the and is are of to in that it this with for you was not have be'.split(' ')),
  German: new Set('der die das und ist nicht ein eine ich sie mit für auf den dem zu von wir es'.split(' ')),
  French: new Set('le la les et est une des que pour dans pas vous nous je qui avec au bonjour'.split(' ')),
  Spanish: new Set('el los las y es una que por para con del se no está hola muy como'.split(' ')),
  Italian: new Set('il gli è che di per con non una sono della questo ciao molto anche'.split(' ')),
  Portuguese: new Set('o os um uma é que não com para do da em você muito olá como'.split(' ')),
  Dutch: new Set('het een en is niet dat van ik je met voor op zijn we hallo ook'.split(' ')),
};
const SAMPLE_CHARS = 4000;

export function languageOf(text: string): string {
  const sample = text.slice(0, SAMPLE_CHARS);
  const byScript = SCRIPTS.find(([, script]) => script.test(sample));
  if (byScript) return byScript[0];
  const words = wordsOf(sample);
  const ranked = Object.entries(SMALL_WORDS).map(([language, small]) => ({ language, hits: words.filter((word) => small.has(word)).length }));
  return ranked.toSorted((left, right) => right.hits - left.hits)[0]?.language ?? 'English';
}
