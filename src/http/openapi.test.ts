import { describe, expect, test } from 'bun:test';
import { z } from 'zod';
import { openapiDocument, operationId } from './openapi.ts';
import { type Route, route } from './route.ts';

const Part = z.strictObject({ size: z.int().min(0) }).meta({ id: 'Part' });
const Thing = z.strictObject({ id: z.string(), part: Part, others: z.array(Part), at: z.iso.datetime(), note: z.string().default('-') }).meta({ id: 'Thing' });

type Document = {
  readonly 'x-scopes': Record<string, object>;
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: Record<'schemas' | 'responses' | 'examples' | 'headers' | 'securitySchemes', Record<string, unknown>>;
  readonly tags: readonly { readonly name: string }[];
};
type Operation = {
  readonly operationId: string;
  readonly 'x-scope': string;
  readonly security: readonly object[];
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required: boolean;
    readonly example?: unknown;
    readonly schema: object;
  }[];
  readonly requestBody?: { readonly content: Record<string, { readonly schema: object }> };
  readonly responses: Record<string, { readonly $ref?: string; readonly content?: Record<string, { readonly schema: object }>; readonly headers?: object }>;
};

function thing(parts: Partial<Route> = {}): Route {
  return route({
    method: 'GET',
    path: '/things',
    summary: 'Things',
    tag: 'Models',
    scope: 'public',
    replies: [{ status: 200, description: 'Them.', type: 'application/json', schema: Thing }],
    handle: () => ({ json: null }),
    ...parts,
  });
}

function documentOf(...routes: readonly Route[]): Document {
  return openapiDocument(routes, { title: 'T', version: '1' }) as Document;
}
function operationOf(made: Route): Operation {
  const found = documentOf(made).paths[made.path]?.[made.method.toLowerCase()];
  if (!found) throw new Error(`${made.path} is not in the document`);
  return found;
}
const statusesOf = (made: Route): readonly string[] => Object.keys(operationOf(made).responses);

const codesFor = (body: z.ZodType): string => operationOf(thing({ method: 'POST', body })).responses['422']?.$ref ?? '';

function referencesIn(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => (key === '$ref' ? [String(inner)] : referencesIn(inner)));
}
function resolve(document: unknown, reference: string): unknown {
  let found = document;
  for (const step of reference.slice(2).split('/')) found = (found as Record<string, unknown>)[step];
  return found;
}

describe('the OpenAPI document', () => {
  const body = z.strictObject({ name: z.string(), part: Part.optional() }).meta({ id: 'NewThing' });
  const all = documentOf(
    thing(),
    thing({ method: 'POST', body, scope: 'tasks', errors: ['UPSTREAM_REJECTED', 'SERVICE_UNAVAILABLE'], limit: 'rateLimitGenerate' }),
    thing({ path: '/things/{id}', scope: 'cache:write' }),
  );

  test('refers to nothing that is not in it', () => {
    const references = referencesIn(all);
    expect(references.length).toBeGreaterThan(20);
    expect(references.filter((reference) => resolve(all, reference) === undefined)).toEqual([]);
  });
  test('has each named schema once, among the components', () => {
    expect(Object.keys(all.components.schemas)).toEqual(['Error', 'NewThing', 'Part', 'Thing']);
    expect(all.paths['/things']?.['get']?.responses['200']?.content?.['application/json']?.schema).toEqual({ $ref: '#/components/schemas/Thing' });
  });
  test('has the policy table, as far as its routes need it', () => {
    expect(Object.keys(all['x-scopes'])).toEqual(['public', 'tasks', 'cache:write']);
    expect(all['x-scopes']['tasks']).toMatchObject({ anonymous: 'never', roles: ['admin', 'member'], keys: true });
  });
  test('is the same each time', () => {
    expect(JSON.stringify(documentOf(thing(), thing({ path: '/b' })))).toBe(JSON.stringify(documentOf(thing(), thing({ path: '/b' }))));
  });
  test('leaves out the routes that only show it', () => {
    expect(Object.keys(documentOf(thing(), thing({ path: '/docs', tag: 'Docs' })).paths)).toEqual(['/things']);
  });
  test('refuses one id for two schemas', () => {
    const other = z.strictObject({ other: z.string() }).meta({ id: 'Thing' });
    expect(() => documentOf(thing(), thing({ path: '/b', replies: [{ status: 200, description: 'b', type: 'application/json', schema: other }] }))).toThrow(
      'Two schemas have the id Thing',
    );
  });
  test('says that a default is always in an answer, and need not be in a request', () => {
    const schema = z.strictObject({ note: z.string().default('-') });
    const both = operationOf(thing({ method: 'POST', body: schema, replies: [{ status: 200, description: '.', type: 'application/json', schema }] }));
    expect(both.responses['200']?.content?.['application/json']?.schema).toHaveProperty('required', ['note']);
    expect(both.requestBody?.content['application/json']?.schema).not.toHaveProperty('required');
  });
});

describe('the statuses of a route', () => {
  test('without anything are its reply and a query that it does not know', () => expect(statusesOf(thing())).toEqual(['200', '422']));
  test('with a body are those of bodies too', () => {
    expect(statusesOf(thing({ method: 'POST', body: z.strictObject({}) }))).toEqual(['200', '413', '415', '422']);
  });
  test('that needs a sign-in have 401, 403, and 503 for when it cannot be checked', () => {
    expect(statusesOf(thing({ scope: 'cache:read' }))).toEqual(['200', '401', '403', '422', '503']);
    expect(statusesOf(thing({ scope: 'cache:write' }))).toEqual(['200', '401', '403', '422', '503']);
  });
  test('with a path parameter have 404', () => expect(statusesOf(thing({ path: '/things/{id}' }))).toContain('404'));
  test('with a query have INVALID_TYPE where a word of it is more than text', () => {
    const name = z.string();
    expect(operationOf(thing({ query: z.strictObject({ name }) })).responses['422']?.$ref).toEndWith('/INVALID_VALUE');
    expect(operationOf(thing({ query: z.strictObject({ name, limit: z.int().optional() }) })).responses['422']?.$ref).toEndWith('/INVALID_TYPE.INVALID_VALUE');
  });
  test('with a limit have 429', () => expect(statusesOf(thing({ limit: 'rateLimitHealth' }))).toContain('429'));
  test('keep a reply and an error of one status apart', () => {
    const reply = { status: 503, description: 'Starting.', type: 'application/json', schema: Part } as const;
    const schema = operationOf(thing({ replies: [reply], errors: ['SERVICE_UNAVAILABLE'] })).responses['503']?.content?.['application/json']?.schema;
    expect(schema).toMatchObject({ anyOf: [{ $ref: '#/components/schemas/Part' }, { allOf: [{ $ref: '#/components/schemas/Error' }, {}] }] });
  });
  test('have no content where there is none', () => {
    const gone = operationOf(thing({ method: 'DELETE', replies: [{ status: 204, description: 'Gone.', type: 'text/plain' }] })).responses['204'];
    expect(gone).not.toHaveProperty('content');
  });
});

describe('an operation', () => {
  test('takes an Idempotency-Key where it is a POST that creates or spends, and nowhere else', () => {
    const [once, looking, signingIn, deleting] = [
      thing({ method: 'POST', scope: 'templates:write' }),
      thing({ method: 'POST', scope: 'templates:read' }),
      thing({ method: 'POST', scope: 'public' }),
      thing({ method: 'DELETE', scope: 'templates:write', errors: ['CONFLICT'] }),
    ].map(operationOf);
    expect(once?.parameters).toMatchObject([{ name: 'Idempotency-Key', in: 'header', required: false }]);
    expect(once?.responses['409']?.$ref).toEndWith('/CONFLICT.with-keys');
    expect(once?.responses['422']?.$ref).toEndWith('/INVALID_VALUE.IDEMPOTENCY_KEY_REUSED');
    expect(Object.keys(once?.responses['200']?.headers ?? {})).toContain('Idempotency-Replayed');
    for (const other of [looking, signingIn, deleting]) expect(other?.parameters).toBeUndefined();
    expect(deleting?.responses['409']?.$ref).toEndWith('/CONFLICT');
  });

  test('has a name that follows from method and path', () => {
    expect(operationId({ method: 'GET', path: '/api/v1/templates/{id}/diff' })).toBe('getApiV1TemplatesIdDiff');
    expect(operationId({ method: 'POST', path: '/api/generate-intro' })).toBe('postApiGenerateIntro');
    expect(operationId({ method: 'GET', path: '/' })).toBe('getRoot');
  });
  test('lists its parameters, also of a query whose schema has an id', () => {
    const query = z.strictObject({ limit: z.int().max(100).optional().describe('How many.'), name: z.string() }).meta({ id: 'ThingQuery' });
    const { parameters = [] } = operationOf(thing({ path: '/things/{id}', query }));
    expect(parameters.map(({ name, in: place, required }) => `${place} ${name} ${required}`)).toEqual(['path id true', 'query limit false', 'query name true']);
  });
  test('shows an example of a parameter', () => {
    const query = z.strictObject({ name: z.string().meta({ examples: ['sluice'] }) });
    expect(operationOf(thing({ query })).parameters).toEqual([{ name: 'name', in: 'query', required: true, example: 'sluice', schema: { type: 'string' } }]);
  });
  test('says who may call it', () => {
    const signedIn = [{ bearer: [] }, { password: [] }, { apiKey: [] }];
    expect(operationOf(thing()).security).toEqual([]);
    expect(operationOf(thing({ scope: 'tasks' })).security).toEqual(signedIn);
    expect(operationOf(thing({ scope: 'generate' })).security).toEqual([{}, ...signedIn]);
    expect(operationOf(thing({ scope: 'self' })).security).toEqual([{ bearer: [] }, { password: [] }]);
    expect(operationOf(thing({ scope: 'self' }))['x-scope']).toBe('self');
    const closed = openapiDocument([thing({ scope: 'generate' })], { title: 'T', version: '1', allowAnonymous: false }) as Document;
    expect(closed.paths['/things']?.['get']?.security).toEqual(signedIn);
  });
  test('promises MISSING_REQUIRED_FIELD only where a field must not be left out, at any depth', () => {
    const optional = z.strictObject({ name: z.string().optional() });
    expect(codesFor(optional)).not.toContain('MISSING_REQUIRED_FIELD');
    expect(codesFor(z.strictObject({ name: z.string() }))).toContain('MISSING_REQUIRED_FIELD');
    expect(codesFor(optional.extend({ part: z.strictObject({ size: z.int() }).optional() }))).toContain('MISSING_REQUIRED_FIELD');
  });
  test('names the headers of a model answer only where a model answers', () => {
    expect(operationOf(thing()).responses['200']?.headers).not.toHaveProperty('X-Model');
    expect(operationOf(thing({ errors: ['UPSTREAM_REJECTED'] })).responses['200']?.headers).toHaveProperty('X-Model');
  });
});
