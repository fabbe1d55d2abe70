import type { Refusal } from './words.ts';

/** The question itself cannot be answered by this model. */
export class RefusedError extends Error {
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(refusal.words);
    this.name = 'RefusedError';
    this.refusal = refusal;
  }
}

/** A token has at most so many characters, a long run of spaces for one: more than that times the context need not be counted, which takes time from others. */
const TOKEN_CHARS_MAX = 128;

export function tooLong(
  what: string,
  { tokens, most, param }: { readonly tokens: number | string; readonly most: number; readonly param: string },
): RefusedError {
  const words = `${what} ${tokens} tokens, and the context of this model has ${most}`;
  return new RefusedError({ words, code: 'context_length_exceeded', param });
}

export function assertCountable(chars: number, what: string, { most, param }: { readonly most: number; readonly param: string }): void {
  if (chars > most * TOKEN_CHARS_MAX) throw tooLong(what, { tokens: `more than ${Math.floor(chars / TOKEN_CHARS_MAX)}`, most, param });
}
