import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';

export type JsonObject = { readonly [keyword: string]: unknown };

export type Field = {
  readonly name: string;
  readonly required: boolean;
  readonly rest: { readonly description?: string; readonly example?: unknown; readonly schema: JsonObject };
};

/** Zod schemas as OpenAPI writes them: what has an id stands once among the components and is referred to. */
export type SchemaBook = {
  readonly input: (schema: z.ZodType) => JsonObject;
  readonly output: (schema: z.ZodType) => JsonObject;
  /** The properties of an object schema, one parameter each. */
  readonly fields: (schema: z.ZodType) => readonly Field[];
  readonly components: () => Record<string, JsonObject>;
};

const DEFINITIONS = '#/$defs/';
const COMPONENTS = '#/components/schemas/';

export function createSchemaBook(): SchemaBook {
  const known = new Map<string, JsonObject>();

  const convert = (schema: z.ZodType, io: 'input' | 'output'): JsonObject => {
    const {
      $schema: _,
      $defs: definitions = {},
      ...own
    } = z.toJSONSchema(schema, { io, unrepresentable: 'any', override: (context) => plain(context.jsonSchema) }) as JsonObject;
    for (const [id, definition] of Object.entries(definitions as Record<string, JsonObject>)) remember(id, withComponents(definition) as JsonObject);
    return withComponents(own) as JsonObject;
  };

  const remember = (id: string, definition: JsonObject): void => {
    const before = known.get(id);
    if (before && !isDeepStrictEqual(before, definition)) throw new Error(`Two schemas have the id ${id}; in a document each needs one of its own`);
    known.set(id, definition);
  };

  return {
    input: (schema) => convert(schema, 'input'),
    output: (schema) => convert(schema, 'output'),
    fields(schema) {
      const json = convert(schema, 'input');
      const reference = json['$ref'];
      const object = typeof reference === 'string' ? (known.get(reference.slice(COMPONENTS.length)) ?? {}) : json;
      const required = (object['required'] ?? []) as readonly string[];
      const properties = Object.entries((object['properties'] ?? {}) as Record<string, JsonObject>);
      return properties.map(([name, property]) => ({ name, required: required.includes(name), rest: asParameter(property) }));
    },
    components: () => Object.fromEntries([...known].toSorted(([a], [b]) => (a < b ? -1 : 1))),
  };
}

/** Pages show what a parameter says of itself, and not what its schema does. */
function asParameter({ description, examples, ...schema }: JsonObject): Field['rest'] {
  return {
    ...(typeof description === 'string' ? { description } : {}),
    ...(Array.isArray(examples) ? { example: examples[0] as unknown } : {}),
    schema,
  };
}

/** What Zod adds for machines that do not know formats, and the largest number that JavaScript counts exactly, say nothing to a reader. */
function plain(json: Record<string, unknown>): void {
  if (json['format'] === 'date-time' || json['format'] === 'date') delete json['pattern'];
  if (json['maximum'] === Number.MAX_SAFE_INTEGER) delete json['maximum'];
  if (json['minimum'] === Number.MIN_SAFE_INTEGER) delete json['minimum'];
}

function withComponents(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withComponents);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      key === '$ref' && typeof inner === 'string' ? inner.replace(DEFINITIONS, COMPONENTS) : withComponents(inner),
    ]),
  );
}
