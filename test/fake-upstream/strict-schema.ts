import { isRecord, listOf } from './json.ts';

/** What OpenAI refuses about a schema that is sent with `strict: true`; null when it would take it. */
export function strictSchemaProblem(schema: unknown, path = '()'): string | null {
  if (!isRecord(schema)) return null;
  if (schema['type'] === 'object' || isRecord(schema['properties'])) {
    const names = Object.keys(isRecord(schema['properties']) ? schema['properties'] : {});
    const missing = names.find((name) => !listOf(schema['required']).includes(name));
    if (schema['additionalProperties'] !== false) return `In context=${path}, 'additionalProperties' is required to be supplied and to be false.`;
    if (missing !== undefined)
      return `In context=${path}, 'required' is required to be supplied and to be an array including every key in properties. Missing '${missing}'.`;
  }
  for (const keyword of ['allOf', 'oneOf']) if (keyword in schema) return `In context=${path}, '${keyword}' is not permitted.`;
  return firstProblem([
    ...named(schema['properties'], path, 'properties'),
    ...named(schema['$defs'], path, '$defs'),
    ...listOf(schema['anyOf']).map((part, index): [unknown, string] => [part, `${path}.anyOf.${index}`]),
    [schema['items'], `${path}.items`],
  ]);
}

function named(group: unknown, path: string, keyword: string): [unknown, string][] {
  return isRecord(group) ? Object.entries(group).map(([name, part]) => [part, `${path}.${keyword}.${name}`]) : [];
}

function firstProblem(parts: readonly [unknown, string][]): string | null {
  for (const [part, path] of parts) {
    const problem = strictSchemaProblem(part, path);
    if (problem !== null) return problem;
  }
  return null;
}
