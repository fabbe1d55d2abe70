import { SCOPES, type Scope } from '../contract/policy.ts';
import { createSchemaBook, type Field, type SchemaBook } from './openapi-schemas.ts';
import { errorComponents, RESPONSE_HEADERS, responses } from './openapi-responses.ts';
import { isDoneOnce, KEY_CHARS_MAX, KEY_HEADER } from './idempotency/key.ts';
import type { Route, Tag } from './route.ts';

export type DocumentInfo = {
  readonly title: string;
  readonly version: string;
  /** Where the service is reached; where the document came from when unsaid. */
  readonly serverUrl?: string;
  /** Whether routes whose scope is open to the anonymous `when-allowed` are open now. */
  readonly allowAnonymous?: boolean;
};

const TAGS: Record<Tag, string> = {
  Generate: 'Ask a model, in one piece or as a stream.',
  Tasks: 'Ready-made: summarise, translate, analyse, complete.',
  Templates: 'Prompts with placeholders, parameters and versions.',
  'OpenAI-compatible': 'For clients of OpenAI: point their base URL at `/v1`. Errors come in their words; `X-Error-Code` is our name.',
  'Anthropic-compatible': 'For clients of Anthropic: point their base URL here. Errors come in their words; `X-Error-Code` is our name.',
  Models: 'What can be called, and what it costs.',
  Jobs: 'Many requests that run by themselves, on any provider, and what came of each.',
  Webhooks: 'Who is told when a job is over, and what was delivered.',
  Cache: 'Answers that are kept, and what they saved.',
  Usage: 'What was used, what it cost, and each request.',
  'Sign-in': 'Your own account, tokens and sessions.',
  'API keys': 'What programs sign in with, and how much they may.',
  Users: 'Who may sign in, and how much they may.',
  Projects: 'What owns keys, templates, usage and budgets.',
  Audit: 'Who changed what, when.',
  Health: 'For people, load balancers and monitors.',
  Docs: 'This document.',
};

const DESCRIPTION = `
**Sign-in.** Send \`Authorization: Bearer <token>\`, with a token from \`POST /auth/login\`; *Authorize* at \`/docs\` does both. Programs send an API
key from \`POST /api/v1/keys\`, in the same header or as \`x-api-key\`. Routes without a padlock are open to everybody. \`x-scope\` names who may call
what; \`x-scopes\` is the table.

**Errors** have one form: \`{"error": {"code", "message", "status", "field", "details", "request_id"}}\`. A request with several mistakes
reports the first in \`field\` and all of them in \`details.errors\`. An address that does not exist answers 404, a method that it does not
take 405 with \`Allow\`. The \`X-Request-Id\` of every answer is in the log too. Below \`/v1\` they come in the words of the vendor whose clients ask there, bad
input is a 400, and \`X-Error-Code\` has our own name.

**Once.** A POST that takes an \`Idempotency-Key\` is done once for each key of each caller: for 24 hours the same key with the same body gives the
same answer, byte for byte, with \`Idempotency-Replayed: true\`, at no cost and whatever was restarted meanwhile; streams too, which go on to their
end when their caller leaves. While the first request runs, others are told 409 with \`Retry-After\`; another body under the same key is 422. Kept
is every success, what the provider refused (\`UPSTREAM_REJECTED\`), and a failure that has cost something. Refusals, and failures that cost
nothing, are not: a retry with the same key tries anew.

**Streams.** \`?stream=true\` answers in Server-Sent Events: pieces of text, then \`event: done\` with usage and cost, or \`event: error\`.
With \`Accept: text/plain\` it is the raw text. A stream that ends without \`done\` was cut off. Any streamed request with \`X-Stream-Resume: true\` goes on
when its connection drops: \`GET /api/v1/streams/{id}\`, with the \`X-Stream-Id\` of its answer and the \`Last-Event-ID\` that came last, goes on behind that.
`.trim();

const LOGIN_PATH = '/auth/login';
const SECURITY_SCHEMES = {
  bearer: { type: 'http', scheme: 'bearer', description: `An API key, or the \`access_token\` that \`POST ${LOGIN_PATH}\` answers.` },
  apiKey: { type: 'apiKey', in: 'header', name: 'x-api-key', description: 'An API key.' },
  password: {
    type: 'oauth2',
    description: 'Signs in with user name and password. Leave the client fields empty.',
    flows: { password: { tokenUrl: LOGIN_PATH, scopes: {} } },
  },
};

/** The OpenAPI 3.1 document of these routes, without those that only show it. The same routes give the same document, byte for byte. */
export function openapiDocument(served: readonly Route[], info: DocumentInfo): object {
  const routes = served.filter((route) => route.tag !== 'Docs');
  const schemas = createSchemaBook();
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    const methods = (paths[route.path] ??= {});
    methods[route.method.toLowerCase()] = operation(route, schemas, info.allowAnonymous ?? true);
  }
  const errors = errorComponents(routes);
  const tags = [...new Set(routes.map((route) => route.tag))];
  return {
    openapi: '3.1.0',
    info: {
      title: info.title,
      version: info.version,
      summary: 'The LLM API service that a team runs itself.',
      description: DESCRIPTION,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    ...(info.serverUrl === undefined ? {} : { servers: [{ url: info.serverUrl }] }),
    tags: tags.map((name) => ({ name, description: TAGS[name] })),
    'x-scopes': scopes(routes),
    paths,
    components: {
      schemas: { ...errors.schemas, ...schemas.components() },
      responses: errors.responses,
      examples: errors.examples,
      headers: RESPONSE_HEADERS,
      securitySchemes: routes.some((route) => route.path === LOGIN_PATH)
        ? SECURITY_SCHEMES
        : { bearer: SECURITY_SCHEMES.bearer, apiKey: SECURITY_SCHEMES.apiKey },
    },
  };
}

function operation(route: Route, schemas: SchemaBook, allowAnonymous: boolean): object {
  const parameters = [...pathParameters(route, schemas), ...queryParameters(route, schemas), ...(isDoneOnce(route) ? [KEY_PARAMETER] : [])];
  return {
    operationId: operationId(route),
    tags: [route.tag],
    summary: route.summary,
    ...(route.description === undefined ? {} : { description: route.description }),
    'x-scope': route.scope,
    security: security(route.scope, allowAnonymous),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(route.body || route.streamed ? { requestBody: requestBody(route, schemas) } : {}),
    responses: responses(route, schemas),
  };
}

/** `GET /api/v1/templates/{id}` is getApiV1TemplatesId: a name that generated clients can keep as long as the path stays. */
export function operationId({ method, path }: Pick<Route, 'method' | 'path'>): string {
  const words = path.split(/[^A-Za-z0-9]+/).filter((word) => word !== '');
  const name = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
  return method.toLowerCase() + (name === '' ? 'Root' : name);
}

function security(scope: Scope, allowAnonymous: boolean): readonly object[] {
  const { anonymous, keys } = SCOPES[scope];
  if (anonymous === 'always') return [];
  const signedIn = [{ bearer: [] }, { password: [] }, ...(keys ? [{ apiKey: [] }] : [])];
  return anonymous === 'when-allowed' && allowAnonymous ? [{}, ...signedIn] : signedIn;
}

/** The policy table, as far as these routes need it. */
function scopes(routes: readonly Route[]): Record<string, object> {
  const used = new Set<Scope>(routes.map((route) => route.scope));
  const rows = Object.entries(SCOPES).filter(([scope]) => used.has(scope as Scope));
  return Object.fromEntries(rows.map(([scope, { anonymous, roles, keys, doc }]) => [scope, { anonymous, roles, keys, description: doc }]));
}

function pathParameters(route: Route, schemas: SchemaBook): readonly object[] {
  const names = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
  const properties = route.params ? schemas.fields(route.params) : [];
  return names.map((name) =>
    parameter('path', properties.find((property) => property.name === name) ?? { name, required: true, rest: { schema: { type: 'string' } } }),
  );
}

function queryParameters(route: Route, schemas: SchemaBook): readonly object[] {
  if (!route.query) return [];
  return schemas.fields(route.query).map((field) => parameter('query', field));
}

const KEY_PARAMETER = {
  name: KEY_HEADER,
  in: 'header',
  required: false,
  description: 'Any text of your own for this one request, best a UUID: a retry with it does nothing twice.',
  schema: { type: 'string', minLength: 1, maxLength: KEY_CHARS_MAX, pattern: '^[ -~]*[!-~][ -~]*$' },
};

function parameter(place: 'path' | 'query', { name, required, rest }: Field): object {
  return { name, in: place, required, ...rest };
}

function requestBody(route: Route, schemas: SchemaBook): object {
  const { body, bodyTypes = ['application/json'], streamed, example } = route;
  const media = body && { schema: schemas.input(body), ...(example === undefined ? {} : { example }) };
  const read = media ? bodyTypes.map((type) => [type, media] as const) : [];
  const set = Object.entries(streamed?.types ?? {}).map(([type, schema]) => [type, { schema: schemas.input(schema) }] as const);
  return { required: true, content: Object.fromEntries<object>([...read, ...set]) };
}
