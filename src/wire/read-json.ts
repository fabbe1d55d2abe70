import { UpstreamError } from '../core/provider.ts';

/**
 * Reading what a provider sent: only what is used is looked at, and what is missing or of another type is absent. A schema library would
 * check each piece of each stream again, at many times the cost of parsing it.
 */
export type JsonObject = { readonly [name: string]: unknown };

const EMPTY: JsonObject = {};
const NONE: readonly unknown[] = [];

/** Parses an answer. What is no JSON object is a broken answer, and its text may be anything (a proxy's page, half a body): it is not quoted. */
export function parseObject(text: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new UpstreamError('broken', `The provider sent something that is not JSON (${text.length} characters).`, { cause: new Error('not JSON', { cause }) });
  }
  if (!isObject(value)) throw new UpstreamError('broken', 'The provider sent JSON that is not an object.');
  return value;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function objectOf(value: unknown): JsonObject {
  return isObject(value) ? value : EMPTY;
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : NONE;
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** A count of something, which is what tokens are: whole and not negative. */
export function countOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null;
}
