import type { ErrorBody } from '../contract/errors.ts';

/** How the command line talks to a running service: like any other client. */
export type Client = { readonly post: (path: string, body: unknown, headers?: Record<string, string>) => Promise<Response> };

const DEFAULT_URL = 'http://127.0.0.1:8000';

/** A problem that the person at the terminal can do something about. */
export class CommandError extends Error {
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.name = 'CommandError';
    this.hint = hint;
  }
}

export type Environment = Readonly<Record<string, string | undefined>>;

export function createClient(baseUrl: string | undefined, environment: Environment): Client {
  const base = (baseUrl ?? environment['SLUICE_URL'] ?? DEFAULT_URL).replace(/\/+$/, '');
  const key = environment['SLUICE_API_KEY'];
  return {
    async post(path, body, headers = {}) {
      const response = await reach(`${base}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(key ? { authorization: `Bearer ${key}` } : {}), ...headers },
        body: JSON.stringify(body),
      });
      if (!response.ok) throw await refusal(response);
      return response;
    },
  };
}

async function reach(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch {
    throw new CommandError(
      `there is no service at ${new URL(url).origin}`,
      'Start it with `make start` or `sluice serve`, or give its address with --base-url.',
    );
  }
}

async function refusal(response: Response): Promise<CommandError> {
  const body = (await response.json().catch(() => null)) as ErrorBody | null;
  if (!body?.error) return new CommandError(`the service answered ${response.status}`, 'Is this the address of Sluice?');
  const { message, code, request_id: requestId } = body.error;
  const wait = response.headers.get('retry-after');
  return new CommandError(message, `${wait === null ? '' : `Try again in ${wait} s. `}${code}, request ${requestId}`);
}
