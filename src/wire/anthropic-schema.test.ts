import { describe, expect, test } from 'bun:test';
import { formatSchema } from './anthropic-schema.ts';

describe('a schema as Anthropic takes it', () => {
  test('objects are closed, sizes are told in words, and what says nothing is left out', () => {
    const schema = {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      description: 'A person.',
      properties: {
        name: { type: 'string', minLength: 1, pattern: '^[A-Z]' },
        born: { type: ['string', 'null'], format: 'date' },
        tags: { type: 'array', items: { type: 'string' }, minItems: 1, maxItems: 3 },
        more: { oneOf: [{ type: 'object', properties: { a: { $ref: '#/$defs/Id' } } }, { type: 'null' }] },
      },
      required: ['name'],
      $defs: { Id: { type: 'string', format: 'x-own' } },
    };
    expect(formatSchema(schema)).toEqual({
      type: 'object',
      description: 'A person.',
      properties: {
        name: { type: 'string', description: 'minLength: 1\npattern: "^[A-Z]"' },
        born: { type: ['string', 'null'], format: 'date' },
        tags: { type: 'array', items: { type: 'string' }, minItems: 1, description: 'maxItems: 3' },
        more: { anyOf: [{ type: 'object', properties: { a: { $ref: '#/$defs/Id' } }, additionalProperties: false }, { type: 'null' }] },
      },
      required: ['name'],
      $defs: { Id: { type: 'string', description: 'format: "x-own"' } },
      additionalProperties: false,
    });
  });

  const unsayable: [string, object][] = [
    ['an object with any properties', { type: 'object' }],
    ['an object with more than its properties', { type: 'object', properties: { a: { type: 'string' } }, additionalProperties: true }],
    ['a map', { type: 'object', properties: { a: { type: 'object', additionalProperties: { type: 'string' } } } }],
    ['a tuple', { type: 'object', properties: { a: { type: 'array', prefixItems: [{ type: 'string' }] } } }],
    ['properties by pattern', { type: 'object', properties: {}, patternProperties: { a: { type: 'string' } } }],
    ['an open object within a choice', { anyOf: [{ type: 'object' }, { type: 'null' }] }],
    ['items of any kind', { type: 'object', properties: { a: { type: 'array', items: true } } }],
    ['what refers to itself', { type: 'object', properties: { next: { $ref: '#' } } }],
    [
      'what refers to itself by another',
      { $ref: '#/$defs/A', $defs: { A: { type: 'array', items: { $ref: '#/$defs/B' } }, B: { anyOf: [{ $ref: '#/$defs/A' }] } } },
    ],
    ['what refers to another place', { $ref: 'https://a.example/schema' }],
  ];
  test.each(unsayable)('%s is not said', (_, schema) => {
    expect(formatSchema(schema as never)).toBeNull();
  });

  test('a definition that is used twice does not refer to itself', () => {
    const id = { $ref: '#/$defs/Id' };
    expect(formatSchema({ type: 'object', properties: { a: id, b: id }, $defs: { Id: { type: 'string' } } })).not.toBeNull();
  });
});
