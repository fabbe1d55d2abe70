import { createHash } from 'node:crypto';
import { canonicalJson } from './canonical-json.ts';
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
