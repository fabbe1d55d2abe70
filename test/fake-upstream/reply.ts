/** What a route answers when nothing is scripted to go wrong; play.ts puts it on the wire. */
export type Reply =
  | {
      readonly kind: 'whole';
      readonly status: number;
      readonly body: string | Uint8Array;
      readonly type?: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'stream'; readonly frames: readonly Frame[]; readonly headers?: Readonly<Record<string, string>> };

/** One event of a stream, ready for the wire; `piece` is what rules count. */
export type Frame = { readonly kind: 'open' | 'piece' | 'finish' | 'usage' | 'done'; readonly event?: string; readonly data: string };

export function json(body: unknown, status = 200): Reply {
  return { kind: 'whole', status, body: JSON.stringify(body) };
}

export type Vendor = 'openai' | 'anthropic';

export function vendorOf(path: string): Vendor {
  return path.startsWith('/v1/messages') ? 'anthropic' : 'openai';
}

const OPENAI_ERRORS: Readonly<Record<number, { readonly type: string; readonly code: string | null; readonly message: string }>> = {
  400: { type: 'invalid_request_error', code: null, message: 'The request is not valid.' },
  401: { type: 'invalid_request_error', code: 'invalid_api_key', message: 'Incorrect API key provided.' },
  403: { type: 'invalid_request_error', code: 'unsupported_country_region_territory', message: 'Country, region, or territory not supported.' },
  404: { type: 'invalid_request_error', code: 'model_not_found', message: 'The model does not exist or you do not have access to it.' },
  429: { type: 'requests', code: 'rate_limit_exceeded', message: 'Rate limit reached for requests.' },
};

const ANTHROPIC_ERRORS: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  529: 'overloaded_error',
};

export function errorBodyOf(vendor: Vendor, status: number, message?: string, param: string | null = null): unknown {
  if (vendor === 'anthropic')
    return {
      type: 'error',
      error: { type: ANTHROPIC_ERRORS[status] ?? 'api_error', message: message ?? 'The fake upstream refuses.' },
      request_id: 'req_fake',
    };
  const row = OPENAI_ERRORS[status] ?? {
    type: status < 500 ? 'invalid_request_error' : 'server_error',
    code: null,
    message: 'The server had an error while processing your request.',
  };
  return { error: { message: message ?? row.message, type: row.type, param, code: row.code } };
}

export function refused(vendor: Vendor, status: number, message?: string, param: string | null = null): Reply {
  return json(errorBodyOf(vendor, status, message, param), status);
}
