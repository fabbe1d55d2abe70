import { expect, test } from 'bun:test';
import { assert, property, string } from 'fast-check';
import { instanceOf } from './json-schema-instance.ts';
import { validate } from './json-schema.ts';

const SCHEMAS: Record<string, unknown> = {
  'an object with everything': {
    type: 'object',
    properties: {
      sentiment: { enum: ['positive', 'negative'] },
      score: { type: 'number', minimum: -1, maximum: 1 },
      share: { type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 1 },
      whole: { type: 'integer', minimum: -9007199254740991, maximum: 9007199254740991 },
      even: { type: 'integer', minimum: 3, multipleOf: 2 },
      tags: { type: 'array', items: { type: 'string', maxLength: 3 }, minItems: 3, maxItems: 3 },
      code: { type: 'string', minLength: 30 },
      kind: { const: 'x' },
      maybe: { type: ['null', 'string'] },
      when: { type: 'string', format: 'date-time' },
    },
    required: ['sentiment', 'score', 'share', 'whole', 'even', 'tags', 'code', 'kind', 'maybe', 'when', 'extra'],
  },
  'a tree': {
    $ref: '#/$defs/node',
    $defs: {
      node: {
        type: 'object',
        properties: { children: { type: 'array', items: { $ref: '#/$defs/node' } }, next: { anyOf: [{ $ref: '#/$defs/node' }, { type: 'null' }] } },
        required: ['children', 'next'],
      },
    },
  },
  'one of several forms': {
    oneOf: [
      { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] },
      { type: 'object', properties: { b: { type: 'number' } }, required: ['b'], additionalProperties: false },
    ],
  },
  'parts together': {
    allOf: [
      { properties: { a: { type: 'integer', minimum: 3 } }, required: ['a'] },
      { properties: { a: { maximum: 3 }, b: { type: 'boolean' } }, required: ['b'] },
    ],
  },
  'a schema without a type': {},
};

test.each(Object.entries(SCHEMAS))('%s gets an instance that fits, the same for the same seed', (_name, schema) => {
  assert(
    property(string(), (seed) => {
      const made = instanceOf(schema, seed);
      expect(validate(schema, made)).toEqual([]);
      expect(instanceOf(schema, seed)).toEqual(made);
    }),
    { numRuns: 50 },
  );
});

test('a proposal is taken where it fits, cut where it is too long, and passed over where it does not fit', () => {
  const schema = {
    type: 'object',
    properties: {
      title: { type: 'string', maxLength: 6 },
      score: { type: 'number', maximum: 1 },
      lines: { type: 'array', items: { type: 'string' }, minItems: 2, maxItems: 2 },
    },
  };
  const proposals: Record<string, unknown> = { title: '[demo] Hello', score: 7, lines: 'one line' };
  const made = instanceOf(schema, 'seed', (path, index) => (path === 'lines' ? `line ${index}` : proposals[path]));
  expect(made).toMatchObject({ title: '[demo]', lines: ['line 0', 'line 1'] });
  expect(validate(schema, made)).toEqual([]);
});

test('what cannot be satisfied gives null, soon', () => {
  expect(instanceOf({ type: 'object', properties: { self: { $ref: '#' } }, required: ['self'] }, '')).toBeNull();
  expect(instanceOf({ type: 'string', minLength: 1e12 }, '')).toBeNull();
  expect(instanceOf({ type: 'array', minItems: 1e12 }, '')).toBeNull();
  expect(instanceOf(false, '')).toBeNull();
});
