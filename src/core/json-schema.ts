import { codePoints, isRecord, joinPath, listed, resolveReference, typeName, typesOf, withArticle } from './json-schema-parts.ts';

/** A JSON Schema as people write it: an object (or true / false) whose keywords are read where they are needed. */
export type JsonSchema = { readonly [keyword: string]: unknown };

/**
 * `validate` and `withDefaults` read any schema, pass over keywords that they do not know, and are bounded in steps and depth whatever they
 * are given. Which schemas may be stored is said by json-schema-check.ts.
 */
export type ValueProblem = {
  /** `requests[3].body`; empty for the value itself. */
  readonly path: string;
  readonly code: 'MISSING_REQUIRED_FIELD' | 'INVALID_TYPE' | 'INVALID_VALUE';
  readonly message: string;
  readonly details?: Readonly<Record<string, unknown>>;
};

// A combination inside a combination doubles the work with each level: steps are counted, so that no schema can hang the process.
export const STEPS_MAX = 200_000;
const DEPTH_MAX = 200;
export const PROBLEMS_MAX = 100;

export type Budget = { stepsLeft: number };
type Run = { readonly root: unknown; readonly budget: Budget; readonly problems: ValueProblem[] };
type Place = { readonly path: string; readonly depth: number };

/** What is wrong with a value, missing fields first; `at` is the path of the value itself. */
export function validate(schema: unknown, value: unknown, at = ''): ValueProblem[] {
  return validateWithin({ root: schema, budget: { stepsLeft: STEPS_MAX }, problems: [] }, schema, value, at);
}

/** For a schema that is a part of `run.root` and shares its budget. */
export function validateWithin(run: Run, schema: unknown, value: unknown, at: string): ValueProblem[] {
  visit(run, schema, value, { path: at, depth: 0 });
  if (run.budget.stepsLeft < 0) return [{ path: at, code: 'INVALID_VALUE', message: `${named(at)} is too large or too deeply nested to be checked` }];
  const missing = run.problems.filter((problem) => problem.code === 'MISSING_REQUIRED_FIELD');
  return [...missing, ...run.problems.filter((problem) => problem.code !== 'MISSING_REQUIRED_FIELD')];
}

function visit(run: Run, schema: unknown, value: unknown, place: Place): void {
  if (run.problems.length >= PROBLEMS_MAX || !spend(run.budget, place.depth)) return;
  if (schema === false) return reject(run, place, 'is not allowed');
  if (!isRecord(schema)) return;
  if (typeof schema['$ref'] === 'string') visit(run, resolveReference(run.root, schema['$ref']), value, deeper(place));
  if (!checkType(run, schema, value, place)) return;
  checkConstants(run, schema, value, place);
  if (typeof value === 'string') checkText(run, schema, value, place);
  else if (typeof value === 'number') checkNumber(run, schema, value, place);
  else if (Array.isArray(value)) checkItems(run, schema, value, place);
  else if (isRecord(value)) checkFields(run, schema, value, place);
  checkCombinations(run, schema, value, place);
}

function checkType(run: Run, schema: JsonSchema, value: unknown, place: Place): boolean {
  const expected = typesOf(schema);
  if (expected === null || expected.some((type) => hasType(type, value))) return true;
  const wanted = expected.length === 1 ? expected[0] : expected;
  run.problems.push({
    path: place.path,
    code: 'INVALID_TYPE',
    message: `${named(place.path)} must be ${expected.map(withArticle).join(' or ')}`,
    details: { expected: wanted, received: typeName(value) },
  });
  return false;
}

function checkConstants(run: Run, schema: JsonSchema, value: unknown, place: Place): void {
  if (Object.hasOwn(schema, 'const') && !equal(schema['const'], value, run.budget, place.depth)) {
    reject(run, place, `must be ${JSON.stringify(schema['const'])}`, { allowed: [schema['const']] });
  }
  const allowed = schema['enum'];
  if (Array.isArray(allowed) && !allowed.some((each) => equal(each, value, run.budget, place.depth))) {
    reject(run, place, `must be one of ${listed(allowed)}`, { allowed: allowed.slice(0, 100) });
  }
}

function checkText(run: Run, schema: JsonSchema, value: string, place: Place): void {
  const { minLength, maxLength } = schema;
  if (typeof minLength !== 'number' && typeof maxLength !== 'number') return;
  run.budget.stepsLeft -= value.length / 1000;
  const length = codePoints(value);
  if (typeof minLength === 'number' && length < minLength) {
    const words = length === 0 ? 'must not be empty' : `must be at least ${minLength} characters long`;
    reject(run, place, words, { min_length: minLength, length });
  }
  if (typeof maxLength === 'number' && length > maxLength)
    reject(run, place, `must be at most ${maxLength} characters long`, { max_length: maxLength, length });
}

function checkNumber(run: Run, schema: JsonSchema, value: number, place: Place): void {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema;
  if (typeof minimum === 'number' && typeof maximum === 'number') {
    if (value < minimum || value > maximum) reject(run, place, `must be between ${minimum} and ${maximum}`, { min: minimum, max: maximum, received: value });
  } else if (typeof minimum === 'number' && value < minimum) reject(run, place, `must be at least ${minimum}`, { min: minimum, received: value });
  else if (typeof maximum === 'number' && value > maximum) reject(run, place, `must be at most ${maximum}`, { max: maximum, received: value });
  if (typeof exclusiveMinimum === 'number' && value <= exclusiveMinimum)
    reject(run, place, `must be more than ${exclusiveMinimum}`, { exclusive_min: exclusiveMinimum, received: value });
  if (typeof exclusiveMaximum === 'number' && value >= exclusiveMaximum)
    reject(run, place, `must be less than ${exclusiveMaximum}`, { exclusive_max: exclusiveMaximum, received: value });
}

function checkItems(run: Run, schema: JsonSchema, value: readonly unknown[], place: Place): void {
  const { minItems, maxItems, items } = schema;
  if (typeof minItems === 'number' && value.length < minItems)
    reject(run, place, `must have at least ${minItems} items`, { min_items: minItems, items: value.length });
  if (typeof maxItems === 'number' && value.length > maxItems)
    reject(run, place, `must have at most ${maxItems} items`, { max_items: maxItems, items: value.length });
  if (items === undefined || items === true) return;
  for (const [index, item] of value.entries()) {
    if (run.problems.length >= PROBLEMS_MAX || run.budget.stepsLeft < 0) return;
    visit(run, items, item, { path: `${place.path}[${index}]`, depth: place.depth + 1 });
  }
}

function checkFields(run: Run, schema: JsonSchema, value: JsonSchema, place: Place): void {
  const { required, additionalProperties } = schema;
  const properties = isRecord(schema['properties']) ? schema['properties'] : {};
  for (const name of Array.isArray(required) ? required : []) {
    if (typeof name !== 'string' || Object.hasOwn(value, name)) continue;
    const path = joinPath(place.path, name);
    run.problems.push({ path, code: 'MISSING_REQUIRED_FIELD', message: `${path} is missing` });
  }
  for (const [name, fieldSchema] of Object.entries(properties)) {
    if (Object.hasOwn(value, name)) visit(run, fieldSchema, value[name], { path: joinPath(place.path, name), depth: place.depth + 1 });
  }
  if (additionalProperties === undefined || additionalProperties === true) return;
  for (const name of Object.keys(value)) {
    if (run.problems.length >= PROBLEMS_MAX || !spend(run.budget, place.depth)) return;
    if (Object.hasOwn(properties, name)) continue;
    const fieldPlace = { path: joinPath(place.path, name), depth: place.depth + 1 };
    if (additionalProperties === false) reject(run, fieldPlace, 'is not a known field', { allowed: Object.keys(properties).slice(0, 100) });
    else visit(run, additionalProperties, value[name], fieldPlace);
  }
}

function checkCombinations(run: Run, schema: JsonSchema, value: unknown, place: Place): void {
  for (const part of schemasIn(schema['allOf'])) visit(run, part, value, deeper(place));
  if (Array.isArray(schema['anyOf'])) {
    const branches = tryBranches(run, schema['anyOf'], value, place);
    if (branches.every((problems) => problems.length > 0)) explainBranches(run, branches, place);
  }
  if (Array.isArray(schema['oneOf'])) {
    const branches = tryBranches(run, schema['oneOf'], value, place);
    const fitting = branches.filter((problems) => problems.length === 0).length;
    if (fitting === 0) explainBranches(run, branches, place);
    else if (fitting > 1) reject(run, place, 'must fit exactly one of the allowed forms', { fitting });
  }
}

function tryBranches(run: Run, branches: readonly unknown[], value: unknown, place: Place): ValueProblem[][] {
  return branches.map((branch) => {
    const problems: ValueProblem[] = [];
    visit({ ...run, problems }, branch, value, deeper(place));
    return problems;
  });
}

/** The one branch of the right type knows best what is wrong; of several none can be blamed. */
function explainBranches(run: Run, branches: readonly ValueProblem[][], place: Place): void {
  const near = branches.filter((problems) => !problems.some((problem) => problem.path === place.path && problem.code === 'INVALID_TYPE'));
  const [only] = near;
  if (only && near.length === 1) return void run.problems.push(...only.slice(0, PROBLEMS_MAX));
  if (near.length > 0) return reject(run, place, 'fits none of the allowed forms');
  const wrongTypes = branches.flat().filter((problem) => problem.path === place.path && problem.code === 'INVALID_TYPE');
  const expected = [...new Set(wrongTypes.flatMap((problem) => problem.details?.['expected'] ?? []))].filter((type) => typeof type === 'string');
  const received = wrongTypes[0]?.details?.['received'];
  const words = expected.map(withArticle).join(' or ');
  run.problems.push({ path: place.path, code: 'INVALID_TYPE', message: `${named(place.path)} must be ${words}`, details: { expected, received } });
}

/** The value with the defaults of missing fields filled in; what was given is never changed, and not checked here. */
export function withDefaults(schema: unknown, value: unknown): unknown {
  return fill({ root: schema, budget: { stepsLeft: STEPS_MAX } }, schema, value, 0);
}

function fill(run: Pick<Run, 'root' | 'budget'>, schema: unknown, value: unknown, depth: number): unknown {
  if (!isRecord(schema) || typeof value !== 'object' || value === null || !spend(run.budget, depth)) return value;
  let filled: unknown = value;
  if (typeof schema['$ref'] === 'string') filled = fill(run, resolveReference(run.root, schema['$ref']), filled, depth + 1);
  for (const part of schemasIn(schema['allOf'])) filled = fill(run, part, filled, depth + 1);
  const { items, properties } = schema;
  if (Array.isArray(filled)) return isRecord(items) ? filled.map((item) => fill(run, items, item, depth + 1)) : filled;
  if (!isRecord(properties) || !isRecord(filled)) return filled;
  // Object.fromEntries defines own fields, so that one named __proto__ stays a field.
  const fields = new Map<string, unknown>(Object.entries(filled));
  for (const [name, fieldSchema] of Object.entries(properties)) {
    if (fields.has(name)) fields.set(name, fill(run, fieldSchema, fields.get(name), depth + 1));
    else if (isRecord(fieldSchema) && Object.hasOwn(fieldSchema, 'default')) fields.set(name, structuredClone(fieldSchema['default']));
  }
  return Object.fromEntries(fields);
}

function hasType(type: string, value: unknown): boolean {
  if (type === 'integer') return Number.isInteger(value);
  return type === typeName(value);
}

function reject(run: Run, place: Place, words: string, details?: Record<string, unknown>): void {
  run.problems.push({ path: place.path, code: 'INVALID_VALUE', message: `${named(place.path)} ${words}`, ...(details ? { details } : {}) });
}

function named(path: string): string {
  return path === '' ? 'the value' : path;
}

function deeper(place: Place): Place {
  return { path: place.path, depth: place.depth + 1 };
}

/** False when the work or the depth is used up. */
function spend(budget: Budget, depth: number): boolean {
  budget.stepsLeft = depth > DEPTH_MAX ? -1 : budget.stepsLeft - 1;
  return budget.stepsLeft >= 0;
}

function equal(left: unknown, right: unknown, budget: Budget, depth: number): boolean {
  if (left === right) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  if (Array.isArray(left) !== Array.isArray(right) || !spend(budget, depth)) return false;
  const names = Object.keys(left);
  if (names.length !== Object.keys(right).length) return false;
  return names.every((name) => Object.hasOwn(right, name) && equal(Reflect.get(left, name), Reflect.get(right, name), budget, depth + 1));
}

function schemasIn(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
