import { z } from 'zod';
import { AppError, type ErrorCode } from '../contract/errors.ts';

/** Checks a value by its schema, and turns what is wrong into the errors of the contract: all of them, missing before wrong, in documented order. */
export type Checker = (value: unknown) => unknown;

type Mistake = { readonly field: string | null; readonly code: ErrorCode; readonly message: string; readonly details: Record<string, unknown> };
type Issue = z.core.$ZodIssue;
type JsonSchema = { readonly [keyword: string]: unknown };

const MISTAKES_MAX = 100;

export function checker(schema: z.ZodType, what: 'body' | 'query' | 'params'): Checker {
  const json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', override: () => undefined }) as JsonSchema;
  // A schema with a name of its own stands under $defs, and the root only refers to it.
  const order = Object.keys(resolveReference(json, json)['properties'] ?? {});
  return (value) => {
    const result = schema.safeParse(value);
    if (result.success) return result.data;
    // Asked again only now, because keeping the received values costs on every call and is needed on few.
    const issues = schema.safeParse(value, { reportInput: true }).error?.issues ?? [];
    throw refusal(
      issues.flatMap((issue) => mistakesOf(issue, json, what)),
      order,
    );
  };
}

function refusal(mistakes: readonly Mistake[], order: readonly string[]): AppError {
  const place = (mistake: Mistake): number => {
    const index = order.indexOf(mistake.field?.split(/[.[]/, 1)[0] ?? '');
    return index < 0 ? order.length : index;
  };
  const missingFirst = (mistake: Mistake): number => (mistake.code === 'MISSING_REQUIRED_FIELD' ? 0 : 1);
  const sorted = mistakes.toSorted((a, b) => missingFirst(a) - missingFirst(b) || place(a) - place(b)).slice(0, MISTAKES_MAX);
  const [first] = sorted;
  if (!first) return new AppError('INVALID_VALUE');
  return new AppError(first.code, {
    message: first.message,
    ...(first.field === null ? {} : { field: first.field }),
    details: { ...first.details, errors: sorted.map(({ field, code, message }) => ({ field, code, message })) },
  });
}

function mistakesOf(issue: Issue, json: JsonSchema, what: string): Mistake[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const field = fieldPath([...issue.path, key]);
      const allowed = Object.keys(schemaAt(json, issue.path)['properties'] ?? {});
      return { field, code: 'INVALID_VALUE', message: `${field} is not a field of this ${what === 'query' ? 'query' : 'request'}`, details: { allowed } };
    });
  }
  const branch = issue.code === 'invalid_union' ? nearestBranch(issue) : undefined;
  if (branch) return branch.flatMap((inner) => mistakesOf({ ...inner, path: [...issue.path, ...inner.path] }, json, what));
  return [mistakeOf(issue, json)];
}

/** A union fails in every branch; the one that got past the type is the one that was meant. */
function nearestBranch(issue: Extract<Issue, { code: 'invalid_union' }>): readonly Issue[] | undefined {
  if (issue.input === undefined) return undefined;
  return issue.errors.find((errors) => errors.length > 0 && !errors.some((inner) => inner.code === 'invalid_type' && inner.path.length === 0));
}

function mistakeOf(issue: Issue, json: JsonSchema): Mistake {
  const field = issue.path.length === 0 ? null : fieldPath(issue.path);
  const name = field ?? 'The body';
  const schema = schemaAt(json, issue.path);
  if (issue.input === undefined && field !== null && isAbsence(issue)) {
    return { field, code: 'MISSING_REQUIRED_FIELD', message: `${name} is required`, details: {} };
  }
  const received = shown(issue.input);
  if (isTypeMistake(issue, schema)) {
    const expected = typeWords(schema, issue);
    return { field, code: 'INVALID_TYPE', message: `${name} must be ${expected}`, details: { expected, received: typeOf(issue.input) } };
  }
  const bounds = boundsOf(schema);
  if (issue.code === 'invalid_value') {
    return {
      field,
      code: 'INVALID_VALUE',
      message: `${name} must be one of ${issue.values.map(String).join(', ')}`,
      details: { allowed: issue.values, received },
    };
  }
  if ((issue.code === 'too_small' || issue.code === 'too_big') && bounds) {
    return { field, code: 'INVALID_VALUE', message: `${name} ${bounds.words}`, details: { ...bounds.details, received: bounds.measure(issue.input) } };
  }
  const words = issue.message.startsWith('must ') ? issue.message : `is not valid: ${issue.message}`;
  return { field, code: 'INVALID_VALUE', message: `${name} ${words}`, details: { received } };
}

function isAbsence(issue: Issue): boolean {
  return issue.code === 'invalid_type' || issue.code === 'invalid_value' || issue.code === 'invalid_union';
}

function isTypeMistake(issue: Issue, schema: JsonSchema): boolean {
  if (issue.code === 'invalid_type' || issue.code === 'invalid_union') return true;
  if (issue.code !== 'invalid_value') return false;
  const allowed = (schema['enum'] ?? issue.values) as readonly unknown[];
  return !allowed.some((value) => typeof value === typeof issue.input);
}

type Bounds = { readonly words: string; readonly details: Record<string, unknown>; readonly measure: (input: unknown) => unknown };

const BOUNDS = [
  { min: 'minimum', max: 'maximum', unit: '' },
  { min: 'minLength', max: 'maxLength', unit: ' characters' },
  { min: 'minItems', max: 'maxItems', unit: ' items' },
] as const;

function boundsOf(schema: JsonSchema): Bounds | null {
  for (const { min: minName, max: maxName, unit } of BOUNDS) {
    const min = schema[minName] as number | undefined;
    const max = schema[maxName] as number | undefined;
    if (min === undefined && max === undefined) continue;
    const bounded = max !== undefined && max !== Number.MAX_SAFE_INTEGER;
    const range =
      min !== undefined && bounded ? `between ${String(min)} and ${String(max)}` : min === undefined ? `at most ${String(max)}` : `at least ${String(min)}`;
    const measure =
      unit === ''
        ? (input: unknown) => input
        : (input: unknown) => (typeof input === 'string' ? [...input].length : Array.isArray(input) ? input.length : null);
    return {
      words: `must ${unit === '' ? 'be' : 'have'} ${range}${unit}`,
      details: { ...(min === undefined ? {} : { min }), ...(bounded ? { max } : {}) },
      measure,
    };
  }
  return null;
}

/** The part of a JSON Schema that a path leads to; {} where it leads out of it. */
function schemaAt(json: JsonSchema, path: readonly PropertyKey[]): JsonSchema {
  let schema: JsonSchema = json;
  for (const step of path) {
    schema = resolveReference(schema, json);
    const next =
      typeof step === 'number' ? schema['items'] : ((schema['properties'] as JsonSchema | undefined)?.[String(step)] ?? schema['additionalProperties']);
    if (typeof next !== 'object' || next === null) return {};
    schema = next as JsonSchema;
  }
  return resolveReference(schema, json);
}

function resolveReference(schema: JsonSchema, root: JsonSchema): JsonSchema {
  const reference = schema['$ref'];
  if (typeof reference !== 'string' || !reference.startsWith('#/$defs/')) return schema;
  return ((root['$defs'] as JsonSchema | undefined)?.[reference.slice('#/$defs/'.length)] ?? {}) as JsonSchema;
}

const TYPE_WORDS: Record<string, string> = {
  string: 'a string',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  array: 'an array',
  object: 'an object',
  null: 'null',
};

function typeWords(schema: JsonSchema, issue: Issue): string {
  const types = [schema['type'], ...((schema['anyOf'] ?? []) as JsonSchema[]).map((branch) => branch['type'])].flat();
  const words = [...new Set(types.filter((type) => typeof type === 'string').map((type) => TYPE_WORDS[type] ?? type))];
  if (words.length > 0) return words.join(' or ');
  const expected = issue.code === 'invalid_type' ? issue.expected : typeof (issue as { values?: readonly unknown[] }).values?.[0];
  return TYPE_WORDS[expected === 'int' ? 'integer' : expected] ?? String(expected);
}

function typeOf(input: unknown): string {
  if (input === null) return 'null';
  if (Array.isArray(input)) return 'array';
  if (typeof input === 'number') return Number.isInteger(input) ? 'integer' : 'number';
  return typeof input;
}

/** Values are echoed only while they are small: an error is no place for a megabyte of somebody's text. */
function shown(input: unknown): unknown {
  if (typeof input === 'string') return input.length <= 100 ? input : `${input.slice(0, 100)}…`;
  return typeof input === 'object' && input !== null ? typeOf(input) : input;
}

function fieldPath(path: readonly PropertyKey[]): string {
  return path.map((step, index) => (typeof step === 'number' ? `[${step}]` : index === 0 ? String(step) : `.${String(step)}`)).join('');
}
