import { UpstreamError } from '../core/provider.ts';
import { retryAfterMs } from '../core/retry-after.ts';
import { objectOf, textOf } from '../wire/read-json.ts';
import { faultInAnswer, faultOfStatus, providerError, readError } from '../wire/upstream-fault.ts';
import type { Errand } from './ai-sdk-fetch.ts';

/** What the packages call errors of the request: it cannot be said. */
const REFUSED = new Set([
  'AI_UnsupportedFunctionalityError',
  'AI_InvalidPromptError',
  'AI_InvalidArgumentError',
  'AI_NoSuchModelError',
  'AI_TooManyEmbeddingValuesForCallError',
]);
const WITHOUT_KEY = new Set(['AI_LoadAPIKeyError', 'AI_LoadSettingError']);

/** How a package failed, in the one vocabulary. Its errors are known by their names, since each package may bring a copy of their classes. */
export function faultOfPackage(cause: unknown, { call, asked, aside }: Errand): unknown {
  if (call.signal.aborted) return call.signal.reason;
  const own = upstreamErrorIn(cause) ?? aside;
  if (own !== null) return own;
  if (!(cause instanceof Error)) return errorSaid(cause);
  const { name, message } = cause;
  if (name === 'AI_APICallError') return faultOfAnswer(cause);
  if (REFUSED.has(name)) return new UpstreamError('rejected', `The package cannot say the request (${name}).`, { words: message, cause });
  // Before anything was sent there is no text of the caller's in what a package says, but what it misses.
  if (!asked || WITHOUT_KEY.has(name)) return new UpstreamError('unauthorized', `The package could not ask: ${message}`, { cause });
  return new UpstreamError('broken', `The package could not read the answer (${name}).`, { cause });
}

/** What stands in an error part of a stream: an error of the package's, or the provider's own words. */
export function errorSaid(said: unknown): Error {
  if (said instanceof Error) return said;
  if (typeof said === 'string') return faultInAnswer(readError({ message: said }));
  const body = objectOf(said);
  return typeof body['statusCode'] === 'number' ? faultOfAnswer(body) : faultInAnswer(providerError(body) ?? readError(body));
}

/** Packages wrap what our own `fetch` throws. */
function upstreamErrorIn(cause: unknown): UpstreamError | null {
  for (let at = cause, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth++) {
    if (at instanceof UpstreamError) return at;
  }
  return null;
}

/** An answer that is no answer: its status says what it is, and where the status says that all is well, it was garbled. */
function faultOfAnswer(cause: object): UpstreamError {
  const { statusCode, responseBody, responseHeaders, isRetryable, message, type, code } = objectOf(cause);
  const words = textOf(message);
  if (typeof statusCode !== 'number') return new UpstreamError('connect', 'The package could not reach its provider.', { words, cause });
  if (statusCode < 400) return new UpstreamError('broken', 'The package could not read the answer.', { status: statusCode, cause });
  const headers = objectOf(responseHeaders);
  const head = { status: statusCode, retryAfterMs: retryAfterMs({ get: (name) => textOf(headers[name]) || null }) };
  const said = faultOfStatus(head, textOf(responseBody) || JSON.stringify({ error: { message, type, code } }));
  const fault = said.fault === 'rejected' && isRetryable === true ? 'failed' : said.fault;
  return new UpstreamError(fault, said.message, { ...head, words: said.words ?? words, code: said.code, param: said.param });
}
