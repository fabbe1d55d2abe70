import { branches, schemaChecker, type Schema } from './shape.ts';

/** /openapi.json as a list of promises: what each route may answer, in what form, and what a request to it looks like. */
export type Promises = {
  readonly operations: readonly Operation[];
  /** `POST /generate 422 INVALID_JSON`, `GET /health 200 application/json`, `POST /auth/logout 204`. */
  readonly declared: ReadonlySet<string>;
  /** What is wrong with an answer: not declared, or not of the form that is. */
  readonly faults: (route: string, answer: Answer) => readonly string[];
};

export type Operation = {
  readonly route: string;
  readonly method: string;
  /** With parameters in braces. */
  readonly path: string;
  /** What the document shows for them. */
  readonly pathExamples: Readonly<Record<string, string>>;
  readonly query: readonly { readonly name: string; readonly type: string }[];
  /** The body that the document shows; undefined where there is none. */
  readonly body: object | undefined;
  /** Whether a caller may be nobody: always, where the service allows it, or never. */
  readonly anonymous: 'always' | 'when-allowed' | 'never';
  /** Who of those who signed in may call it. */
  readonly roles: readonly string[];
  /** Whether its body has fields that must not be left out. */
  readonly needsFields: boolean;
  /** Whether it is limited by address. */
  readonly limited: boolean;
  /** Whether it heeds an Idempotency-Key. */
  readonly takesKeys: boolean;
  readonly declares: (outcome: string) => boolean;
};

export type Answer = { readonly status: number; readonly headers: Headers; readonly text: string };

type Media = { readonly schema?: Schema; readonly example?: object; readonly 'x-error-codes'?: readonly string[] };
type Response = { readonly $ref?: string; readonly content?: Record<string, Media>; readonly headers?: Record<string, { readonly $ref: string }> };
type Parameter = { readonly name: string; readonly in: string; readonly example?: string; readonly schema: { readonly type?: string } };
type RawOperation = {
  readonly 'x-scope': string;
  readonly security: readonly object[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Record<string, Media> };
  readonly responses: Record<string, Response>;
};
type Document = {
  readonly 'x-scopes': Record<string, { readonly roles: readonly string[] }>;
  readonly paths: Record<string, Record<string, RawOperation>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, Schema>>;
    readonly responses: Record<string, Response>;
    readonly headers: Record<string, { readonly required?: boolean }>;
  };
};

export function readPromises(document: Document): Promises {
  const raw = new Map<string, RawOperation>(
    Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, one]) => [`${method.toUpperCase()} ${path}`, one] as const),
    ),
  );
  const responseOf = ({ $ref, ...inline }: Response): Response =>
    $ref === undefined ? inline : (document.components.responses[$ref.slice('#/components/responses/'.length)] ?? {});
  const outcomes = new Map([...raw].map(([route, one]) => [route, outcomesOf(one, responseOf)]));
  const fits = schemaChecker(document.components.schemas);
  const required = (headers: Response['headers']): string[] =>
    Object.keys(headers ?? {}).filter((name) => document.components.headers[name]?.required === true);

  return {
    operations: [...raw].map(([route, one]) => operation(route, one, { document, outcomes: outcomes.get(route) ?? new Set(), responseOf })),
    declared: new Set([...outcomes].flatMap(([route, each]) => [...each].map((outcome) => `${route} ${outcome}`))),
    faults(route, answer) {
      const outcome = outcomeOf(answer);
      if (outcomes.get(route)?.has(outcome) !== true) return [`${route} ${outcome} is not declared`];
      const declared = responseOf(raw.get(route)?.responses[answer.status] ?? {});
      const faults = required(declared.headers)
        .filter((name) => !answer.headers.has(name))
        .map((name) => `has no ${name}`);
      const type = mediaType(answer);
      if (type !== '') faults.push(...fits(declared.content?.[type]?.schema ?? {}, type, answer.text));
      const error = errorOf(answer);
      if (error?.status !== undefined && (error.status !== answer.status || error.request_id !== answer.headers.get('x-request-id')))
        faults.push('is not what its head says');
      if (answer.status === 429 && !(Number(answer.headers.get('retry-after')) > 0)) faults.push('has no Retry-After');
      return faults.map((fault) => `${route} ${outcome} ${fault}`);
    },
  };
}

/** The status, and the code of an error, or the type of what is none. */
export function outcomeOf(answer: Answer): string {
  // On the surfaces of other vendors a header says it, since their words do not tell all of ours apart.
  return `${answer.status} ${answer.headers.get('x-error-code') ?? errorOf(answer)?.code ?? mediaType(answer)}`.trimEnd();
}

type Failed = { readonly error?: { readonly code: string; readonly status?: number; readonly request_id: string } };

function errorOf(answer: Answer): Failed['error'] {
  return mediaType(answer) === 'application/json' ? (JSON.parse(answer.text) as Failed).error : undefined;
}

function mediaType({ headers, text }: Answer): string {
  return text === '' ? '' : (headers.get('content-type')?.split(';')[0] ?? 'no type');
}

function outcomesOf(one: RawOperation, responseOf: (response: Response) => Response): ReadonlySet<string> {
  const outcomes = new Set<string>();
  for (const [status, response] of Object.entries(one.responses)) {
    const content = Object.entries(responseOf(response).content ?? {});
    if (content.length === 0) outcomes.add(status);
    for (const [type, { schema = {}, 'x-error-codes': named }] of content) {
      for (const code of named ?? []) outcomes.add(`${status} ${code}`);
      if (named) continue;
      for (const branch of type === 'application/json' ? branches(schema) : [schema]) {
        for (const what of errorCodes(branch) ?? [type]) outcomes.add(`${status} ${what}`);
      }
    }
  }
  return outcomes;
}

/** The codes of a schema that narrows the error; undefined for any other. */
function errorCodes({ allOf }: { readonly allOf?: readonly Narrowed[] }): readonly string[] | undefined {
  return allOf?.[1]?.properties?.error?.properties.code.enum;
}

type Narrowed = { readonly properties?: { readonly error?: { readonly properties: { readonly code: { readonly enum: readonly string[] } } } } };

type Known = { readonly document: Document; readonly outcomes: ReadonlySet<string>; readonly responseOf: (response: Response) => Response };

function operation(route: string, one: RawOperation, known: Known): Operation {
  const [method = '', path = ''] = route.split(' ');
  const parameters = one.parameters ?? [];
  // A body that is streamed has no example that a document could show.
  const body = one.requestBody?.content['application/json'];
  if (body && !body.example) throw new Error(`${route} takes a body and shows no example of one`);
  return {
    route,
    method,
    path,
    pathExamples: Object.fromEntries(parameters.filter((each) => each.in === 'path').map(({ name, example }) => [name, example ?? 'x'])),
    query: parameters.filter((each) => each.in === 'query').map(({ name, schema }) => ({ name, type: schema.type ?? '' })),
    body: body?.example,
    anonymous: one.security.length === 0 ? 'always' : one.security.some((each) => Object.keys(each).length === 0) ? 'when-allowed' : 'never',
    roles: known.document['x-scopes'][one['x-scope']]?.roles ?? [],
    needsFields: needsFields(body?.schema ?? {}, known.document),
    limited: 'RateLimit' in (known.responseOf(one.responses['429'] ?? {}).headers ?? {}),
    takesKeys: parameters.some((each) => each.in === 'header' && each.name === 'Idempotency-Key'),
    declares: (outcome) => known.outcomes.has(outcome),
  };
}

function needsFields({ $ref, required }: Schema, document: Document): boolean {
  const schema = typeof $ref === 'string' ? document.components.schemas[$ref.slice('#/components/schemas/'.length)] : { required };
  return Array.isArray(schema?.['required']) && schema['required'].length > 0;
}
