import { codePoints, isRecord, resolveReference, typesOf } from './json-schema-parts.ts';
import { type JsonSchema, validateWithin } from './json-schema.ts';

/**
 * A value that fits a schema, the same for the same seed. `propose` may offer a value for a place (its path without indexes, as
 * `intros` or `author.name`); an offer that does not fit is passed over, except that text is cut to length.
 */
export type Propose = (path: string, index: number, schema: JsonSchema) => unknown;

const STEPS_MAX = 5_000;
// Below this depth only what is required is made, so that recursive schemas come to an end.
const OPTIONAL_DEPTH_MAX = 5;
const DEPTH_MAX = 40;
const TEXT_MAX = 100_000;
const NONE = Symbol('no value fits');

type Making = { readonly root: unknown; readonly seed: string; readonly propose: Propose; stepsLeft: number };
type Place = { readonly path: string; readonly index: number; readonly depth: number };

/** `null` where no value fits, or none is found in bounded time. */
export function instanceOf(schema: unknown, seed: string, propose: Propose = () => undefined): unknown {
  const made = make({ root: schema, seed, propose, stepsLeft: STEPS_MAX }, schema, { path: '', index: 0, depth: 0 });
  return made === NONE ? null : made;
}

function make(making: Making, schema: unknown, place: Place): unknown {
  making.stepsLeft -= 1;
  if (making.stepsLeft < 0 || place.depth > DEPTH_MAX || schema === false) return NONE;
  if (!isRecord(schema)) return making.propose(place.path, place.index, {}) ?? true;
  const flat = flatten(making, schema, 0);
  const branches = [...listOf(flat['anyOf']), ...listOf(flat['oneOf'])];
  if (branches.length === 0) return makePlain(making, flat, place);
  const { anyOf: _any, oneOf: _one, ...siblings } = flat;
  for (const branch of inPreference(branches, place)) {
    const made = make(making, merge(siblings, isRecord(branch) ? branch : {}), place);
    if (made !== NONE && fits(making, flat, made)) return made;
  }
  return NONE;
}

/** Deep down, the branch that says least is the likeliest to end. */
function inPreference(branches: readonly unknown[], place: Place): readonly unknown[] {
  if (place.depth <= OPTIONAL_DEPTH_MAX) return branches;
  return branches.toSorted((left, right) => weight(left) - weight(right));
}

function weight(branch: unknown): number {
  return isRecord(branch) ? Object.keys(branch).length + ('$ref' in branch ? 10 : 0) + ('properties' in branch ? 5 : 0) : 0;
}

/** `$ref` and `allOf` taken into the schema itself. */
function flatten(making: Making, schema: JsonSchema, depth: number): JsonSchema {
  making.stepsLeft -= 1;
  if (depth > DEPTH_MAX || making.stepsLeft < 0) return schema;
  const { $ref, allOf, ...rest } = schema;
  let flat: JsonSchema = rest;
  const parts = [...(typeof $ref === 'string' ? [resolveReference(making.root, $ref)] : []), ...listOf(allOf)];
  for (const part of parts) if (isRecord(part)) flat = merge(flat, flatten(making, part, depth + 1));
  return flat;
}

function merge(left: JsonSchema, right: JsonSchema): JsonSchema {
  const merged: Record<string, unknown> = { ...left };
  for (const [keyword, value] of Object.entries(right)) {
    merged[keyword] = Object.hasOwn(left, keyword) ? mergeKeyword(keyword, left[keyword], value) : value;
  }
  return merged;
}

function mergeKeyword(keyword: string, left: unknown, right: unknown): unknown {
  if (keyword === 'properties' && isRecord(left) && isRecord(right)) return mergeProperties(left, right);
  if (keyword === 'required') return [...new Set([...listOf(left), ...listOf(right)])];
  if (keyword === 'enum') return listOf(left).filter((value) => listOf(right).includes(value));
  if (keyword === 'type') return listOf(Array.isArray(left) ? left : [left]).filter((type) => listOf(Array.isArray(right) ? right : [right]).includes(type));
  if (keyword === 'additionalProperties') return left === false || right === false ? false : right;
  if (typeof left === 'number' && typeof right === 'number') return /^(min|exclusiveMin)/.test(keyword) ? Math.max(left, right) : Math.min(left, right);
  return right;
}

function mergeProperties(left: JsonSchema, right: JsonSchema): JsonSchema {
  const fields = new Map<string, unknown>(Object.entries(left));
  for (const [name, schema] of Object.entries(right)) fields.set(name, fields.has(name) ? { allOf: [fields.get(name), schema] } : schema);
  return Object.fromEntries(fields);
}

function makePlain(making: Making, schema: JsonSchema, place: Place): unknown {
  const offered = making.propose(place.path, place.index, schema);
  if (offered !== undefined) {
    const cut = typeof offered === 'string' && typeof schema['maxLength'] === 'number' ? cutText(offered, schema['maxLength']) : offered;
    if (fits(making, schema, cut)) return cut;
  }
  if (Object.hasOwn(schema, 'const')) return schema['const'];
  const allowed = schema['enum'];
  if (Array.isArray(allowed))
    return pick(
      allowed.filter((value) => fits(making, { ...schema, enum: undefined }, value)),
      making,
      place,
    );
  const example = listOf(schema['examples'])[0];
  if (example !== undefined && fits(making, schema, example)) return example;
  for (const type of (typesOf(schema) ?? [impliedType(schema)]).toSorted((left) => (left === 'null' ? 1 : 0))) {
    const made = makeType(making, type, schema, place);
    if (made !== NONE) return made;
  }
  return NONE;
}

function makeType(making: Making, type: string, schema: JsonSchema, place: Place): unknown {
  switch (type) {
    case 'object':
      return makeObject(making, schema, place);
    case 'array':
      return makeArray(making, schema, place);
    case 'string':
      return makeText(making, schema, place);
    case 'integer':
      return makeNumber(making, schema, place, 1);
    case 'number':
      return makeNumber(making, schema, place, 0.01);
    case 'boolean':
      return draw(making, place) < 0.5;
    case 'null':
      return null;
    default:
      return NONE;
  }
}

function impliedType(schema: JsonSchema): string {
  if ('properties' in schema || 'required' in schema || 'additionalProperties' in schema) return 'object';
  if ('items' in schema || 'minItems' in schema || 'maxItems' in schema) return 'array';
  return ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'].some((keyword) => keyword in schema) ? 'number' : 'string';
}

function makeObject(making: Making, schema: JsonSchema, place: Place): unknown {
  const properties = isRecord(schema['properties']) ? schema['properties'] : {};
  const required = new Set(listOf(schema['required']).filter((name) => typeof name === 'string'));
  const fields: [string, unknown][] = [];
  for (const name of new Set([...Object.keys(properties), ...required])) {
    if (place.depth > OPTIONAL_DEPTH_MAX && !required.has(name)) continue;
    const fieldSchema = Object.hasOwn(properties, name) ? properties[name] : (schema['additionalProperties'] ?? { type: 'string' });
    const made = make(making, fieldSchema, { path: place.path === '' ? name : `${place.path}.${name}`, index: place.index, depth: place.depth + 1 });
    if (made !== NONE) fields.push([name, made]);
    else if (required.has(name)) return NONE;
  }
  return Object.fromEntries(fields);
}

function makeArray(making: Making, schema: JsonSchema, place: Place): unknown {
  const least = countOf(schema['minItems'], 0);
  const most = countOf(schema['maxItems'], Infinity);
  const wanted = place.depth > OPTIONAL_DEPTH_MAX ? least : Math.max(least, Math.min(2, most));
  if (least > most) return NONE;
  const items: unknown[] = [];
  for (let index = 0; index < wanted; index += 1) {
    const made = make(making, schema['items'] ?? { type: 'string' }, { path: place.path, index, depth: place.depth + 1 });
    if (made === NONE) return items.length >= least ? items : NONE;
    items.push(made);
  }
  return items;
}

const FORMATS: Readonly<Record<string, string>> = {
  'date-time': '2026-01-01T12:00:00Z',
  date: '2026-01-01',
  time: '12:00:00Z',
  duration: 'P1D',
  email: 'demo@example.com',
  hostname: 'example.com',
  ipv4: '192.0.2.1',
  ipv6: '2001:db8::1',
  uri: 'https://example.com/',
  uuid: '00000000-0000-4000-8000-000000000000',
};

function makeText(making: Making, schema: JsonSchema, place: Place): unknown {
  const { format } = schema;
  const least = countOf(schema['minLength'], 0);
  const most = countOf(schema['maxLength'], Infinity);
  if (least > most || least > TEXT_MAX) return NONE;
  const known = typeof format === 'string' && Object.hasOwn(FORMATS, format) ? FORMATS[format] : undefined;
  if (known !== undefined && known.length >= least && known.length <= most) return known;
  const name = place.path.slice(place.path.lastIndexOf('.') + 1) || 'text';
  const text = `${name} ${Math.floor(draw(making, place) * 1000)}`;
  return cutText(text.length < least ? `${text} `.repeat(Math.ceil(least / text.length)) : text, most === Infinity ? Math.max(text.length, least) : most);
}

function makeNumber(making: Making, schema: JsonSchema, place: Place, unit: number): unknown {
  const { multipleOf } = schema;
  const step = typeof multipleOf === 'number' && multipleOf > 0 ? multipleOf : unit;
  const bounds = [schema['minimum'], schema['exclusiveMinimum']].filter((bound) => typeof bound === 'number');
  const ceilings = [schema['maximum'], schema['exclusiveMaximum']].filter((bound) => typeof bound === 'number');
  // Without bounds, or with those of all safe integers, a small number reads better.
  const high = Math.min(...ceilings, bounds.length > 0 ? Math.max(...bounds, 0) + 100 : 100);
  const low = Math.max(...bounds, Math.min(0, high - 100));
  const candidates = [low + draw(making, place) * (high - low), low + step, low, high, (low + high) / 2];
  for (const candidate of candidates) {
    for (const rounded of [Math.floor(candidate / step) * step, Math.ceil(candidate / step) * step, candidate]) {
      // Multiples of 0.01 are not exact: 0.29 must not come out as 0.29000000000000004.
      const value = Number(rounded.toFixed(10));
      if ((unit !== 1 || Number.isInteger(value)) && fits(making, schema, value)) return value;
    }
  }
  return NONE;
}

function fits(making: Making, schema: JsonSchema, value: unknown): boolean {
  return validateWithin({ root: making.root, budget: { stepsLeft: STEPS_MAX }, problems: [] }, schema, value, '').length === 0;
}

function pick(values: readonly unknown[], making: Making, place: Place): unknown {
  if (values.length === 0) return NONE;
  return values[(Math.floor(draw(making, { ...place, index: 0 }) * values.length) + place.index) % values.length];
}

/** 0 to 1, by the seed and the place alone. */
function draw(making: Making, place: Place): number {
  let hash = 0x811c9dc5;
  const text = `${place.path}|${place.index}|${making.seed.slice(0, 1000)}`;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  hash ^= hash >>> 15;
  return (Math.imul(hash, 0x2c1b3c6d) >>> 0) / 2 ** 32;
}

function cutText(text: string, most: number): string {
  return text.length <= most || codePoints(text) <= most ? text : Array.from(text).slice(0, most).join('');
}

function countOf(value: unknown, otherwise: number): number {
  return typeof value === 'number' && value >= 0 ? value : otherwise;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
