import { UpstreamError, type UpstreamFault } from '../core/provider.ts';
import { isObject, type JsonObject, objectOf, textOf } from './read-json.ts';

/** What a provider's words about an error say, whatever form they have. */
export type ProviderError = { readonly message: string; readonly type: string; readonly code: string; readonly param: string };

const MESSAGE_CHARS_MAX = 600;

/**
 * The `error` of a body or of a stream's event, null where there is none. Besides `{error: {message, type, code}}` there are servers that
 * send `{error: "words"}`, and `{object: "error", message, …}`.
 */
export function providerError(body: JsonObject): ProviderError | null {
  const { error } = body;
  if (typeof error === 'string') return { message: error, type: '', code: '', param: '' };
  if (isObject(error)) return readError(error);
  return body['object'] === 'error' ? readError(body) : null;
}

export function readError(error: JsonObject): ProviderError {
  const { code } = error;
  return {
    message: textOf(error['message']).slice(0, MESSAGE_CHARS_MAX),
    type: textOf(error['type']),
    code: typeof code === 'number' ? String(code) : textOf(code),
    param: textOf(error['param']),
  };
}

/** An error that came where an answer should be: behind status 200, or in the middle of a stream. Only its words say what it is. */
export function faultInAnswer(error: ProviderError): UpstreamError {
  return new UpstreamError(faultOf(error), `The provider reported an error${error.message ? named(error) : ' without words'}.`, partsOf(error));
}

/** A name and a path, and no text that could be anybody's. */
function partsOf({ message, code, param }: ProviderError): { readonly words: string; readonly code: string | null; readonly param: string | null } {
  return { words: message, code: NAME.test(code) ? code : null, param: PATH.test(param) ? param : null };
}

const NAME = /^[A-Za-z][\w.-]{0,59}$/;
const PATH = /^[A-Za-z][\w.[\]-]{0,99}$/;

/** By its code or type, which are the provider's own; a text in their place could be anybody's. */
function named({ code, type }: ProviderError): string {
  const name = [code, type].find((word) => /^[\w.-]{1,60}$/.test(word));
  return name === undefined ? '' : ` (${name})`;
}

function faultOf({ code, type }: ProviderError): UpstreamFault {
  const words = `${code} ${type}`.toLowerCase();
  if (isQuota(words)) return 'unauthorized';
  if (/\b429\b|rate_limit|too_many_requests/.test(words)) return 'rate_limited';
  if (/\b40[13]\b|invalid_api_key|authentication|permission/.test(words)) return 'unauthorized';
  if (
    /\b4(00|04|13|22)\b|invalid_request|invalid_prompt|invalid_value|context_length|model_not_found|not_found_error|request_too_large|content_policy/.test(
      words,
    )
  )
    return 'rejected';
  return 'failed';
}

/**
 * No money left at the provider. It comes as 429 and waiting does not help, so it counts as what it is for our callers: our key is no good.
 */
function isQuota(words: string): boolean {
  return /insufficient_quota|billing_|insufficient_balance|payment_required|\b402\b/.test(words);
}

type Head = { readonly status: number; readonly retryAfterMs: number | null };

/** An answer with an error status, as the one vocabulary that the retry decision reads. */
export function faultOfStatus({ status, retryAfterMs }: Head, body: string): UpstreamError {
  const error = errorOfBody(body);
  return new UpstreamError(statusFault(status, error), `The provider answered ${status}${error.message ? named(error) : ' without saying why'}.`, {
    status,
    retryAfterMs,
    ...partsOf(error),
  });
}

export function errorOfBody(body: string): ProviderError {
  let value: unknown = null;
  try {
    value = JSON.parse(body);
  } catch {
    // A proxy's page: its status says all that can be used of it.
  }
  // Gemini's OpenAI endpoint wraps its error into a list.
  const answer = objectOf(Array.isArray(value) ? value[0] : value);
  return providerError(answer) ?? readError(answer);
}

function statusFault(status: number, error: ProviderError): UpstreamFault {
  if (status === 401 || status === 402 || status === 403) return 'unauthorized';
  if (status === 429) return isQuota(`${error.code} ${error.type}`.toLowerCase()) ? 'unauthorized' : 'rate_limited';
  if (status === 408 || status >= 500) return 'failed';
  // Gemini's OpenAI endpoint answers a bad key with 400, and Anthropic an account without money.
  return status === 400 && /\bapi key\b|\bcredit balance is too low\b/i.test(error.message) ? 'unauthorized' : 'rejected';
}
