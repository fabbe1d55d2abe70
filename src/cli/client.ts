import type { ErrorBody } from '../contract/errors.ts';
import type { Environment } from './command-group.ts';
import { CommandError } from './command-error.ts';

/** How the command line talks to a running service: like any other client. */
export type Client = {
  readonly get: (path: string) => Promise<Response>;
  readonly post: (path: string, body: unknown, headers?: Record<string, string>) => Promise<Response>;
};

type ClientOptions = { readonly baseUrl?: string | undefined; readonly env: Environment; readonly signal: AbortSignal };

const DEFAULT_URL = 'http://127.0.0.1:8000';

export function createClient({ baseUrl, env, signal }: ClientOptions): Client {
  const base = (baseUrl || env['SLUICE_URL'] || DEFAULT_URL).replace(/\/+$/, '');
  const key = env['SLUICE_API_KEY'];
  const signedIn: Record<string, string> = key ? { authorization: `Bearer ${key}` } : {};
  const ask = async (path: string, init: RequestInit): Promise<Response> => {
    const response = await reach(`${base}${path}`, { ...init, signal });
    if (!response.ok) throw await refusal(response);
    return response;
  };
  return {
    get: (path) => ask(path, { headers: signedIn }),
    post: (path, body, headers = {}) =>
      ask(path, { method: 'POST', headers: { 'content-type': 'application/json', ...signedIn, ...headers }, body: JSON.stringify(body) }),
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
  if (status === 401) lines.push('Set SLUICE_API_KEY to a key of this service, or to a token from POST /auth/login.');
  if (available) lines.push(`There is: ${available.slice(0, NAMES_MAX).join(', ')}${available.length > NAMES_MAX ? ', …' : ''}`);
  for (const { message } of errors?.slice(1) ?? []) lines.push(`Also: ${message}`);
  return [...lines, `${code}, request ${requestId}`].join('\n');
}
