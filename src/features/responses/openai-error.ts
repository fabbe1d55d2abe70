import type { AppError } from '../../contract/errors.ts';
import { renderError } from '../../http/render-error.ts';
import type { OpenaiError } from '../../wire/responses-said.ts';

/** An error as a response tells of it. */
export function openaiError(error: AppError, requestId: string): OpenaiError {
  return (renderError(error, 'openai', requestId).json as { readonly error: OpenaiError }).error;
}
