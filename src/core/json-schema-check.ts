import { isLocalReference, isRecord, joinPath, resolveReference } from './json-schema-parts.ts';
import { type Budget, type JsonSchema, PROBLEMS_MAX, STEPS_MAX, validateWithin } from './json-schema.ts';

/** Which schemas people may store: a part of JSON Schema that can be checked in bounded time. */
export type SchemaProblem = { readonly path: string; readonly message: string };

const NODES_MAX = 5_000;
const CHARACTERS_MAX = 200_000;
const NESTING_MAX = 32;
const TYPES = ['object', 'array', 'string', 'number', 'integer', 'boolean', 'null'];

type KeywordCheck = (value: unknown) => string | null;
const anything: KeywordCheck = () => null;
const count: KeywordCheck = (value) => (Number.isSafeInteger(value) && Number(value) >= 0 ? null : 'must be a whole number, 0 or more');
const number: KeywordCheck = (value) => (typeof value === 'number' && Number.isFinite(value) ? null : 'must be a number');
const subschema: KeywordCheck = (value) => (typeof value === 'boolean' || isRecord(value) ? null : 'must be a schema');
const subschemas: KeywordCheck = (value) => (Array.isArray(value) && value.length > 0 ? null : 'must be a list of schemas');
const namedSchemas: KeywordCheck = (value) => (isRecord(value) ? null : 'must be an object of schemas');
const isTypeName = (value: unknown): boolean => typeof value === 'string' && TYPES.includes(value);

const KEYWORDS: Readonly<Record<string, KeywordCheck>> = {
  type: (value) =>
    isTypeName(value) || (Array.isArray(value) && value.length > 0 && value.every(isTypeName)) ? null : `must be one of ${TYPES.join(', ')}, or a list of them`,
  enum: (value) => (Array.isArray(value) && value.length > 0 ? null : 'must be a list of values'),
  required: (value) => (Array.isArray(value) && value.every((name) => typeof name === 'string') ? null : 'must be a list of field names'),
  const: anything,
  properties: namedSchemas,
  $defs: namedSchemas,
  definitions: namedSchemas,
  items: subschema,
  additionalProperties: subschema,
  anyOf: subschemas,
  oneOf: subschemas,
  allOf: subschemas,
  minItems: count,
  maxItems: count,
  minLength: count,
  maxLength: count,
  minimum: number,
  maximum: number,
  exclusiveMinimum: number,
  exclusiveMaximum: number,
  $ref: (value) => (typeof value === 'string' ? null : 'must be text'),
  $schema: anything,
  $id: anything,
  $comment: anything,
  title: anything,
  description: anything,
  default: anything,
  examples: anything,
  format: anything,
  deprecated: anything,
  readOnly: anything,
  writeOnly: anything,
};
const COMBINATIONS = ['allOf', 'anyOf', 'oneOf'];
const LIMITS = [
  ['minItems', 'maxItems'],
  ['minLength', 'maxLength'],
  ['minimum', 'maximum'],
] as const;

/** Why a schema cannot be stored; nothing when it can. */
export function checkSchema(schema: unknown): SchemaProblem[] {
  if (!isRecord(schema)) return [{ path: '', message: 'a schema must be an object' }];
  if (!isSmall(schema))
    return [{ path: '', message: `the schema is too large: at most ${NODES_MAX} values, ${CHARACTERS_MAX} characters and ${NESTING_MAX} nested schemas` }];
  const problems: SchemaProblem[] = [];
  checkSubschema({ root: schema, budget: { stepsLeft: STEPS_MAX }, problems }, schema, '');
  if (problems.length === 0 && refersToItself(schema))
    problems.push({ path: '', message: 'a $ref leads back to itself without going into a field or an item' });
  return problems;
}

type Check = { readonly root: JsonSchema; readonly budget: Budget; readonly problems: SchemaProblem[] };

function checkSubschema(check: Check, schema: unknown, path: string): void {
  if (!isRecord(schema)) {
    if (typeof schema !== 'boolean') check.problems.push({ path, message: 'must be a schema' });
    return;
  }
  const before = check.problems.length;
  for (const [keyword, value] of Object.entries(schema)) {
    if (check.problems.length >= PROBLEMS_MAX) return;
    const message = Object.hasOwn(KEYWORDS, keyword) ? KEYWORDS[keyword]?.(value) : unsupported(keyword);
    if (message) check.problems.push({ path: joinPath(path, keyword), message });
  }
  if (check.problems.length > before) return;
  checkTogether(check, schema, path);
  for (const [step, part] of partsOf(schema)) checkSubschema(check, part, joinPath(path, step));
  if (check.problems.length > before || !Object.hasOwn(schema, 'default')) return;
  const run = { root: check.root, budget: check.budget, problems: [] };
  for (const problem of validateWithin(run, schema, schema['default'], '').slice(0, 1)) {
    check.problems.push({ path: joinPath(path, 'default'), message: `does not fit its own schema: ${problem.message}` });
  }
}

function checkTogether(check: Check, schema: JsonSchema, path: string): void {
  const reference = schema['$ref'];
  if (typeof reference === 'string' && !isLocalReference(check.root, reference)) {
    check.problems.push({ path: joinPath(path, '$ref'), message: 'must be # or name a schema of this document as #/$defs/name' });
  }
  for (const [low, high] of LIMITS) {
    if (Number(schema[low]) > Number(schema[high])) check.problems.push({ path: joinPath(path, low), message: `must not be more than ${high}` });
  }
}

function unsupported(keyword: string): string {
  if (keyword !== 'pattern' && keyword !== 'patternProperties') return 'is not a keyword that is supported here';
  return 'is not supported, because matching a regular expression can hang the service: use enum, minLength and maxLength instead';
}

function partsOf(schema: JsonSchema): [string, unknown][] {
  const named = ['properties', '$defs', 'definitions'].flatMap((keyword) => {
    const group = schema[keyword];
    return isRecord(group) ? Object.entries(group).map(([name, part]): [string, unknown] => [`${keyword}.${name}`, part]) : [];
  });
  const single = ['items', 'additionalProperties']
    .filter((keyword) => Object.hasOwn(schema, keyword))
    .map((keyword): [string, unknown] => [keyword, schema[keyword]]);
  const combined = COMBINATIONS.flatMap((keyword) => listIn(schema[keyword]).map((part, index): [string, unknown] => [`${keyword}[${index}]`, part]));
  return [...named, ...single, ...combined];
}

function listIn(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Measured before anything else reads the schema, so that all that follows may recurse. */
function isSmall(schema: unknown): boolean {
  let nodes = 0;
  let characters = 0;
  let level: unknown[] = [schema];
  for (let depth = 0; level.length > 0; depth += 1) {
    const next: unknown[] = [];
    for (const value of level) {
      nodes += 1;
      if (typeof value === 'string') characters += value.length;
      if (nodes > NODES_MAX || characters > CHARACTERS_MAX || depth > 2 * NESTING_MAX) return false;
      if (typeof value !== 'object' || value === null) continue;
      for (const [name, inner] of Object.entries(value)) {
        characters += name.length;
        next.push(inner);
      }
    }
    level = next;
  }
  return true;
}

/** A reference that comes back to where it was without consuming a part of the value could never be decided. */
function refersToItself(root: JsonSchema): boolean {
  const states = new Map<JsonSchema, 'open' | 'done'>();
  const comesBack = (schema: unknown): boolean => {
    if (!isRecord(schema) || states.get(schema) === 'done') return false;
    if (states.get(schema) === 'open') return true;
    states.set(schema, 'open');
    const reference = schema['$ref'];
    const target = typeof reference === 'string' ? [resolveReference(root, reference)] : [];
    const found = [...target, ...COMBINATIONS.flatMap((keyword) => listIn(schema[keyword]))].some(comesBack);
    states.set(schema, 'done');
    return found;
  };
  const anywhere = (schema: unknown): boolean => comesBack(schema) || (isRecord(schema) && partsOf(schema).some(([, part]) => anywhere(part)));
  return anywhere(root);
}
