import { describe, expect, test } from 'bun:test';
import { isStrictSchema, schemaName } from './openai-strict.ts';

const text = { type: 'string' };
const closed = (properties: Record<string, unknown>): Record<string, unknown> => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
});
const nested = (depth: number): Record<string, unknown> => (depth === 0 ? text : closed({ below: nested(depth - 1) }));

const STRICT: Record<string, Record<string, unknown>> = {
  'a closed object': closed({ a: text }),
  'an empty closed object': closed({}),
  'a nullable property': closed({ a: { type: ['string', 'null'] } }),
  'an array of closed objects': closed({ a: { type: 'array', items: closed({ b: text }), minItems: 1 } }),
  'a choice below the root': closed({ a: { anyOf: [text, { type: 'number', minimum: 0 }] } }),
  'a reference': { ...closed({ a: { $ref: '#/$defs/node' } }), $defs: { node: closed({ b: text }) } },
  'a property named like a keyword': closed({ not: text, allOf: text }),
};

const LOOSE: Record<string, Record<string, unknown>> = {
  'an open object': { type: 'object', properties: { a: text }, required: ['a'] },
  'an optional property': { ...closed({ a: text, b: text }), required: ['a'] },
  'no type at the root': { properties: { a: text }, required: ['a'], additionalProperties: false },
  'an array at the root': { type: 'array', items: text },
  'a choice at the root': { ...closed({}), anyOf: [closed({})] },
  'an open object deep inside': closed({ a: { type: 'array', items: { type: 'object', properties: { b: text } } } }),
  'an open object in a choice': closed({ a: { anyOf: [{ type: 'object' }] } }),
  'an open definition': { ...closed({}), $defs: { node: { type: 'object' } } },
  'a nullable open object': closed({ a: { type: ['object', 'null'], properties: {} } }),
  'a keyword beyond the part that is taken': closed({ a: { type: 'string', minLength: 1 } }),
  allOf: closed({ a: { allOf: [text] } }),
  'a schema that is true': closed({ a: true }),
  'more levels than are taken': nested(12),
};

describe('strict schemas', () => {
  for (const [what, schema] of Object.entries(STRICT)) test(`${what} is strict`, () => expect(isStrictSchema(schema)).toBe(true));
  for (const [what, schema] of Object.entries(LOOSE)) test(`${what} is not`, () => expect(isStrictSchema(schema)).toBe(false));

  test('a schema that refers to itself ends', () => {
    expect(isStrictSchema({ ...closed({ next: { $ref: '#' } }) })).toBe(true);
  });

  test('a name is made of what OpenAI takes', () => {
    expect(schemaName('summarize.v1 ü')).toBe('summarize_v1__');
    expect(schemaName('')).toBe('answer');
    expect(schemaName('a'.repeat(100))).toHaveLength(64);
  });
});
