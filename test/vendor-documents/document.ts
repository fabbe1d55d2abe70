import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';

/** An OpenAPI document of a vendor, by which a body is judged. */
export type VendorDocument = {
  /** What in the value does not fit the schema at that place of the document, `#/…`; of a union, the member that has the value's `type`. */
  readonly faults: (schema: string, value: unknown) => readonly string[];
};

/** Where a document forbids what its vendor sends: there, this is allowed as well. */
export type Exception = {
  readonly document: DocumentName;
  /** A place in the document, `components/schemas/…`. */
  readonly at: string;
  /** Another schema beside the one there, or one more member of the union there. */
  readonly allows: { readonly also: JsonObject } | { readonly member: JsonObject };
  readonly why: string;
};

export type DocumentName = 'openai' | 'open-responses' | 'anthropic';
export type JsonObject = { readonly [name: string]: unknown };
type Changeable = { [name: string]: unknown };

const FAULTS_MAX = 6;

export function vendorDocument(text: string, exceptions: readonly Exception[]): VendorDocument {
  const spec = JSON.parse(text) as Changeable;
  for (const exception of exceptions) amend(spec, exception);
  const document = withNull(spec) as JsonObject;
  const ajv = new Ajv2020({ strict: false, validateSchema: false, validateFormats: false, allErrors: true, logger: false });
  ajv.addSchema(document, 'document');
  const judges = new Map<string, ReturnType<typeof ajv.compile>>();
  const judgeOf = (schema: string): ReturnType<typeof ajv.compile> => {
    const known = judges.get(schema) ?? ajv.compile({ $ref: `document${schema}` });
    judges.set(schema, known);
    return known;
  };
  return {
    faults(schema, value) {
      const chosen = memberFor(document, schema, value);
      if (chosen === null) return [`${schema} has no member for ${JSON.stringify(typeOf(value))}`];
      const judge = judgeOf(chosen);
      return judge(value) ? [] : (judge.errors ?? []).slice(0, FAULTS_MAX).map((error) => described(chosen, error));
    },
  };
}

function described(schema: string, { instancePath, message, params }: ErrorObject): string {
  return `${schema.split('/').at(-1)}${instancePath}: ${message} ${JSON.stringify(params)}`;
}

/** A union of events is left for the one event: what does not fit is then told of that, and not of all the others too. */
function memberFor(document: JsonObject, schema: string, value: unknown): string | null {
  const union = found(document, schema);
  const key = 'anyOf' in union ? 'anyOf' : 'oneOf';
  const members = (union[key] ?? []) as readonly { readonly $ref?: string }[];
  const places = members.map(({ $ref }, index) => $ref ?? `${schema}/${key}/${index}`);
  const types = places.map((place) => typesOf(found(document, place)));
  if (types.length === 0 || types.some((each) => each.length === 0)) return schema;
  return places[types.findIndex((each) => each.includes(typeOf(value)))] ?? null;
}

function typesOf({ properties }: JsonObject): readonly unknown[] {
  const type = isObject(properties) && isObject(properties['type']) ? properties['type'] : {};
  if (Array.isArray(type['enum'])) return type['enum'];
  return 'const' in type ? [type['const']] : [];
}

function typeOf(value: unknown): unknown {
  return isObject(value) ? value['type'] : undefined;
}

function amend(spec: Changeable, { at, allows }: Exception): void {
  const parent: Changeable = found(spec, `#/${at.slice(0, at.lastIndexOf('/'))}`);
  const name = at.slice(at.lastIndexOf('/') + 1);
  const schema = parent[name] as JsonObject;
  if ('also' in allows) parent[name] = { anyOf: [schema, allows.also] };
  else parent[name] = { ...schema, oneOf: [...(schema['oneOf'] as readonly JsonObject[]), allows.member] };
}

function found(document: JsonObject, pointer: string): JsonObject {
  let place: unknown = document;
  for (const part of pointer.split('/').slice(1)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
    place = Array.isArray(place) ? place[Number(name)] : isObject(place) && place[name];
  }
  if (!isObject(place)) throw new Error(`There is no ${pointer} in the document`);
  return place;
}

/** OpenAPI 3.0 says `nullable` where JSON Schema has the type null; its authors write it beside a `$ref` too, and mean it. */
function withNull(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(withNull);
  if (!isObject(part)) return part;
  const { nullable, ...rest } = part;
  const inner = Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, withNull(value)]));
  return nullable === true ? { anyOf: [inner, { type: 'null' }] } : inner;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
