import type { JsonSchema } from '../core/json-schema.ts';
import { isObject, listOf } from './read-json.ts';

/**
 * Whether OpenAI takes a schema with `strict: true`, which makes the answer fit by construction. Strict schemas may use a part of JSON Schema
 * only, list every property as required and allow no others (https://developers.openai.com/api/docs/guides/structured-outputs). A schema
 * beyond that is sent without `strict`: the model then follows it as well as it can, and the caller's own check decides.
 */
export function isStrictSchema(schema: JsonSchema): boolean {
  return schema['type'] === 'object' && schema['anyOf'] === undefined && strictNode(schema, 0);
}

const DEPTH_MAX = 10;
const KEYWORDS: ReadonlySet<string> = new Set(
  (
    'type properties required additionalProperties items enum const anyOf $ref $defs title description ' +
    'pattern format minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minItems maxItems'
  ).split(' '),
);

function strictNode(node: unknown, depth: number): boolean {
  if (!isObject(node) || depth > DEPTH_MAX) return false;
  if (!Object.keys(node).every((keyword) => KEYWORDS.has(keyword))) return false;
  const { properties, items, anyOf, $defs } = node;
  if (isObjectType(node['type']) && !closed(node)) return false;
  const below = (child: unknown): boolean => strictNode(child, depth + 1);
  return (
    (properties === undefined || (isObject(properties) && Object.values(properties).every(below))) &&
    ($defs === undefined || (isObject($defs) && Object.values($defs).every((child) => strictNode(child, 0)))) &&
    (items === undefined || below(items)) &&
    (anyOf === undefined || (Array.isArray(anyOf) && anyOf.every(below)))
  );
}

function isObjectType(type: unknown): boolean {
  return type === 'object' || listOf(type).includes('object');
}

function closed(node: JsonSchema): boolean {
  const { properties, required, additionalProperties } = node;
  if (additionalProperties !== false || !isObject(properties)) return false;
  const names = listOf(required);
  return Object.keys(properties).every((name) => names.includes(name));
}

/** OpenAI takes letters, digits, `_` and `-` in the name of a schema, 64 at most. */
export function schemaName(name: string): string {
  return name.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, 64) || 'answer';
}
