import type { JsonSchema } from './json-schema.ts';

/** How the keywords of a schema and the names of values are read, for those that check, fill and make values. */
export function isRecord(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What a local `$ref` points to; `true`, which allows everything, where it points nowhere. */
export function resolveReference(root: unknown, reference: string): unknown {
  if (reference === '#') return root;
  const parts = /^#\/(\$defs|definitions)\/([^/]+)$/.exec(reference);
  const [, group, name] = parts ?? [];
  if (group === undefined || name === undefined || !isRecord(root)) return true;
  const definitions = root[group];
  const key = decodePointer(name);
  return isRecord(definitions) && Object.hasOwn(definitions, key) ? definitions[key] : true;
}

export function isLocalReference(root: unknown, reference: string): boolean {
  return reference === '#' || (/^#\/(\$defs|definitions)\/[^/]+$/.test(reference) && resolveReference(root, reference) !== true);
}

function decodePointer(text: string): string {
  return text.replaceAll('~1', '/').replaceAll('~0', '~');
}

export function typesOf(schema: JsonSchema): readonly string[] | null {
  const { type } = schema;
  if (typeof type === 'string') return [type];
  return Array.isArray(type) ? type.filter((each) => typeof each === 'string') : null;
}

export function typeName(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

export function withArticle(type: string): string {
  if (type === 'null') return type;
  if (type === 'integer') return 'a whole number';
  return /^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`;
}

export function listed(values: readonly unknown[]): string {
  const words = values.slice(0, 20).map((value) => (typeof value === 'string' ? value : JSON.stringify(value)));
  return words.join(', ') + (values.length > 20 ? ', …' : '');
}

export function joinPath(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

export function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}
