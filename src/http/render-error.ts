import { type AppError, ERRORS, type ErrorCode, errorBody, type Surface } from '../contract/errors.ts';

export function surfaceOf(path: string): Surface {
  if (!path.startsWith('/v1/')) return 'native';
  return path.startsWith('/v1/messages') ? 'anthropic' : 'openai';
}

/** Clients of both vendors ask for models at the same address; only Anthropic's say a version. */
export function surfaceFor(path: string, headers: Headers): Surface {
  const surface = surfaceOf(path);
  return surface === 'openai' && headers.has('anthropic-version') ? 'anthropic' : surface;
}

export function statusOn(surface: Surface, code: ErrorCode): number {
  const row = ERRORS[code];
  return surface !== 'native' && 'compatStatus' in row ? row.compatStatus : row.status;
}

/** The same as the last event of a stream that broke off. */
export function renderErrorEvent(error: AppError, surface: Surface, requestId: string): string {
  const { json } = renderError(error, surface, requestId);
  return `${surface === 'openai' ? '' : 'event: error\n'}data: ${JSON.stringify(json)}\n\n`;
}

export type RenderedError = { readonly status: number; readonly headers: Record<string, string>; readonly json: unknown };

export function renderError(error: AppError, surface: Surface, requestId: string): RenderedError {
  const row = ERRORS[error.code];
  const headers: Record<string, string> = { ...error.parts.headers };
  if (error.code === 'UNAUTHORIZED' && !headers['www-authenticate']) headers['www-authenticate'] = 'Bearer';
  if (error.parts.retryAfterMs !== undefined) {
    headers['retry-after'] = String(Math.max(1, Math.ceil(error.parts.retryAfterMs / 1000)));
    // Official SDKs read this first, and obey it without a cap.
    headers['retry-after-ms'] = String(Math.min(60_000, Math.max(1, Math.ceil(error.parts.retryAfterMs))));
  }
  if (row.retry === 'never') headers['x-should-retry'] ??= 'false';
  if (surface === 'native') return { status: row.status, headers, json: errorBody(error, requestId) };
  const status = statusOn(surface, error.code);
  headers['x-error-code'] = error.code;
  const theirs = upstreamWords(error);
  const message = theirs.message ?? error.message;
  if (surface === 'anthropic') {
    return {
      status,
      headers: { ...headers, 'request-id': requestId },
      json: { type: 'error', error: { type: row.anthropic, message }, request_id: requestId },
    };
  }
  const { type, code } = row.openai;
  return { status, headers, json: { error: { message, type, param: error.parts.field ?? theirs.param ?? null, code: theirs.code ?? code } } };
}

/** Other vendors' forms have no room for details: what the provider itself said against the request takes the place of what we say of it. */
function upstreamWords({ code, parts }: AppError): { readonly message?: unknown; readonly code?: unknown; readonly param?: unknown } {
  const upstream = code === 'UPSTREAM_REJECTED' ? parts.details?.['upstream'] : null;
  return typeof upstream === 'object' && upstream !== null ? upstream : {};
}
