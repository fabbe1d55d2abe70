import { wordsOf } from './words.ts';

/** Feeling by a list of words, with negation: right in form always, and in the plain cases also in substance. */
export type Feeling = {
  readonly sentiment: 'positive' | 'negative' | 'neutral' | 'mixed';
  readonly score: number;
  readonly confidence: number;
  readonly emotions: readonly string[];
  readonly explanation: string;
};

const POSITIVE: Readonly<Record<string, string>> = {
  joy: 'amazing awesome beautiful best better brilliant delicious delight delighted delightful enjoy enjoyed excellent excited exciting fantastic fun glad good great happy laugh love loved lovely nice perfect pleasant pleased smile superb wonderful wow gut toll super schön liebe freude glücklich wunderbar großartig bon bonne merveilleux heureux magnifique bueno buena feliz maravilloso excelente',
  gratitude: 'appreciate grateful thank thanks thankful danke merci gracias dankbar',
  trust: 'easy fast helpful honest kind recommend recommended reliable safe smooth useful works empfehle freundlich',
  pride: 'proud success successful win won achievement stolz erfolg',
};
const NEGATIVE: Readonly<Record<string, string>> = {
  anger:
    'angry annoying awful disgusting fraud furious hate hated horrible outrageous rude scam terrible unacceptable worst wütend schrecklich furchtbar hasse horrible terrible odio',
  disappointment:
    'bad boring broke broken cheap disappointed disappointing fail failed failure lousy mediocre poor refund slow ugly useless waste worse wrong schlecht enttäuscht kaputt langsam mauvais déçu malo decepcionado',
  fear: 'afraid anxious dangerous fear scared scary threat unsafe worried worry angst gefährlich peur miedo',
  sadness: 'alone cry died grief hopeless hurt lonely loss lost miss pain sad sadly sorry tragic unhappy traurig leider triste',
};
const NEGATIONS = new Set([
  'not',
  'no',
  'never',
  'hardly',
  'without',
  "don't",
  "doesn't",
  "didn't",
  "isn't",
  "wasn't",
  "can't",
  "won't",
  'nicht',
  'kein',
  'keine',
  'nie',
  'pas',
  'jamais',
  'nunca',
]);
const NEGATION_REACH = 3;

const FEELINGS = new Map<string, { readonly sign: 1 | -1; readonly emotion: string }>([
  ...Object.entries(POSITIVE).flatMap(([emotion, words]) => words.split(' ').map((word) => [word, { sign: 1, emotion }] as const)),
  ...Object.entries(NEGATIVE).flatMap(([emotion, words]) => words.split(' ').map((word) => [word, { sign: -1, emotion }] as const)),
]);

export function feel(material: string): Feeling {
  const tally = { positive: 0, negative: 0 };
  const emotions = new Map<string, number>();
  const decisive: string[] = [];
  const words = wordsOf(material.replaceAll('’', "'"));
  for (const [index, word] of words.entries()) {
    const feeling = FEELINGS.get(word);
    if (!feeling) continue;
    const isTurned = words.slice(Math.max(0, index - NEGATION_REACH), index).some((before) => NEGATIONS.has(before));
    tally[feeling.sign === 1 && !isTurned ? 'positive' : 'negative'] += feeling.sign === 1 || !isTurned ? 1 : 0;
    // "Not bad" is faint praise, "not good" is a complaint.
    if (feeling.sign === -1 && isTurned) tally.positive += 0.5;
    const emotion = isTurned ? turned(feeling.sign) : feeling.emotion;
    emotions.set(emotion, (emotions.get(emotion) ?? 0) + 1);
    decisive.push(isTurned ? `not ${word}` : word);
  }
  return judge(tally, emotions, decisive);
}

function turned(sign: 1 | -1): string {
  return sign === 1 ? 'disappointment' : 'relief';
}

function judge({ positive, negative }: { positive: number; negative: number }, emotions: ReadonlyMap<string, number>, decisive: readonly string[]): Feeling {
  const total = positive + negative;
  const score = total === 0 ? 0 : Math.round(((positive - negative) / (total + 0.5)) * 100) / 100;
  const isMixed = positive > 0 && negative > 0 && Math.min(positive, negative) / Math.max(positive, negative) >= 0.4;
  const sentiment = total === 0 ? 'neutral' : signOf(score, isMixed);
  const listed = [...new Set(decisive)]
    .slice(0, 6)
    .map((word) => `"${word}"`)
    .join(', ');
  return {
    sentiment,
    score,
    confidence: total === 0 ? 0.4 : Math.round(Math.min(0.9, 0.5 + total * 0.1) * 100) / 100,
    emotions: [...emotions]
      .toSorted((left, right) => right[1] - left[1])
      .map(([emotion]) => emotion)
      .slice(0, 5),
    explanation:
      decisive.length === 0 ? '[demo] No word of feeling from the built-in list is in the text.' : `[demo] Decided by these words of the text: ${listed}.`,
  };
}

function signOf(score: number, isMixed: boolean): Feeling['sentiment'] {
  if (isMixed || score === 0) return 'mixed';
  return score > 0 ? 'positive' : 'negative';
}
