import { AppError } from '../contract/errors.ts';

/** Whatever was thrown, as an error that a caller may see. The unknown becomes INTERNAL_ERROR here and nowhere else. */
export function asAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  return new AppError('INTERNAL_ERROR', { cause: thrown, internal: { reason: thrown instanceof Error ? thrown.message : String(thrown) } });
}
