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
