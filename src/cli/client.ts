import type { ErrorBody } from '../contract/errors.ts';
import type { Environment } from './command-group.ts';
import { CommandError } from './command-error.ts';

/** How the command line talks to a running service: like any other client. */
export type Client = {
  readonly get: (path: string, headers?: Record<string, string>) => Promise<Response>;
  readonly post: (path: string, body: unknown, headers?: Record<string, string>) => Promise<Response>;
  /** Sends a file as it is read. */
  readonly upload: (path: string, body: ReadableStream<Uint8Array>, contentType: string) => Promise<Response>;
  /** Answers what it is told, as JSON; null where it is told nothing. */
  readonly ask: <Reply>(method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, body?: object) => Promise<Reply>;
};

type ClientOptions = { readonly baseUrl?: string | undefined; readonly env: Environment; readonly signal: AbortSignal; readonly token?: string };

type Sent = { readonly body?: unknown; readonly stream?: ReadableStream<Uint8Array>; readonly headers?: Record<string, string> };

const DEFAULT_URL = 'http://127.0.0.1:8000';

/** Signs in with SLUICE_API_KEY or SLUICE_TOKEN, where there is no other token. */
export function createClient({ baseUrl, env, signal, token = env['SLUICE_API_KEY'] || env['SLUICE_TOKEN'] }: ClientOptions): Client {
  const base = (baseUrl || env['SLUICE_URL'] || DEFAULT_URL).replace(/\/+$/, '');
  const send = async (method: string, path: string, more: Sent): Promise<Response> => {
    const response = await reach(`${base}${path}`, {
      method,
      headers: {
        ...(more.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(token ? { authorization: `Bearer ${token}` } : {}),
        ...more.headers,
      },
      ...(more.body === undefined ? {} : { body: JSON.stringify(more.body) }),
      ...(more.stream === undefined ? {} : { body: more.stream, duplex: 'half' }),
      signal,
    });
    if (!response.ok) throw await refusal(response);
    return response;
  };
  return {
    get: (path, headers = {}) => send('GET', path, { headers }),
    upload: (path, stream, contentType) => send('POST', path, { stream, headers: { 'content-type': contentType } }),
    post: (path, body, headers = {}) => send('POST', path, { body, headers }),
    async ask<Reply>(method: string, path: string, body?: object) {
      const text = await (await send(method, path, { body })).text();
      return (text === '' ? null : JSON.parse(text)) as Reply;
    },
  };
}

async function reach(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch {
    init.signal?.throwIfAborted();
    const where = URL.canParse(url) ? new URL(url).origin : url;
    throw new CommandError(`there is no service at ${where}`, { hint: 'Start it with `make start` or `sluice serve`, or give its address with --base-url.' });
  }
}

async function refusal(response: Response): Promise<CommandError> {
  const body = (await response.json().catch(() => null)) as ErrorBody | null;
  if (!body?.error) return new CommandError(`the service answered ${response.status}`, { hint: 'Is this the address of Sluice?' });
  return new CommandError(body.error.message, { hint: hintOf(body.error, response.headers), refusal: body.error });
}

const NAMES_MAX = 20;

function hintOf({ code, status, details, request_id: requestId }: ErrorBody['error'], headers: Headers): string {
  const lines: string[] = [];
  const wait = headers.get('retry-after');
  const { available, errors } = details as { readonly available?: readonly string[]; readonly errors?: readonly { readonly message: string }[] };
  if (wait !== null) lines.push(`Try again in ${wait} s.`);
  if (status === 401) lines.push('Set SLUICE_API_KEY to a key of this service; or SLUICE_USERNAME and SLUICE_PASSWORD, or SLUICE_TOKEN, to manage it.');
  if (available) lines.push(`There is: ${available.slice(0, NAMES_MAX).join(', ')}${available.length > NAMES_MAX ? ', …' : ''}`);
  for (const { message } of errors?.slice(1) ?? []) lines.push(`Also: ${message}`);
  return [...lines, `${code}, request ${requestId}`].join('\n');
}
