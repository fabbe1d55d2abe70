import { introsOf } from './intro.ts';
import { languageOf } from './language.ts';
import type { Reading } from './reading.ts';
import { feel } from './sentiment.ts';
import { summarize } from './summary.ts';
import { choiceOf, firstWords, sentencesOf, topicsOf, wordsOf } from './words.ts';

/** The demo model's answer in plain text. */
export function speak(reading: Reading): string {
  switch (reading.task) {
    case 'summarize':
      return summarize(reading);
    case 'translate':
      return translate(reading);
    case 'sentiment':
      return describeFeeling(reading.material);
    case 'intro':
      return introsOf(reading).join('\n\n');
    case 'complete':
      return complete(reading.material);
    case 'chat':
      return chat(reading);
    default:
      return reading.task satisfies never;
  }
}

/** Every paragraph and line stays where it is; the words stay as they are, since the demo knows no language, and the mark says so. */
export function translate({ material, language }: Pick<Reading, 'material' | 'language'>): string {
  return `[demo] (${languageOf(material)} → ${language ?? 'English'}) ${material}`;
}

function describeFeeling(material: string): string {
  const { sentiment, score, explanation } = feel(material);
  return `${explanation} So it is ${sentiment}, with a score of ${score}.`;
}

const LINKS = ['and from there', 'and so', 'while', 'because in the end', 'and before long', 'until at last'];

/** Goes on from the very place where the material ends. */
function complete(material: string): string {
  const topics = topicsOf(material, 8);
  const at = choiceOf(material);
  const link = LINKS[at % LINKS.length] ?? 'and so';
  const [first = 'it', second = 'the rest', third = 'what comes next'] = [...topics.slice(at % 2), ...topics];
  const isOver = /[.!?…。"'”)\]]\s*$/.test(material) || material.trim() === '';
  const space = material === '' || /\s$/.test(material) ? '' : ' ';
  const body = `${link} [demo] the ${first} led on to ${second}, and ${second} to ${third}. Nobody had planned it that way, but that is how it went on.`;
  return space + (isOver ? body.charAt(0).toUpperCase() + body.slice(1) : body);
}

function chat(reading: Reading): string {
  const { material, images, turns, maxWords } = reading;
  const heard = material.trim() === '' ? 'You have not asked anything yet.' : `You asked: “${firstWords(material, 30)}”`;
  const topics = topicsOf(material, 3);
  const parts = [
    `[demo] ${heard}`,
    images === 0 ? '' : `With it ${images === 1 ? 'came an image' : `came ${images} images`}, which the demo model cannot look into.`,
    turns > 1 ? `That is your message number ${turns} of this conversation.` : '',
    topics.length > 0 ? `A real model would now say something about ${topics.join(', ')}.` : '',
    'This is the built-in demo model: it answers in the right form, but knows nothing. For real answers set OPENAI_API_KEY, or run `sluice models pull tinyllama`.',
  ].filter((part) => part !== '');
  const answer = parts.join(' ');
  return maxWords === null || maxWords < 100 ? answer : longer(answer, material, Math.min(maxWords, 5000));
}

/** Who asks for many words gets as many, so that long streams can be tried out too. */
function longer(answer: string, material: string, words: number): string {
  const topics = topicsOf(material, 20);
  const sentences = [...sentencesOf(answer)];
  let count = wordsOf(answer).length;
  for (let index = 0; count < words; index += 1) {
    const topic = topics[index % Math.max(1, topics.length)] ?? 'this';
    const next = `Sentence ${index + 1} of this long demo answer would say something about ${topic}.`;
    sentences.push(next);
    count += wordsOf(next).length;
  }
  return sentences.join(' ');
}
