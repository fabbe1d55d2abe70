import { z } from 'zod';
import { AppError } from '../contract/errors.ts';
import { type Checker, checker } from './validate.ts';

const BOOLEANS: Record<string, boolean> = { true: true, '1': true, false: false, '0': false };
/** Callers send the same few query strings again and again, and reading one costs more than checking a body. */
const REMEMBERED_MAX = 100;
const REMEMBERED_CHARS = 100;
// Small ones are written with an exponent, by JavaScript too.
const NUMBER = /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i;

/** Checks a query string: its words become booleans and numbers where the schema wants them, and then the schema decides. */
export function queryChecker(schema: z.ZodType): (queryText: string) => unknown {
  const types = queryTypes(schema);
  const check: Checker = checker(schema, 'query');
  const remembered = new Map<string, unknown>();

  return (queryText) => {
    if (remembered.has(queryText)) return remembered.get(queryText);
    const values: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
    for (const [name, text] of new URLSearchParams(queryText)) {
      if (name in values) throw new AppError('INVALID_VALUE', { field: name, message: `${name} is given twice`, details: {} });
      values[name] = typed(text, types.get(name));
    }
    const checked = check({ ...values });
    if (remembered.size < REMEMBERED_MAX && queryText.length <= REMEMBERED_CHARS) remembered.set(queryText, Object.freeze(checked));
    return checked;
  };
}

/** What each of its words is read as. */
export function queryTypes(schema: z.ZodType): ReadonlyMap<string, string | undefined> {
  const json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as { properties?: Record<string, { type?: string }> };
  return new Map(Object.entries(json.properties ?? {}).map(([name, property]) => [name, property.type]));
}

function typed(text: string, type: string | undefined): unknown {
  if (type === 'boolean') return BOOLEANS[text] ?? text;
  if (type === 'integer' || type === 'number') return NUMBER.test(text) ? Number(text) : text;
  return text;
}
