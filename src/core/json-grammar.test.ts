import { describe, expect, test } from 'bun:test';
import { GrammarTooLarge, jsonGrammar } from './json-grammar.ts';

const rules = (schema: Record<string, unknown>): string[] =>
  jsonGrammar(schema)
    .split('\n')
    .filter((line) => /^r\d/.test(line));

describe('a grammar of JSON', () => {
  test('says required properties, and those that may be left out, in their order', () => {
    const schema = { type: 'object', properties: { a: { type: 'string' }, b: { type: 'integer' }, c: { type: 'null' } }, required: ['b'] };
    expect(rules(schema)).toContain(String.raw`r0 ::= "{" ("\"a\"" ":" r1 ",")? "\"b\"" ":" r2 ("," "\"c\"" ":" r3)? "}"`);
  });

  test('lets an object be empty whose properties may all be left out', () => {
    const schema = { type: 'object', properties: { a: { type: 'string' }, b: { type: 'string' } } };
    expect(rules(schema)).toContain(String.raw`r0 ::= "{" ("\"a\"" ":" r1 ("," "\"b\"" ":" r2)? | "\"b\"" ":" r2)? "}"`);
  });

  test('says constants and choices, with what they escape', () => {
    expect(rules({ enum: ['a"b', 1, null] })).toEqual([String.raw`r0 ::= "\"a\\\"b\"" | "1" | "null"`]);
    expect(rules({ const: { x: '\n' } })).toEqual([String.raw`r0 ::= "{\"x\":\"\\n\"}"`]);
  });

  test('follows references, into itself too', () => {
    const schema = { $defs: { tree: { type: 'array', items: { $ref: '#/$defs/tree' }, maxItems: 2 } }, $ref: '#/$defs/tree' };
    expect(rules(schema)).toEqual(['r2 ::= r1', 'r1 ::= "[" (r2 ("," r2){0,1})? "]"', 'r0 ::= r1']);
  });

  test('counts items and characters', () => {
    expect(rules({ type: 'array', items: { type: 'number' }, minItems: 2 })).toContain('r0 ::= "[" r1 ("," r1){1,} "]"');
    expect(rules({ type: 'array', maxItems: 0 })).toContain('r0 ::= "[" "]"');
    expect(rules({ type: 'string', minLength: 1, maxLength: 5 })).toEqual([String.raw`r0 ::= "\"" char{1,5} "\""`]);
  });

  test('says several types, several forms, and several at once', () => {
    expect(rules({ type: ['string', 'null'] })).toEqual(['r0 ::= text | null']);
    expect(rules({ anyOf: [{ type: 'integer' }, { type: 'boolean' }] })).toContain('r0 ::= r1 | r2');
    const both = { allOf: [{ properties: { a: { type: 'null' } }, required: ['a'] }, { properties: { b: { type: 'null' } } }] };
    expect(rules(both)).toContain(String.raw`r1 ::= "{" "\"a\"" ":" r2 ("," "\"b\"" ":" r3)? "}"`);
  });

  test('lets an object of any names hold what its values may be', () => {
    expect(rules({ type: 'object', additionalProperties: { type: 'integer' } })).toContain('r0 ::= "{" (text ":" r1 ("," text ":" r1)*)? "}"');
    expect(rules({ type: 'object', additionalProperties: false })).toEqual(['r0 ::= "{" "}"']);
    expect(rules({})).toEqual(['r0 ::= value']);
  });

  test('has an end', () => {
    const wide = { type: 'object', properties: Object.fromEntries(Array.from({ length: 3000 }, (_, index) => [`p${index}`, { type: 'null' }])) };
    expect(() => jsonGrammar(wide)).toThrow(GrammarTooLarge);
  });
});
