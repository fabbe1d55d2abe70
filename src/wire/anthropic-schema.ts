import type { JsonSchema } from '../core/json-schema.ts';
import { isObject, type JsonObject, listOf } from './read-json.ts';

/**
 * A schema in the part of JSON Schema to which Anthropic makes an answer fit
 * (https://platform.claude.com/docs/en/build-with-claude/structured-outputs): objects are closed, and what is said of sizes and patterns is told
 * to the model in words, as the vendor's SDKs do it; the caller's own check decides. Null for one that cannot be said so: an open object, or one
 * that refers to itself.
 */
export function formatSchema(schema: JsonSchema): JsonSchema | null {
  return refersToItself(schema) ? null : formatNode(schema);
}

const KEPT: ReadonlySet<string> = new Set('type enum const required title default $ref'.split(' '));
const BELOW: ReadonlySet<string> = new Set('properties $defs definitions'.split(' '));
const LISTS: ReadonlyMap<string, string> = new Map([
  ['anyOf', 'anyOf'],
  ['oneOf', 'anyOf'],
  ['allOf', 'allOf'],
]);
const UNSAID: ReadonlySet<string> = new Set('$schema $id $comment description additionalProperties examples'.split(' '));
const UNSAYABLE: ReadonlySet<string> = new Set('patternProperties prefixItems $dynamicRef unevaluatedProperties'.split(' '));
const FORMATS: ReadonlySet<string> = new Set('date-time time date duration email hostname uri ipv4 ipv6 uuid'.split(' '));

function formatNode(node: unknown): JsonObject | null {
  if (!isObject(node) || Object.keys(node).some((keyword) => UNSAYABLE.has(keyword)) || !canBeClosed(node)) return null;
  const said: Record<string, unknown> = {};
  const words: string[] = typeof node['description'] === 'string' ? [node['description']] : [];
  for (const [keyword, value] of Object.entries(node)) {
    const list = LISTS.get(keyword);
    if (KEPT.has(keyword) || isKept(keyword, value)) said[keyword] = value;
    else if (BELOW.has(keyword)) said[keyword] = each(value);
    else if (list !== undefined) said[list] = allOf(listOf(value));
    else if (keyword === 'items') said[keyword] = formatNode(value);
    else if (!UNSAID.has(keyword)) words.push(`${keyword}: ${JSON.stringify(value)}`);
    if (said[list ?? keyword] === null && !KEPT.has(keyword)) return null;
  }
  if (isObjectType(node)) said['additionalProperties'] = false;
  return { ...said, ...(words.length === 0 ? {} : { description: words.join('\n') }) };
}

function isKept(keyword: string, value: unknown): boolean {
  if (keyword === 'format') return FORMATS.has(String(value));
  return keyword === 'minItems' && (value === 0 || value === 1);
}

function isObjectType({ type, properties }: JsonObject): boolean {
  return type === 'object' || listOf(type).includes('object') || properties !== undefined;
}

/** An object without properties of its own may have any. */
function canBeClosed(node: JsonObject): boolean {
  const { additionalProperties, properties } = node;
  if (!isObjectType(node) || additionalProperties === false) return true;
  return additionalProperties === undefined && isObject(properties);
}

function each(nodes: unknown): JsonObject | null {
  if (!isObject(nodes)) return null;
  const said = Object.entries(nodes).map(([name, node]) => [name, formatNode(node)] as const);
  return said.some(([, node]) => node === null) ? null : Object.fromEntries(said);
}

function allOf(nodes: readonly unknown[]): readonly JsonObject[] | null {
  const said = nodes.map(formatNode);
  return said.includes(null) ? null : said.filter((node) => node !== null);
}

/** Also where it refers to something that is not one of its own definitions: nobody can tell then. */
function refersToItself(schema: JsonSchema): boolean {
  const definitions = new Map(
    ['$defs', 'definitions'].flatMap((place) =>
      isObject(schema[place]) ? Object.entries(schema[place]).map(([name, node]) => [`#/${place}/${name}`, node]) : [],
    ),
  );
  const known = new Set<unknown>();
  const leadsBack = (node: unknown, path: readonly string[]): boolean => {
    if (Array.isArray(node)) return node.some((item) => leadsBack(item, path));
    if (!isObject(node)) return false;
    const { $ref } = node;
    if (typeof $ref === 'string' && !known.has($ref)) {
      if (path.includes($ref) || !definitions.has($ref) || leadsBack(definitions.get($ref), [...path, $ref])) return true;
      known.add($ref);
    }
    return Object.values(node).some((child) => leadsBack(child, path));
  };
  const { $defs: _, definitions: _old, ...root } = schema;
  return leadsBack(root, []);
}
