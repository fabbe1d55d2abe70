import { describe, expect, test } from 'bun:test';
import { checkSchema } from './json-schema-check.ts';
import { validate, withDefaults } from './json-schema.ts';

const person = {
  type: 'object',
  properties: {
    name: { type: 'string', minLength: 1, maxLength: 5 },
    age: { type: 'integer', minimum: 0, maximum: 150 },
    tone: { enum: ['warm', 'cold'] },
    tags: { type: 'array', items: { type: 'string' }, maxItems: 2 },
    home: { $ref: '#/$defs/address' },
  },
  required: ['name', 'age'],
  additionalProperties: false,
  $defs: { address: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } },
};

function codes(schema: unknown, value: unknown): string[] {
  return validate(schema, value).map((problem) => `${problem.path} ${problem.code}`);
}

describe('validate', () => {
  test.each<[unknown, string[]]>([
    [{ name: 'Ada', age: 36, tone: 'warm', tags: ['a'], home: { city: 'London' } }, []],
    [{ age: 36 }, ['name MISSING_REQUIRED_FIELD']],
    [{ age: '36', tone: 'hot' }, ['name MISSING_REQUIRED_FIELD', 'age INVALID_TYPE', 'tone INVALID_VALUE']],
    [{ name: 'Ada', age: 1.5 }, ['age INVALID_TYPE']],
    [{ name: null, age: 1 }, ['name INVALID_TYPE']],
    [{ name: '', age: 200 }, ['name INVALID_VALUE', 'age INVALID_VALUE']],
    [{ name: '👍👍👍👍👍', age: 1 }, []],
    [{ name: 'Ada', age: 1, tags: ['a', 2, 'c'] }, ['tags INVALID_VALUE', 'tags[1] INVALID_TYPE']],
    [{ name: 'Ada', age: 1, home: {} }, ['home.city MISSING_REQUIRED_FIELD']],
    [{ name: 'Ada', age: 1, shoe: 42 }, ['shoe INVALID_VALUE']],
    [[], [' INVALID_TYPE']],
  ])('%j has %j', (value, problems) => {
    expect(codes(person, value)).toEqual(problems);
  });

  test('the message names the field, the range and what was received', () => {
    expect(validate({ properties: { temperature: { type: 'number', minimum: 0, maximum: 2 } } }, { temperature: 3.5 })).toEqual([
      { path: 'temperature', code: 'INVALID_VALUE', message: 'temperature must be between 0 and 2', details: { min: 0, max: 2, received: 3.5 } },
    ]);
  });

  test('of several forms, the one of the right type says what is wrong', () => {
    const schema = { anyOf: [{ type: 'string', minLength: 3 }, { type: 'null' }] };
    expect(validate(schema, 'ab', 'title')[0]?.message).toBe('title must be at least 3 characters long');
    expect(validate(schema, 5, 'title')[0]).toEqual({
      path: 'title',
      code: 'INVALID_TYPE',
      message: 'title must be a string or null',
      details: { expected: ['string', 'null'], received: 'number' },
    });
    expect(codes({ oneOf: [{ type: 'number' }, { type: 'integer' }] }, 5)).toEqual([' INVALID_VALUE']);
  });

  test('a field of the prototype is not a field of the value', () => {
    expect(codes({ type: 'object', required: ['toString'], properties: { constructor: { type: 'number' } } }, {})).toEqual(['toString MISSING_REQUIRED_FIELD']);
    expect(codes({ type: 'object', properties: {}, additionalProperties: false }, JSON.parse('{"__proto__": 1}'))).toEqual(['__proto__ INVALID_VALUE']);
  });

  test('a schema that doubles its work with each level is given up on, before it costs two seconds', () => {
    const $defs: Record<string, unknown> = { d40: { type: 'string' } };
    for (let level = 0; level < 40; level += 1) $defs[`d${level}`] = { anyOf: [{ $ref: `#/$defs/d${level + 1}` }, { $ref: `#/$defs/d${level + 1}` }] };
    const before = process.cpuUsage();
    expect(codes({ $ref: '#/$defs/d0', $defs }, 5)).toEqual([' INVALID_VALUE']);
    expect(process.cpuUsage(before).user).toBeLessThan(2_000_000);
  });

  test('a value that is nested without end is given up on', () => {
    const nested: unknown = JSON.parse('['.repeat(5000) + ']'.repeat(5000));
    expect(codes({ type: 'array', items: { $ref: '#' } }, nested)).toEqual([' INVALID_VALUE']);
  });

  test('at most a hundred problems are listed', () => {
    expect(
      validate(
        { items: { type: 'string' } },
        Array.from({ length: 5000 }, () => 1),
      ),
    ).toHaveLength(100);
  });
});

describe('withDefaults', () => {
  test('missing fields get their defaults, given ones stay', () => {
    const schema = {
      properties: { style: { default: 'paragraph' }, count: { default: 1 }, list: { items: { $ref: '#/$defs/item' } } },
      $defs: { item: { properties: { kind: { default: { deep: [1] } } } } },
    };
    const given = { count: 3, list: [{}, { kind: null }], more: true };
    expect(withDefaults(schema, given)).toEqual({ count: 3, list: [{ kind: { deep: [1] } }, { kind: null }], more: true, style: 'paragraph' });
    expect(given).toEqual({ count: 3, list: [{}, { kind: null }], more: true });
  });

  test('a field named __proto__ stays a field', () => {
    const filled = withDefaults(JSON.parse('{"properties": {"__proto__": {"default": {"polluted": true}}}}'), {});
    expect(Object.getPrototypeOf(filled)).toBe(Object.prototype);
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
    expect(Object.keys(filled as object)).toEqual(['__proto__']);
  });
});

describe('checkSchema', () => {
  test('the keywords of the subset are accepted', () => {
    expect(checkSchema(person)).toEqual([]);
    expect(checkSchema({ type: ['string', 'null'], default: null, description: 'x', format: 'email', examples: ['a'] })).toEqual([]);
  });

  test.each<[string, unknown, string]>([
    ['pattern', { properties: { a: { type: 'string', pattern: '(a+)+$' } } }, 'properties.a.pattern'],
    ['an unknown keyword', { typ: 'object' }, 'typ'],
    ['an unknown type', { type: 'text' }, 'type'],
    ['a schema that is none', { properties: { a: 5 } }, 'properties.a'],
    ['an empty list of values', { enum: [] }, 'enum'],
    ['a range upside down', { minimum: 2, maximum: 1 }, 'minimum'],
    ['a default that does not fit', { properties: { a: { type: 'integer', default: 'x' } } }, 'properties.a.default'],
    ['a reference to nowhere', { $ref: '#/$defs/none' }, '$ref'],
    ['a reference to another document', { $ref: 'https://example.com/a.json' }, '$ref'],
    ['a reference to itself', { $ref: '#/$defs/a', $defs: { a: { anyOf: [{ $ref: '#/$defs/a' }] } } }, ''],
    ['a list', [], ''],
    ['endless nesting', JSON.parse('{"items":'.repeat(100) + '{}' + '}'.repeat(100)), ''],
    ['ten thousand values', { enum: Array.from({ length: 10_000 }, (_, index) => index) }, ''],
  ])('%s is refused', (_name, schema, path) => {
    expect(checkSchema(schema).map((problem) => problem.path)).toEqual([path]);
  });

  test('a tree that refers to itself through its items is accepted', () => {
    expect(checkSchema({ type: 'object', properties: { children: { type: 'array', items: { $ref: '#' } } } })).toEqual([]);
  });
});
