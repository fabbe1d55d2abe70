import { z } from 'zod';
import { ERROR_CODES, ERRORS, type ErrorCode, errorBody, AppError, type Surface } from '../contract/errors.ts';
import { SCOPES } from '../contract/policy.ts';
import type { JsonObject, SchemaBook } from './openapi-schemas.ts';
import { isDoneOnce } from './idempotency/key.ts';
import { queryTypes } from './query.ts';
import { statusOn, surfaceOf } from './render-error.ts';
import type { ReplySpec, Route } from './route.ts';

const ERROR_REFERENCE = { $ref: '#/components/schemas/Error' };
const EXAMPLE_REQUEST_ID = 'req_01k5m2v8y3f7q9a4c6e8g0j2n4';

const EXAMPLE_DONE = {
  model: 'gpt-4o-mini',
  usage: { input_tokens: 12, output_tokens: 2, total_tokens: 14 },
  cached: false,
  cost_usd: 0.000003,
  request_id: EXAMPLE_REQUEST_ID,
  finish_reason: 'stop',
};
const EXAMPLE_STREAM = [
  'id: str_01k5m2v8y3:1\ndata: The gate',
  'id: str_01k5m2v8y3:2\ndata:  lifts',
  `event: done\ndata: ${JSON.stringify(EXAMPLE_DONE)}`,
  '',
].join('\n\n');

/** Examples that say more than the table's sentence. */
const EXAMPLE_PARTS: { readonly [Code in ErrorCode]?: { readonly message: string; readonly field?: string; readonly details: JsonObject } } = {
  MISSING_REQUIRED_FIELD: {
    message: 'prompt is required',
    field: 'prompt',
    details: { errors: [{ field: 'prompt', code: 'MISSING_REQUIRED_FIELD', message: 'prompt is required' }] },
  },
  INVALID_TYPE: {
    message: 'max_tokens must be a whole number',
    field: 'max_tokens',
    details: {
      expected: 'a whole number',
      received: 'string',
      errors: [{ field: 'max_tokens', code: 'INVALID_TYPE', message: 'max_tokens must be a whole number' }],
    },
  },
  INVALID_VALUE: {
    message: 'temperature must be between 0 and 2',
    field: 'temperature',
    details: { min: 0, max: 2, received: 3.5, errors: [{ field: 'temperature', code: 'INVALID_VALUE', message: 'temperature must be between 0 and 2' }] },
  },
  RATE_LIMIT_EXCEEDED: { message: 'Rate limit exceeded: 10 per 1 minute', details: { limit: 10, window_s: 60 } },
  PAYLOAD_TOO_LARGE: { message: 'The body is larger than 10 MB', details: { max_bytes: 10_485_760 } },
};

const text = (description: string): object => ({ description, schema: { type: 'string' } });
const number = (description: string): object => ({ description, schema: { type: 'integer', minimum: 0 } });

const ALWAYS = { 'X-Request-Id': { description: "The caller's own id, or a new one; the same is in the log.", required: true, schema: { type: 'string' } } };
const LIMITED = {
  'RateLimit-Policy': text('The limit: `"generate";q=10;w=60` is 10 in 60 seconds.'),
  RateLimit: text('What is left: `"generate";r=9;t=42` is 9 more, anew in 42 seconds.'),
  'X-RateLimit-Limit': number('Calls in a window.'),
  'X-RateLimit-Remaining': number('Calls left in this one.'),
  'X-RateLimit-Reset': number('Seconds until there is more room.'),
};
const ANSWERED = {
  'X-Cache': { description: 'Whether the answer was kept from before.', required: true, schema: { type: 'string', enum: ['HIT', 'MISS', 'BYPASS'] } },
  'X-Model': { ...text('The model that answered.'), required: true },
  'X-Provider': { ...text('Who runs it.'), required: true },
  'X-Upstream-Attempts': { ...number('Calls that it took; 0 for a cached answer.'), required: true },
  'X-Cost-Usd': { description: 'What it cost. Not on streams: their last event says it.', schema: { type: 'string', pattern: String.raw`^\d+(\.\d+)?$` } },
  'Server-Timing': text('Milliseconds in the queue, upstream and in all. Not on streams.'),
};
/** Of routes that heed an Idempotency-Key. */
const ONCE = {
  'Idempotency-Replayed': { description: 'Whether this was answered before, under the same Idempotency-Key.', schema: { type: 'string', const: 'true' } },
};
/** On the surfaces of other vendors. */
const NAMED = { 'X-Error-Code': { ...text('Our own name for the error: docs/errors.md lists them.'), required: true } };
const BY_STATUS: Record<number, Record<string, object>> = {
  401: { 'WWW-Authenticate': { ...text('Always `Bearer`, sometimes with more.'), required: true } },
  429: { 'Retry-After': number('Seconds to wait.') },
  503: { 'Retry-After': number('Seconds to wait.') },
};

export const RESPONSE_HEADERS: Record<string, object> = Object.fromEntries(
  [ALWAYS, LIMITED, ANSWERED, ONCE, NAMED, ...Object.values(BY_STATUS)].flatMap((headers) => Object.entries<object>(headers)),
);

/** Every status that a route can answer with. */
export function responses(route: Route, schemas: SchemaBook): Record<string, object> {
  const errors = errorsByStatus(route);
  const replies = Map.groupBy(route.replies, (reply) => reply.status);
  const statuses = [...new Set([...replies.keys(), ...errors.keys()])].toSorted((a, b) => a - b);
  return Object.fromEntries(
    statuses.map((status) => {
      const [own, codes] = [replies.get(status) ?? [], errors.get(status) ?? []];
      if (own.length === 0) return [status, { $ref: `#/components/responses/${sharedName(route, codes)}` }];
      return [status, response({ route, status, replies: own, codes, schemas })];
    }),
  );
}

function errorsByStatus(route: Route): Map<number, ErrorCode[]> {
  const surface = surfaceOf(route.path);
  return Map.groupBy<number, ErrorCode>(errorCodes(route), (code) => statusOn(surface, code));
}

/** Answers that are nothing but errors are the same on many routes: they stand once, under the name of what they can be. */
function sharedName(route: Route, codes: readonly ErrorCode[]): string {
  const limited = route.limit && codes.includes('RATE_LIMIT_EXCEEDED') ? ['with-limits'] : [];
  const once = isDoneOnce(route) && codes.includes('CONFLICT') ? ['with-keys'] : [];
  const surface = surfaceOf(route.path);
  return [...(surface === 'native' ? [] : [surface]), ...codes, ...limited, ...once].join('.');
}

/** The errors of a route: those that it names, and those that follow from what it is. */
function errorCodes(route: Route): readonly ErrorCode[] {
  const codes = new Set<ErrorCode>(['INVALID_VALUE', ...(route.errors ?? [])]);
  const scope = SCOPES[route.scope];
  // Whom a token belongs to is asked of the database, which may be away; and every key may be one for some routes alone.
  if (scope.anonymous !== 'always') codes.add('UNAUTHORIZED').add('FORBIDDEN').add('SERVICE_UNAVAILABLE');
  if (route.path.includes('{')) codes.add('NOT_FOUND');
  if (isDoneOnce(route)) codes.add('CONFLICT').add('IDEMPOTENCY_KEY_REUSED');
  if (route.limit) codes.add('RATE_LIMIT_EXCEEDED');
  if (route.query && [...queryTypes(route.query).values()].some((type) => type !== 'string')) codes.add('INVALID_TYPE');
  if (route.body) for (const code of ['INVALID_JSON', 'INVALID_TYPE', 'PAYLOAD_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'] as const) codes.add(code);
  if (route.streamed) codes.add('PAYLOAD_TOO_LARGE').add('UNSUPPORTED_MEDIA_TYPE').add('SERVICE_UNAVAILABLE');
  if (route.body && asksForFields(route.body)) codes.add('MISSING_REQUIRED_FIELD');
  return ERROR_CODES.filter((code) => codes.has(code));
}

/** Whether there is a field, at any depth, that must not be left out. */
function asksForFields(body: z.ZodType): boolean {
  return JSON.stringify(z.toJSONSchema(body, { io: 'input', unrepresentable: 'any' })).includes('"required":[');
}

type Parts = {
  readonly route: Route;
  readonly status: number;
  readonly replies: readonly ReplySpec[];
  readonly codes: readonly ErrorCode[];
  readonly schemas: SchemaBook;
};

function response({ route, status, replies, codes, schemas }: Parts): object {
  const content: Record<string, Media> = {};
  for (const reply of replies) if (status !== 204 && status !== 304) content[reply.type] = joined(content[reply.type], replyMedia(reply, schemas));
  if (codes.length > 0) content['application/json'] = joined(content['application/json'], errorMedia(surfaceOf(route.path), status, codes));
  const words = [...replies.map((reply) => reply.description), ...codes.map((code) => ERRORS[code].message)];
  return {
    description: [...new Set(words)].join(' '),
    headers: responseHeaders(route, status, codes),
    ...(Object.keys(content).length === 0 ? {} : { content }),
  };
}

function errorResponse(route: Route, status: number, codes: readonly ErrorCode[]): object {
  return {
    description: codes.map((code) => ERRORS[code].message).join(' '),
    headers: responseHeaders(route, status, codes),
    content: { 'application/json': errorMedia(surfaceOf(route.path), status, codes) },
  };
}

function responseHeaders(route: Route, status: number, codes: readonly ErrorCode[]): Record<string, object> {
  const asksModel = route.errors?.includes('UPSTREAM_REJECTED') === true;
  const names = [
    ...Object.keys(ALWAYS),
    ...(route.limit && (status < 300 || status === 429) ? Object.keys(LIMITED) : []),
    ...(asksModel && status < 300 ? Object.keys(ANSWERED) : []),
    ...(isDoneOnce(route) && status < 300 ? Object.keys(ONCE) : []),
    ...(codes.length > 0 ? Object.keys(BY_STATUS[status] ?? {}) : []),
    ...(codes.length > 0 && surfaceOf(route.path) !== 'native' ? Object.keys(NAMED) : []),
    ...(isDoneOnce(route) && status === 409 ? ['Retry-After'] : []),
  ];
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}

type Media = { readonly schema: JsonObject; readonly [key: string]: unknown };

function joined(before: Media | undefined, next: Media): Media {
  if (!before) return next;
  const branches = [...((before.schema['anyOf'] as readonly JsonObject[] | undefined) ?? [before.schema]), next.schema];
  return { ...before, ...next, schema: { anyOf: branches } };
}

function replyMedia(reply: ReplySpec, schemas: SchemaBook): Media {
  if (reply.type === 'application/json') return { schema: reply.schema ? schemas.output(reply.schema) : {} };
  if (reply.type !== 'text/event-stream') return { schema: { type: 'string' } };
  if (!reply.schema) return { schema: ANY_EVENT };
  return { schema: eventSchema(schemas.output(reply.schema)), example: EXAMPLE_STREAM };
}

/** Before OpenAPI 3.2 the schema of an event stream is taken for that of each event, as it is parsed. */
const ANY_EVENT = { type: 'object', required: ['data'], properties: { event: { type: 'string' }, data: { type: 'string' } } };

function eventSchema(done: JsonObject): JsonObject {
  return {
    anyOf: [
      event('message', 'The next piece of the text.', { data: { type: 'string' }, id: { type: 'string', pattern: String.raw`:\d+$` } }),
      event('done', 'The end; a stream without it was cut off.', { data: jsonText(done) }),
      event('error', 'It broke off.', { data: jsonText(ERROR_REFERENCE) }),
    ],
  };
}

function event(name: string, description: string, parts: { readonly data: JsonObject; readonly id?: JsonObject }): JsonObject {
  return { type: 'object', description, required: ['event', ...Object.keys(parts)], properties: { event: { const: name }, ...parts } };
}

function jsonText(schema: JsonObject): JsonObject {
  return { type: 'string', contentMediaType: 'application/json', contentSchema: schema };
}

function errorMedia(surface: Surface, status: number, codes: readonly ErrorCode[]): Media {
  // The words of another vendor do not tell ours apart: that is what the header is for.
  if (surface !== 'native')
    return { schema: { $ref: `#/components/schemas/${surface === 'openai' ? 'OpenaiError' : 'AnthropicError'}` }, 'x-error-codes': codes };
  const narrowed = { properties: { error: { properties: { code: { enum: codes }, status: { const: status } } } } };
  return {
    schema: { allOf: [ERROR_REFERENCE, narrowed] },
    examples: Object.fromEntries(codes.map((code) => [code, { $ref: `#/components/examples/${code}` }])),
  };
}

type ErrorComponents = {
  readonly schemas: Record<string, JsonObject>;
  readonly responses: Record<string, object>;
  readonly examples: Record<string, object>;
};

export function errorComponents(routes: readonly Route[]): ErrorComponents {
  const shared = new Map<string, object>();
  for (const route of routes) {
    const answered = new Set(route.replies.map((reply) => reply.status));
    for (const [status, codes] of errorsByStatus(route)) {
      if (!answered.has(status)) shared.set(sharedName(route, codes), errorResponse(route, status, codes));
    }
  }
  const used = ERROR_CODES.filter((code) => routes.some((route) => errorCodes(route).includes(code)));
  return {
    schemas: { Error: errorSchema(), ...compatibleErrors(routes) },
    responses: Object.fromEntries([...shared].toSorted(([a], [b]) => (a < b ? -1 : 1))),
    examples: Object.fromEntries(used.map((code) => [code, { summary: code, description: ERRORS[code].hint, value: exampleBody(code) }])),
  };
}

function exampleBody(code: ErrorCode): object {
  return errorBody(new AppError(code, EXAMPLE_PARTS[code] ?? {}), EXAMPLE_REQUEST_ID);
}

function closed(properties: Record<string, JsonObject>): JsonObject {
  return { type: 'object', required: Object.keys(properties), additionalProperties: false, properties };
}

/** In the words of the vendors whose surfaces are served. */
function compatibleErrors(routes: readonly Route[]): Record<string, JsonObject> {
  const served = new Set(routes.map((route) => surfaceOf(route.path)));
  const words = { type: 'string' };
  const maybe = { type: ['string', 'null'] };
  return {
    ...(served.has('openai') ? { OpenaiError: closed({ error: closed({ message: words, type: words, param: maybe, code: maybe }) }) } : {}),
    ...(served.has('anthropic')
      ? { AnthropicError: closed({ type: { const: 'error' }, error: closed({ type: words, message: words }), request_id: words }) }
      : {}),
  };
}

function errorSchema(): JsonObject {
  const properties = {
    code: { type: 'string', enum: ERROR_CODES },
    message: { type: 'string', description: 'For people.' },
    status: { type: 'integer' },
    field: { type: ['string', 'null'], description: 'Which field is wrong, by its path.' },
    details: { type: 'object', additionalProperties: true, description: 'What else there is to say; {} when nothing.' },
    request_id: { type: 'string' },
  };
  const error = { type: 'object', required: Object.keys(properties), additionalProperties: false, properties };
  return { type: 'object', required: ['error'], additionalProperties: false, properties: { error } };
}
