import type { ModelFacts } from '../../core/provider.ts';

/** How much text fits into one call. Tokens are estimated before a call, by up to a third wrong, so a quarter stays free. */
type Facts = Pick<ModelFacts, 'contextTokens' | 'outputTokensMax'>;

const SAFE_SHARE = 0.75;
const ROOM_MIN_TOKENS = 64;
/** As much as any request may ask for. */
const OUTPUT_MAX_TOKENS = 16_384;

function outputMax(facts: Facts): number {
  const known = [facts.outputTokensMax, OUTPUT_MAX_TOKENS].filter((tokens) => tokens > 0);
  // Where nearly the whole window could be answer, half of it is left for the question.
  return Math.max(ROOM_MIN_TOKENS, Math.min(...known, Math.floor(contextOf(facts) / 2)));
}

/** Tokens of text that a model can read besides its prompt and its answer. */
export function readingRoom(facts: Facts, promptTokens: number, answerTokens: number): number {
  return Math.max(ROOM_MIN_TOKENS, Math.floor((contextOf(facts) - promptTokens - answerTokens) * SAFE_SHARE));
}

/** Tokens of text of which a model can write a translation: it has to read them, and write up to twice as many. */
export function translatingRoom(facts: Facts, promptTokens: number): number {
  const whole = Math.floor(((contextOf(facts) - promptTokens) * SAFE_SHARE) / 3);
  return Math.max(ROOM_MIN_TOKENS, Math.min(whole, Math.floor(outputMax(facts) / 2)));
}

/** A word is one to three tokens, by language. */
export function tokensForWords(words: number, facts: Facts): number {
  return Math.min(200 + words * 4, outputMax(facts));
}

/** Room for a translation of a text; more than twice as much for short texts, whose length says little. */
export function tokensForTranslation(textTokens: number, facts: Facts): number {
  return Math.min(512 + textTokens * 6, outputMax(facts));
}

function contextOf(facts: Facts): number {
  return facts.contextTokens > 0 ? facts.contextTokens : Number.MAX_SAFE_INTEGER;
}
