import { isRecord, resolveReference, typesOf } from './json-schema-parts.ts';
import type { JsonSchema } from './json-schema.ts';

/**
 * The language of the JSON texts that fit a schema, in llama.cpp's notation (GBNF): a model that is held to it cannot say anything else. It knows
 * types, properties, items, constants, choices, references and lengths; limits of numbers, patterns and formats are not in it. Without spaces, so
 * that a model cannot go on with them for ever.
 */
export function jsonGrammar(schema: JsonSchema): string {
  const writer: Writer = { root: schema, rules: new Map(), names: new Map(), left: RULES_MAX };
  const root = ruleFor(writer, schema);
  const rules = [...writer.rules].map(([name, body]) => `${name} ::= ${body}`);
  return [`root ::= ${root}`, ...rules, ...COMMON].join('\n');
}

export class GrammarTooLarge extends Error {}

type Writer = { readonly root: JsonSchema; readonly rules: Map<string, string>; readonly names: Map<unknown, string>; left: number };

const RULES_MAX = 2000;
/** Above this a repetition is as good as free, and a grammar writes out every step. */
const REPEATS_MAX = 200;
const COMMON = [
  String.raw`text ::= "\"" char* "\""`,
  String.raw`char ::= [^"\\\x00-\x1f\x7f] | "\\" (["\\/bfnrt] | "u" hex hex hex hex)`,
  'hex ::= [0-9a-fA-F]',
  'integer ::= "-"? ("0" | [1-9] [0-9]{0,15})',
  'number ::= integer ("." [0-9]{1,15})? ([eE] [-+]? [0-9]{1,3})?',
  'boolean ::= "true" | "false"',
  'null ::= "null"',
  'value ::= object | array | text | number | boolean | null',
  'object ::= "{" (member ("," member)*)? "}"',
  'member ::= text ":" value',
  'array ::= "[" (value ("," value)*)? "]"',
];

/** Each part of the schema is a rule of its own, so that a part may stand in itself. */
function ruleFor(writer: Writer, schema: unknown): string {
  if (!isRecord(schema)) return 'value';
  const known = writer.names.get(schema);
  if (known !== undefined) return known;
  if (--writer.left < 0) throw new GrammarTooLarge(`The schema has more than ${RULES_MAX} parts`);
  const name = `r${writer.names.size}`;
  writer.names.set(schema, name);
  writer.rules.set(name, bodyOf(writer, schema));
  return name;
}

function bodyOf(writer: Writer, schema: JsonSchema): string {
  if (typeof schema['$ref'] === 'string') return ruleFor(writer, resolveReference(writer.root, schema['$ref']));
  if (Object.hasOwn(schema, 'const')) return literal(schema['const']);
  const choices = schema['enum'];
  if (Array.isArray(choices) && choices.length > 0) return choices.map(literal).join(' | ');
  for (const combination of ['anyOf', 'oneOf']) {
    const branches = schema[combination];
    if (Array.isArray(branches) && branches.length > 0) return branches.map((branch) => ruleFor(writer, branch)).join(' | ');
  }
  const all = schema['allOf'];
  if (Array.isArray(all) && all.length > 0) return ruleFor(writer, joined(writer, schema, all));
  const types = typesOf(schema) ?? [isRecord(schema['properties']) ? 'object' : schema['items'] === undefined ? 'value' : 'array'];
  return types.map((type) => typed(writer, schema, type)).join(' | ');
}

/** What all of them say together. */
function joined(writer: Writer, schema: JsonSchema, all: readonly unknown[]): JsonSchema {
  const { allOf: _, ...own } = schema;
  const parts = [own, ...all.map((part) => (isRecord(part) && typeof part['$ref'] === 'string' ? resolveReference(writer.root, part['$ref']) : part))].filter(
    isRecord,
  );
  const properties = Object.assign({}, ...parts.map((part) => part['properties'])) as JsonSchema;
  const required = parts.flatMap((part) => (Array.isArray(part['required']) ? (part['required'] as unknown[]) : []));
  return { ...(Object.assign({}, ...parts) as JsonSchema), ...(Object.keys(properties).length > 0 ? { properties, required } : {}) };
}

function typed(writer: Writer, schema: JsonSchema, type: string): string {
  if (type === 'object') return objectBody(writer, schema);
  if (type === 'array') return arrayBody(writer, schema);
  if (type !== 'string') return type;
  const least = lengthOf(schema['minLength']) ?? 0;
  const most = lengthOf(schema['maxLength']);
  return least === 0 && most === null ? 'text' : String.raw`"\"" char${times(least, most)} "\""`;
}

/** In the order in which the schema names them; those that may be left out may be left out one by one. */
function objectBody(writer: Writer, schema: JsonSchema): string {
  const properties = isRecord(schema['properties']) ? Object.entries(schema['properties']) : [];
  const required = new Set(Array.isArray(schema['required']) ? (schema['required'] as unknown[]) : []);
  const open = schema['additionalProperties'];
  if (properties.length === 0) {
    if (open === false) return '"{" "}"';
    const member = `text ":" ${ruleFor(writer, open)}`;
    return `"{" (${member} ("," ${member})*)? "}"`;
  }
  const members = properties.map(([name, part]) => ({ text: `${literal(name)} ":" ${ruleFor(writer, part)}`, isRequired: required.has(name) }));
  return `"{" ${membersFrom(members)} "}"`;
}

type Member = { readonly text: string; readonly isRequired: boolean };

/** The first that is there has no comma before it: after a required one every other has, and before it they have one behind. */
function membersFrom(members: readonly Member[]): string {
  const first = members.findIndex(({ isRequired }) => isRequired);
  const after = (rest: readonly Member[]): string => rest.map(({ text, isRequired }) => (isRequired ? `"," ${text}` : `("," ${text})?`)).join(' ');
  if (first !== -1) {
    const before = members.slice(0, first).map(({ text }) => `(${text} ",")?`);
    return [...before, members[first]?.text, after(members.slice(first + 1))].filter((part) => part !== '').join(' ');
  }
  const branches = members.map(({ text }, index) => [text, after(members.slice(index + 1))].filter((part) => part !== '').join(' '));
  return `(${branches.join(' | ')})?`;
}

function arrayBody(writer: Writer, schema: JsonSchema): string {
  const item = ruleFor(writer, schema['items']);
  const least = lengthOf(schema['minItems']) ?? 0;
  const most = lengthOf(schema['maxItems']);
  if (most === 0) return '"[" "]"';
  const more = `("," ${item})${times(Math.max(0, least - 1), most === null ? null : most - 1)}`;
  return least === 0 ? `"[" (${item} ${more})? "]"` : `"[" ${item} ${more} "]"`;
}

function lengthOf(limit: unknown): number | null {
  return typeof limit === 'number' && Number.isInteger(limit) && limit >= 0 ? limit : null;
}

function times(least: number, most: number | null): string {
  const from = Math.min(least, REPEATS_MAX);
  return most === null || most > REPEATS_MAX ? (from === 0 ? '*' : `{${from},}`) : `{${from},${Math.max(from, most)}}`;
}

/** A JSON text, as the grammar writes a string of characters. */
function literal(value: unknown): string {
  return JSON.stringify(JSON.stringify(value));
}
