import { createHash } from 'node:crypto';
import type { ModelRequest } from './model-request.ts';

type Keyed = {
  readonly projectId: string;
  readonly provider: string;
  readonly model: string;
  readonly scope: string;
  readonly request: Omit<ModelRequest, 'model'>;
};

/** The whole SHA-256 over all that decides an answer. Whether it is streamed does not, and neither does the dialect it is asked in. */
export function cacheKey(keyed: Keyed): string {
  const { stream: _stream, dialect: _dialect, ...deciding } = keyed.request;
  return createHash('sha256')
    .update(canonicalJson([keyed.projectId, keyed.provider, keyed.model, keyed.scope, deciding]))
    .digest('base64');
}

/** JSON whose objects have their keys in order, so that equal values are equal texts. */
function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const fields = Object.entries(value as Record<string, unknown>).filter(([, field]) => field !== undefined);
  fields.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${canonicalJson(field)}`).join(',')}}`;
}
