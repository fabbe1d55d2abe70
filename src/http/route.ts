import type { z } from 'zod';
import type { App } from '../app.ts';
import type { ErrorCode } from '../contract/errors.ts';
import type { Principal, Scope } from '../contract/policy.ts';
import type { CallIds } from '../core/call-ids.ts';
import type { Cancellation } from '../core/cancellation.ts';
import type { SettingName } from '../contract/settings.ts';
import type { BodyStream } from './body-stream.ts';

/**
 * An endpoint is one value: router, validation, authorization, limits, OpenAPI and docs read it. Its `scope` is required, so that no route
 * can be served without a policy.
 */
export type RouteSpec<Params, Query, Body> = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With parameters in braces: `/api/v1/templates/{id}`. */
  readonly path: `/${string}`;
  /** Where it is found too, which the docs do not show. */
  readonly alias?: `/${string}`;
  /** Whether the last parameter may hold slashes, as names of models do. */
  readonly isOpenEnded?: true;
  readonly summary: string;
  readonly description?: string;
  readonly tag: Tag;
  readonly scope: Scope;
  /** The setting that limits anonymous callers of this route by address. */
  readonly limit?: SettingName & `rateLimit${string}`;
  /** Whether the limit also holds for callers who signed in: only where the route costs us and no budget stands behind it. */
  readonly limitEverybody?: true;
  readonly params?: z.ZodType<Params>;
  readonly query?: z.ZodType<Query>;
  readonly body?: z.ZodType<Body>;
  /** Content types that the body is read from; `application/json` where unsaid. */
  readonly bodyTypes?: readonly BodyType[];
  /** Content types whose bodies are too long for memory: the handler reads them in pieces from `exchange.bodyStream`, and then has no `body`. */
  readonly streamed?: Streamed;
  /** A body that the docs show, and that has to be taken as it stands. */
  readonly example?: unknown;
  readonly replies: readonly ReplySpec[];
  /** Errors of its own, and those of what it asks (DATABASE_ERRORS, MODEL_ERRORS). Those that follow from scope, body, limit and query need not be said. */
  readonly errors?: readonly ErrorCode[];
  readonly handle: (app: App, exchange: Exchange<Params, Query, Body>) => Promise<Reply> | Reply;
};

export type BodyType = 'application/json' | 'application/x-www-form-urlencoded';
export type Streamed = {
  /** Each with what the docs say of it; the handler itself checks what it reads. */
  readonly types: { readonly [Type in StreamType]?: z.ZodType };
  readonly bytesMax: number;
};
type StreamType = 'application/jsonl' | 'application/x-ndjson' | 'text/csv' | 'multipart/form-data';
export type Tag =
  | 'Generate'
  | 'Tasks'
  | 'Templates'
  | 'OpenAI-compatible'
  | 'Anthropic-compatible'
  | 'Models'
  | 'Jobs'
  | 'Webhooks'
  | 'Cache'
  | 'Usage'
  | 'Sign-in'
  | 'API keys'
  | 'Users'
  | 'Projects'
  | 'Audit'
  | 'Health'
  | 'Docs';

export type ReplySpec = {
  readonly status: number;
  readonly description: string;
  readonly type:
    | 'application/json'
    | 'application/jsonl'
    | 'text/csv'
    | 'text/event-stream'
    | 'text/plain'
    | 'text/html'
    | 'application/octet-stream'
    | 'application/x-jsonl';
  readonly schema?: z.ZodType;
};

// Parameters, query and body are checked before a handler sees them; the types are erased once, here, where the list is made.
// oxlint-disable-next-line typescript/no-explicit-any
export type Route = RouteSpec<any, any, any>;

export function route<Params = undefined, Query = undefined, Body = undefined>(spec: RouteSpec<Params, Query, Body>): Route {
  return spec;
}

/** What a route that asks the database can fail with besides its own: the database is away, or is not as it should be. */
export const DATABASE_ERRORS = ['SERVICE_UNAVAILABLE', 'INTERNAL_ERROR'] as const satisfies readonly ErrorCode[];

/** One request on its way through. */
export type Exchange<Params = unknown, Query = unknown, Body = unknown> = {
  readonly request: Request;
  readonly path: string;
  /** The path of the route, with its parameters in braces. */
  readonly route: string;
  readonly requestId: string;
  /** Of the model calls that this exchange makes. */
  readonly ids: CallIds;
  readonly principal: Principal;
  /** Of the job that it is a row of. */
  readonly jobId?: string;
  /** The caller's address, behind the proxies that are trusted. */
  readonly address: string;
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  /** Of a body that the route has streamed: it is there until the handler has answered. */
  readonly bodyStream?: BodyStream;
  /** Aborts when the caller leaves. */
  readonly signal: Cancellation;
  /** The work goes on when the caller leaves; what it answers ends it. */
  readonly outlive: () => (reason: unknown) => void;
  /** Unix milliseconds at which the whole exchange has to be over. */
  readonly deadline: number;
  /** What the one log line of this request will hold besides method, path, status and times. */
  readonly logFields: Record<string, unknown>;
};

/** What a handler answers: `json` for nearly all, `text` for pages, `stream` for what comes in pieces. */
export type Reply = {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly text?: string | Uint8Array<ArrayBuffer>;
  /** Runs until the answer is over. A throw cuts the connection, so that nobody takes half an answer for a whole one. */
  readonly stream?: (sink: Sink) => Promise<void>;
};

/** What a `json` is sent as. */
export const JSON_TYPE = 'application/json; charset=utf-8';

export type Sink = {
  /** Hands a piece to the caller; a promise when the caller is slower than we are, to be awaited before the next piece. */
  readonly write: (piece: string | Uint8Array) => void | Promise<void>;
};
