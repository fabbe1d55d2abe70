import { type CustomTypesConfig, types } from 'pg';

/**
 * How Postgres's values become ours, on every connection: a bigint a number where it fits, else an error, since a rounded number is a wrong one; a date
 * stays the text that it is, since a Date would move it by a time zone. The rest is the driver's: timestamptz a Date, numeric a string, jsonb parsed.
 */
export const typeParsers: CustomTypesConfig = {
  getTypeParser(type, format) {
    if (format !== 'binary') {
      if (type === types.builtins.INT8) return parseBigint;
      if (type === types.builtins.DATE) return (text: string) => text;
    }
    return types.getTypeParser(type, format) as (text: string) => unknown;
  },
};

function parseBigint(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`the bigint ${text} does not fit into a number: select it as text`);
  return value;
}
