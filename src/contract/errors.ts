/**
 * Every error that a caller can see, once. Status, retry advice, the OpenAPI entry and docs/errors.md follow from this table.
 * `openai` and `anthropic` are the words that the same fact has on the compatible surfaces; `compatStatus` where they use another status.
 */
/** In whose words a caller speaks and is answered. */
export type Surface = 'native' | 'openai' | 'anthropic';

export type Retry = 'never' | 'later' | 'now';

type ErrorRow = {
  readonly status: number;
  readonly retry: Retry;
  readonly message: string;
  readonly hint: string;
  readonly openai: { readonly type: string; readonly code: string | null };
  readonly anthropic: string;
  readonly compatStatus?: number;
};

const INVALID = { openai: { type: 'invalid_request_error', code: null }, anthropic: 'invalid_request_error' } as const;

export const ERRORS = {
  INVALID_JSON: {
    status: 422,
    compatStatus: 400,
    retry: 'never',
    message: 'The body is not valid JSON.',
    hint: 'Send one JSON object in UTF-8, with `Content-Type: application/json`.',
    ...INVALID,
  },
  MISSING_REQUIRED_FIELD: {
    status: 422,
    compatStatus: 400,
    retry: 'never',
    message: 'A required field is missing.',
    hint: '`field` names it; `details.errors` lists every mistake of the request.',
    openai: { type: 'invalid_request_error', code: 'missing_required_parameter' },
    anthropic: 'invalid_request_error',
  },
  INVALID_TYPE: {
    status: 422,
    compatStatus: 400,
    retry: 'never',
    message: 'A field has the wrong type.',
    hint: '`details.expected` says which type is wanted.',
    openai: { type: 'invalid_request_error', code: 'invalid_type' },
    anthropic: 'invalid_request_error',
  },
  INVALID_VALUE: {
    status: 422,
    compatStatus: 400,
    retry: 'never',
    message: 'A field has a value that is not allowed.',
    hint: '`details` holds the range or the list of allowed values.',
    openai: { type: 'invalid_request_error', code: 'invalid_value' },
    anthropic: 'invalid_request_error',
  },
  UNAUTHORIZED: {
    status: 401,
    retry: 'never',
    message: 'Sign in, or send an API key.',
    hint: 'Send `Authorization: Bearer <token>`: a token from `POST /auth/login`, or an API key.',
    openai: { type: 'invalid_request_error', code: 'invalid_api_key' },
    anthropic: 'authentication_error',
  },
  FORBIDDEN: {
    status: 403,
    retry: 'never',
    message: 'You are not allowed to do this.',
    hint: 'Ask an administrator for the role, or use another key.',
    openai: { type: 'invalid_request_error', code: 'permission_denied' },
    anthropic: 'permission_error',
  },
  NOT_FOUND: {
    status: 404,
    retry: 'never',
    message: 'There is nothing here.',
    hint: 'Check the address and the id; what belongs to another project does not exist for you.',
    openai: { type: 'invalid_request_error', code: 'not_found' },
    anthropic: 'not_found_error',
  },
  METHOD_NOT_ALLOWED: {
    status: 405,
    retry: 'never',
    message: 'This address does not take that method.',
    hint: 'The `Allow` header lists the methods that it takes.',
    openai: { type: 'invalid_request_error', code: 'method_not_allowed' },
    anthropic: 'invalid_request_error',
  },
  MODEL_NOT_FOUND: {
    status: 404,
    retry: 'never',
    message: 'There is no such model.',
    hint: '`details.available` lists what can be called.',
    openai: { type: 'invalid_request_error', code: 'model_not_found' },
    anthropic: 'not_found_error',
  },
  TEMPLATE_NOT_FOUND: {
    status: 404,
    retry: 'never',
    message: 'There is no such template.',
    hint: '`details.available` lists the templates.',
    openai: { type: 'invalid_request_error', code: 'template_not_found' },
    anthropic: 'not_found_error',
  },
  CONFLICT: {
    status: 409,
    retry: 'never',
    message: 'This does not fit the present state.',
    hint: 'Read the object again; the message says what stands in the way.',
    openai: { type: 'invalid_request_error', code: 'conflict' },
    anthropic: 'invalid_request_error',
  },
  IDEMPOTENCY_KEY_REUSED: {
    status: 422,
    compatStatus: 400,
    retry: 'never',
    message: 'This Idempotency-Key was used with another body.',
    hint: 'Use a new key for a new request.',
    openai: { type: 'invalid_request_error', code: 'idempotency_key_reused' },
    anthropic: 'invalid_request_error',
  },
  PAYLOAD_TOO_LARGE: {
    status: 413,
    retry: 'never',
    message: 'The body is too large.',
    hint: '`details.max_bytes` is the limit.',
    openai: { type: 'invalid_request_error', code: 'payload_too_large' },
    anthropic: 'request_too_large',
  },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    retry: 'never',
    message: 'The body has a content type that this route does not read.',
    hint: '`details.supported` lists what it reads; usually `Content-Type: application/json`.',
    openai: { type: 'invalid_request_error', code: 'unsupported_media_type' },
    anthropic: 'invalid_request_error',
  },
  RATE_LIMIT_EXCEEDED: {
    status: 429,
    retry: 'later',
    message: 'Rate limit exceeded.',
    hint: 'Wait for `Retry-After` seconds. Signing in or an API key lifts the limits by address.',
    openai: { type: 'rate_limit_error', code: 'rate_limit_exceeded' },
    anthropic: 'rate_limit_error',
  },
  BUDGET_EXCEEDED: {
    status: 402,
    compatStatus: 429,
    retry: 'never',
    message: 'The budget is used up.',
    hint: '`details.resets_at` says when it starts anew; an administrator can raise it.',
    openai: { type: 'insufficient_quota', code: 'insufficient_quota' },
    anthropic: 'billing_error',
  },
  TIMEOUT: {
    status: 504,
    retry: 'now',
    message: 'The provider did not answer in time.',
    hint: 'Try again, or raise `UPSTREAM_READ_TIMEOUT_S`.',
    openai: { type: 'server_error', code: 'timeout' },
    anthropic: 'timeout_error',
  },
  UPSTREAM_RATE_LIMITED: {
    status: 429,
    retry: 'later',
    message: 'Every provider that could answer is limiting our rate.',
    hint: 'Wait for `Retry-After` seconds, or add a fallback in sluice.config.yaml.',
    openai: { type: 'rate_limit_error', code: 'rate_limit_exceeded' },
    anthropic: 'rate_limit_error',
  },
  UPSTREAM_REJECTED: {
    status: 400,
    retry: 'never',
    message: 'The provider refused this request.',
    hint: '`details.upstream.message` holds its words.',
    openai: { type: 'invalid_request_error', code: null },
    anthropic: 'invalid_request_error',
  },
  INTERNAL_ERROR: {
    status: 500,
    compatStatus: 502,
    retry: 'now',
    message: 'Something failed on our side.',
    hint: 'Give the `request_id` to whoever runs this service: the log has the reason.',
    openai: { type: 'server_error', code: 'internal_error' },
    anthropic: 'api_error',
  },
  SERVICE_UNAVAILABLE: {
    status: 503,
    retry: 'later',
    message: 'The service cannot take this request now.',
    hint: 'Try again after `Retry-After` seconds.',
    openai: { type: 'server_error', code: 'service_unavailable' },
    anthropic: 'overloaded_error',
  },
  LOCAL_MODEL_UNAVAILABLE: {
    status: 503,
    retry: 'never',
    message: 'No local model is configured. Run `sluice models pull tinyllama`, or set LOCAL_MODEL_PATH to a GGUF file and start again.',
    hint: 'A model that was pulled answers within seconds, without a restart.',
    openai: { type: 'server_error', code: 'local_model_unavailable' },
    anthropic: 'api_error',
  },
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof ERRORS;
export const ERROR_CODES = Object.keys(ERRORS) as ErrorCode[];

export type ErrorParts = {
  /** Public words; the table's sentence where there are none. */
  readonly message?: string;
  readonly field?: string;
  readonly details?: Readonly<Record<string, unknown>>;
  /** For the log only; never shown. */
  readonly internal?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
};

/** The only error that is thrown on purpose. Everything else that is thrown becomes INTERNAL_ERROR in one place. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly parts: ErrorParts;

  constructor(code: ErrorCode, parts: ErrorParts = {}) {
    super(parts.message ?? ERRORS[code].message, parts.cause === undefined ? undefined : { cause: parts.cause });
    this.name = 'AppError';
    this.code = code;
    this.parts = parts;
  }
}

/** One field of a request that cannot be so: what only the handler can know, in the form in which the schemas' own mistakes are told. */
export function invalidValue(field: string, problem: string, details: Readonly<Record<string, unknown>> = {}): AppError {
  const message = `${field} ${problem}`;
  return new AppError('INVALID_VALUE', { field, message, details: { ...details, errors: [{ field, code: 'INVALID_VALUE', message }] } });
}

/** The native error body, the form that every native error has. */
export type ErrorBody = {
  readonly error: {
    readonly code: ErrorCode;
    readonly message: string;
    readonly status: number;
    readonly field: string | null;
    readonly details: Readonly<Record<string, unknown>>;
    readonly request_id: string;
  };
};

export function errorBody(error: AppError, requestId: string): ErrorBody {
  return {
    error: {
      code: error.code,
      message: error.message,
      status: ERRORS[error.code].status,
      field: error.parts.field ?? null,
      details: error.parts.details ?? {},
      request_id: requestId,
    },
  };
}
