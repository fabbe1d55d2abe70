import type { App } from '../app.ts';
import { AppError } from '../contract/errors.ts';
import { ANONYMOUS, judge, mayUseRoute, type Principal, SCOPES } from '../contract/policy.ts';
import { callIds } from '../core/call-ids.ts';
import { Follower } from '../core/cancellation.ts';
import { readBody, type Sent } from './body.ts';
import { takeRest } from './body-rest.ts';
import { type CallerAddress, callerAddress } from './caller-address.ts';
import { type Cors, createCors } from './cors.ts';
import { asAppError } from './fail.ts';
import { queryChecker } from './query.ts';
import { renderError, surfaceFor } from './render-error.ts';
import { createIdempotency, type Idempotency, type KeptAnswers } from './idempotency.ts';
import { isDoneOnce, KEY_HEADER } from './idempotency/key.ts';
import { type Exchange, JSON_TYPE, type Reply, type Route } from './route.ts';
import { createRouter, type Match } from './router.ts';
import { type Checker, checker } from './validate.ts';
import { whileAllowed } from './while-allowed.ts';

/** Answers at once where it can: to wait for no one costs a microsecond. */
export type Identify = {
  /** Who the credentials of a request belong to; null when there are none. A bad one throws UNAUTHORIZED. */
  readonly caller: (authorization: string | null, apiKey: string | null) => Principal | null | Promise<Principal>;
  /** Whether they were taken back. A token that has run out meanwhile was not. */
  readonly isRevoked: (authorization: string | null, apiKey: string | null) => Promise<boolean>;
  /** The anonymous caller, with the budget of the project that they share. */
  readonly nobody: () => Principal | Promise<Principal>;
};

/** A request as the server hands it over: what the web's own Request does not say comes beside it. */
export type Incoming = {
  readonly request: Request;
  readonly socketAddress: () => string;
  /** Called when all that is wanted of the request has come in. */
  readonly received: () => void;
};

/** What goes back, before the server makes it the runtime's response. */
export type Outgoing = {
  readonly status: number;
  readonly headers: Record<string, string>;
  /** For HEAD too: the server tells its length and sends none of it. */
  readonly body: string | Uint8Array<ArrayBuffer> | null;
  readonly stream?: Reply['stream'];
  /** Called once when the last byte has left, or the caller has. */
  readonly over: (outcome: 'sent' | 'left' | 'cut') => void;
};

export type Dispatch = {
  readonly handle: (incoming: Incoming) => Promise<Outgoing>;
  /** Requests whose answer is not over. */
  readonly inFlight: () => number;
};

type Prepared = {
  readonly route: Route;
  readonly body: Checker | null;
  readonly query: ((text: string) => unknown) | null;
  readonly params: Checker | null;
  /** Whether it heeds an Idempotency-Key. */
  readonly isDoneOnce: boolean;
};
type Kit = {
  readonly app: App;
  readonly identify: Identify;
  readonly idempotency: Idempotency;
  readonly addressOf: CallerAddress;
  readonly cors: Cors;
};

const CALLER_LEFT = 499;
const NOTHING_SENT: Sent = { value: undefined, stream: null };
const CALLERS_ID = /^[A-Za-z0-9._:-]{1,128}$/;

export function createDispatch(app: App, routes: readonly Route[], identify: Identify, answers: KeptAnswers): Dispatch {
  const config = app.config();
  const router = createRouter(routes.map(prepare));
  const kit: Kit = {
    app,
    identify,
    idempotency: createIdempotency(app, answers),
    addressOf: callerAddress(config.settings.trustProxy),
    cors: createCors(config.corsOrigins),
  };
  let inFlight = 0;

  return {
    inFlight: () => inFlight,
    async handle(incoming) {
      const visit = begin(kit, incoming);
      inFlight++;
      const over = (outcome: 'sent' | 'left' | 'cut'): void => {
        inFlight--;
        logVisit(kit, visit, outcome);
      };
      try {
        const reply = await answer(kit, visit, router.find(incoming.request.method, visit.path));
        return outgoing(kit, visit, reply, over);
      } catch (thrown) {
        const { body } = incoming.request;
        if (body !== null && !visit.isReceived) await takeRest(body, app.clock);
        return outgoing(kit, visit, failed(kit, visit, thrown), over);
      }
    },
  };
}

function prepare(route: Route): Prepared {
  return {
    route,
    body: route.body ? checker(route.body, 'body') : null,
    query: route.query ? queryChecker(route.query) : null,
    params: route.params ? checker(route.params, 'params') : null,
    isDoneOnce: isDoneOnce(route),
  };
}

/** One request, as far as the kit is concerned. */
type Visit = {
  readonly request: Request;
  readonly socketAddress: () => string;
  readonly received: () => void;
  readonly path: string;
  readonly queryText: string;
  readonly requestId: string;
  readonly startedAt: number;
  readonly logFields: Record<string, unknown>;
  readonly headers: Record<string, string>;
  status: number;
  /** Whether all that is wanted of it has come in. */
  isReceived: boolean;
};

function begin(kit: Kit, incoming: Incoming): Visit {
  const { request } = incoming;
  const { url } = request;
  const pathStart = url.indexOf('/', url.indexOf('//') + 2);
  const queryStart = url.indexOf('?', pathStart);
  const given = request.headers.get('x-request-id') ?? request.headers.get('x-correlation-id');
  const requestId = given !== null && CALLERS_ID.test(given) ? given : kit.app.newId('req');
  return {
    request,
    socketAddress: incoming.socketAddress,
    received: incoming.received,
    path: queryStart < 0 ? url.slice(pathStart) : url.slice(pathStart, queryStart),
    queryText: queryStart < 0 ? '' : url.slice(queryStart + 1),
    requestId,
    startedAt: kit.app.clock.monotonic(),
    logFields: {},
    headers: { 'x-request-id': requestId, 'x-content-type-options': 'nosniff', ...kit.cors.headers(request.headers.get('origin')) },
    status: 0,
    isReceived: false,
  };
}

async function answer(kit: Kit, visit: Visit, found: Match<Prepared> | { readonly allow: readonly string[] } | null): Promise<Reply> {
  const { request } = visit;
  if (request.method === 'OPTIONS') {
    if (found === null) throw new AppError('NOT_FOUND');
    return { status: 204, headers: { ...kit.cors.preflight(request.headers.get('origin')), ...('allow' in found ? { allow: found.allow.join(', ') } : {}) } };
  }
  if (found === null || 'allow' in found) throw missed(visit, found);
  const { route } = found.entry;
  const admitting = admit(kit, visit, route);
  const principal = admitting instanceof Promise ? await admitting : admitting;
  const { settings } = kit.app.config();
  const params = found.entry.params ? found.entry.params(found.params) : undefined;
  const query = found.entry.query ? found.entry.query(visit.queryText) : noQuery(visit.queryText);
  const asked: Asked = { principal, params, query, address: lazyAddress(kit, visit) };
  // A long body is taken in only from whoever may send one.
  if (route.streamed) await count(kit, visit, route, asked);
  const sent = route.body || route.streamed ? await readBody(request, route, settings.dataDir) : NOTHING_SENT;
  visit.isReceived = true;
  visit.received();
  if (sent.stream === null) return handled(kit, visit, found.entry, { ...asked, sent });
  try {
    return await handled(kit, visit, found.entry, { ...asked, sent });
  } finally {
    await sent.stream.remove();
  }
}

type Asked = { readonly principal: Principal; readonly params: unknown; readonly query: unknown; readonly address: () => string };

async function handled(kit: Kit, visit: Visit, entry: Prepared, asked: Asked & { readonly sent: Sent }): Promise<Reply> {
  const { request } = visit;
  const { route } = entry;
  const { principal, params, query, address, sent } = asked;
  const body = entry.body && sent.stream === null ? entry.body(sent.value) : undefined;
  const counting = route.streamed ? undefined : count(kit, visit, route, asked);
  if (counting) await counting;
  const now = kit.app.clock.now();
  const signal = new Follower(request.signal);
  const exchange: Exchange = {
    request,
    path: visit.path,
    route: route.path,
    requestId: visit.requestId,
    ids: callIds(kit.app.newId('call'), now),
    principal,
    get address() {
      return address();
    },
    params,
    query,
    body,
    ...(sent.stream === null ? {} : { bodyStream: sent.stream }),
    signal,
    outlive() {
      signal.letGo();
      return (reason) => signal.abort(reason);
    },
    deadline: now + callersTimeoutMs(request, kit.app.config().settings.requestTimeoutS),
    logFields: visit.logFields,
  };
  const header = entry.isDoneOnce ? request.headers.get(KEY_HEADER) : null;
  if (header === null) return endedWhenRevoked(kit, request, await route.handle(kit.app, exchange));
  const keyed = { header, exchange, queryText: visit.queryText, sent: sent.value };
  return kit.idempotency.answer(keyed, async (own) => endedWhenRevoked(kit, request, await route.handle(kit.app, own)));
}

/** Counts a visit against the limit by address, where the route has one; throws where it is used up. */
function count(kit: Kit, visit: Visit, { limit, limitEverybody, path }: Route, { principal, address }: Asked): Promise<void> | undefined {
  const rate = limit && (principal.kind === 'anonymous' || limitEverybody) ? kit.app.config().settings[limit] : null;
  if (!rate) return undefined;
  const told = kit.app.limiter.visit(path.slice(1), rate, address());
  if (told instanceof Promise) return told.then((headers) => void Object.assign(visit.headers, headers));
  Object.assign(visit.headers, told);
  return undefined;
}

function endedWhenRevoked(kit: Kit, { headers }: Request, reply: Reply): Reply {
  return reply.stream ? { ...reply, stream: whileAllowed(kit, headers, reply.stream) } : reply;
}

function missed({ path, request }: Visit, found: { readonly allow: readonly string[] } | null): AppError {
  if (found === null) return new AppError('NOT_FOUND', { message: `There is nothing at ${path.slice(0, 200)}; GET /openapi.json lists what there is` });
  return new AppError('METHOD_NOT_ALLOWED', {
    message: `${path} does not take ${request.method}`,
    details: { allow: found.allow },
    headers: { allow: found.allow.join(', ') },
  });
}

/** Official SDKs say how long their caller waits: work beyond that is for nobody. */
function callersTimeoutMs(request: Request, timeoutS: number): number {
  const told = Number(request.headers.get('x-stainless-timeout') ?? Number.NaN);
  return (told > 0 && told < timeoutS ? told : timeoutS) * 1000;
}

function noQuery(queryText: string): undefined {
  if (queryText === '') return undefined;
  const [name = ''] = [...new URLSearchParams(queryText).keys()];
  throw new AppError('INVALID_VALUE', { field: name, message: `${name} is not a field of this query`, details: { allowed: [] } });
}

/** Who calls, where they may; throws where they may not. */
function admit(kit: Kit, visit: Visit, route: Route): Principal | Promise<Principal> {
  const authorization = visit.request.headers.get('authorization');
  const apiKey = visit.request.headers.get('x-api-key');
  const caller = authorization === null && apiKey === null ? null : whoCalls(kit, route, { authorization, apiKey });
  if (caller instanceof Promise) return caller.then((known) => judged(kit, visit, route, known));
  return judged(kit, visit, route, caller);
}

function judged(kit: Kit, visit: Visit, route: Route, caller: Principal | null): Principal | Promise<Principal> {
  const principal = caller ?? ANONYMOUS;
  const verdict = judge(route.scope, principal, kit.app.config().allowAnonymous);
  if (verdict === 'unauthorized') throw new AppError('UNAUTHORIZED');
  if (verdict === 'forbidden') throw new AppError('FORBIDDEN', { details: { scope: route.scope } });
  const { anonymous, spends } = SCOPES[route.scope];
  if (principal.kind === 'anonymous') return spends ? kit.identify.nobody() : principal;
  if (principal.kind === 'user') visit.logFields['user_id'] = principal.userId;
  else {
    visit.logFields['key_id'] = principal.keyId;
    if (anonymous !== 'always' && !mayUseRoute(principal.allowedRoutes, visit.path)) {
      throw new AppError('FORBIDDEN', { message: 'This API key may not use this route', details: { allowed_routes: principal.allowedRoutes } });
    }
  }
  return principal;
}

type Shown = { readonly authorization: string | null; readonly apiKey: string | null };

function whoCalls(kit: Kit, route: Route, { authorization, apiKey }: Shown): Principal | null | Promise<Principal | null> {
  try {
    const caller = kit.identify.caller(authorization, apiKey);
    return caller instanceof Promise ? caller.catch((cause: unknown) => asGoodAsNone(route, cause)) : caller;
  } catch (cause) {
    return asGoodAsNone(route, cause);
  }
}

/**
 * Where everybody may come in, a token that has expired is as good as none: it must not stand in the way of the sign-in that renews it, nor of a
 * look at the health.
 */
function asGoodAsNone(route: Route, cause: unknown): null {
  if (SCOPES[route.scope].anonymous === 'always' && cause instanceof AppError) return null;
  throw cause;
}

function lazyAddress(kit: Kit, visit: Visit): () => string {
  let address: string | null = null;
  return () => (address ??= kit.addressOf(visit.socketAddress(), visit.request.headers.get('x-forwarded-for')));
}

function failed(kit: Kit, visit: Visit, thrown: unknown): Reply {
  // Nobody is there to read an answer; what the log says is that they left.
  if (visit.request.signal.aborted) return { status: CALLER_LEFT, text: '' };
  const error = asAppError(thrown);
  visit.logFields['error'] = error.code;
  if (error.parts.field !== undefined) visit.logFields['field'] = error.parts.field;
  if (error.code === 'INTERNAL_ERROR') {
    const cause = error.cause instanceof Error ? (error.cause.stack ?? error.cause.message) : undefined;
    kit.app.log.error('a request failed', { request_id: visit.requestId, ...error.parts.internal, ...(cause === undefined ? {} : { cause }) });
  }
  return renderError(error, surfaceFor(visit.path, visit.request.headers), visit.requestId);
}

function outgoing(kit: Kit, visit: Visit, reply: Reply, over: Outgoing['over']): Outgoing {
  visit.status = reply.status ?? 200;
  const { headers } = visit;
  Object.assign(headers, reply.headers);
  if (reply.stream) return { status: visit.status, headers, body: null, stream: reply.stream, over };
  if (reply.json === undefined) return { status: visit.status, headers, body: reply.text ?? null, over };
  headers['content-type'] = JSON_TYPE;
  if (headers['server-timing'] !== undefined) headers['server-timing'] += `, total;dur=${(kit.app.clock.monotonic() - visit.startedAt).toFixed(1)}`;
  return { status: visit.status, headers, body: JSON.stringify(reply.json), over };
}

function logVisit(kit: Kit, visit: Visit, outcome: 'sent' | 'left' | 'cut'): void {
  const fields = {
    request_id: visit.requestId,
    method: visit.request.method,
    path: visit.path.slice(0, 500),
    status: visit.status,
    duration_ms: Math.round((kit.app.clock.monotonic() - visit.startedAt) * 10) / 10,
    ...(visit.status === CALLER_LEFT ? { outcome: 'left' } : outcome === 'sent' ? {} : { outcome }),
    ...visit.logFields,
  };
  if (visit.status >= 500) kit.app.log.warning('request', fields);
  else kit.app.log.info('request', fields);
}
