import type { App } from '../app.ts';
import type { Gateway } from '../app/gateway.ts';
import { AppError } from '../contract/errors.ts';
import { judge, mayUseRoute, type Principal } from '../contract/policy.ts';
import type { CallIds } from '../core/call-ids.ts';
import type { Cancellation } from '../core/cancellation.ts';
import { asAppError } from './fail.ts';
import { renderError, surfaceOf } from './render-error.ts';
import type { Exchange, Reply, Route } from './route.ts';
import { type Checker, checker } from './validate.ts';

/**
 * Asks a route without a socket, on behalf of somebody who is not there: what a row of a job is. Its body is checked and its handler run as for
 * every caller; the answer comes whole, and an error in the words of the route's surface. A gateway may stand in for the app's.
 */
export type Ask = (asked: AskedRoute, gateway?: Gateway) => Promise<Answered>;

export type AskedRoute = {
  /** Of a POST without parameters: `/v1/chat/completions` */
  readonly path: string;
  readonly body: unknown;
  readonly principal: Principal;
  readonly requestId: string;
  readonly ids: CallIds;
  readonly jobId: string;
  readonly signal: Cancellation;
  /** Unix milliseconds. */
  readonly deadline: number;
  readonly logFields: Record<string, unknown>;
};

export type Answered = {
  readonly status: number;
  readonly json: unknown;
  readonly headers: Readonly<Record<string, string>>;
  /** What `json` tells, where it did not go well. */
  readonly error: AppError | null;
};

type Prepared = { readonly route: Route; readonly check: Checker; readonly request: Request };

export function createAsk(app: App, routes: readonly Route[]): Ask {
  const prepared = new Map(routes.flatMap((route) => prepare(route)));
  return async (asked, gateway) => {
    try {
      const found = prepared.get(asked.path);
      if (!found) throw new AppError('NOT_FOUND', { message: `A job cannot ask ${asked.path.slice(0, 200)}` });
      assertMayAsk(app, found.route, asked);
      const reply = await found.route.handle(gateway ? { ...app, gateway } : app, exchangeOf(found, asked));
      return { status: reply.status ?? 200, json: jsonOf(reply), headers: reply.headers ?? {}, error: null };
    } catch (thrown) {
      return failed(app, asked, thrown);
    }
  };
}

function prepare(route: Route): readonly (readonly [string, Prepared])[] {
  if (route.method !== 'POST' || !route.body || route.path.includes('{')) return [];
  // One for all who ask: it says nothing of anybody.
  const request = new Request(`http://localhost${route.path}`, { method: 'POST' });
  return [[route.path, { route, check: checker(route.body, 'body'), request }]];
}

/** Who may make jobs may ask by them what only those who sign in may ask otherwise; a key only where its routes lead, as ever. */
function assertMayAsk(app: App, route: Route, { principal, path, body }: AskedRoute): void {
  const verdict = judge('jobs:write', principal, app.config().allowAnonymous);
  if (verdict !== 'allowed') throw new AppError('FORBIDDEN', { message: 'Whoever made this job may not run jobs any more' });
  if (!route.body || (principal.kind === 'key' && !mayUseRoute(principal.allowedRoutes, path))) {
    throw new AppError('FORBIDDEN', { message: 'The API key that made this job may not use this route' });
  }
  for (const field of ['stream', 'background'] as const) {
    if (typeof body !== 'object' || body === null || !(field in body) || (body as Record<string, unknown>)[field] !== true) continue;
    throw new AppError('INVALID_VALUE', { field, message: `${field} cannot be true in a job: its answers are kept whole` });
  }
}

function exchangeOf({ route, check, request }: Prepared, asked: AskedRoute): Exchange {
  const { path, requestId, ids, jobId, principal, signal, deadline, logFields } = asked;
  const body = check(asked.body);
  const nobody = { address: '', params: undefined, query: {}, outlive: () => () => undefined };
  return { ...nobody, request, path, route: route.path, requestId, ids, jobId, principal, body, signal, deadline, logFields };
}

/** Other vendors' words may be passed on as the text that they came as. */
function jsonOf({ json, text }: Reply): unknown {
  if (json !== undefined) return json;
  if (typeof text === 'string') return JSON.parse(text);
  throw new Error('a route that a job asks answers with JSON');
}

function failed(app: App, { path, requestId, logFields }: AskedRoute, thrown: unknown): Answered {
  const error = asAppError(thrown);
  logFields['error'] = error.code;
  if (error.code === 'INTERNAL_ERROR') {
    const cause = error.cause instanceof Error ? (error.cause.stack ?? error.cause.message) : undefined;
    app.log.error('a request failed', { request_id: requestId, ...error.parts.internal, ...(cause === undefined ? {} : { cause }) });
  }
  return { ...renderError(error, surfaceOf(path), requestId), error };
}
