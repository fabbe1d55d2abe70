import type { ErrorBody } from '../contract/errors.ts';
import { EXIT } from './exit-codes.ts';

type Parts = { readonly hint: string; readonly exitCode?: number; readonly refusal?: ErrorBody['error'] };

/** A problem that the person at the terminal can do something about; `refusal` is what the service said, word for word. */
export class CommandError extends Error {
  readonly hint: string;
  readonly exitCode: number;
  readonly refusal: ErrorBody['error'] | null;

  constructor(message: string, { hint, exitCode = EXIT.failed, refusal }: Parts) {
    super(message);
    this.name = 'CommandError';
    this.hint = hint;
    this.exitCode = exitCode;
    this.refusal = refusal ?? null;
  }
}
