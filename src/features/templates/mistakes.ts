import { AppError } from '../../contract/errors.ts';
import type { ValueProblem } from '../../core/json-schema.ts';

const LISTED_MAX = 100;

/** Mistakes that only the template shows, in the form that every wrong request is answered in. */
export function mistakesError(problems: readonly ValueProblem[]): AppError {
  const [first] = problems;
  if (!first) return new AppError('INVALID_VALUE');
  const errors = problems.slice(0, LISTED_MAX).map(({ path, code, message }) => ({ field: path, code, message }));
  return new AppError(first.code, { message: first.message, field: first.path, details: { ...first.details, errors } });
}

export function mistake(path: string, words: string, details: Readonly<Record<string, unknown>> = {}): AppError {
  return mistakesError([{ path, code: 'INVALID_VALUE', message: `${path} ${words}`, details }]);
}
