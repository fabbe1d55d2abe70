import { AppError } from '../../contract/errors.ts';
import { SCOPES } from '../../contract/policy.ts';
import { canonicalJson } from '../../core/canonical-json.ts';
import type { Exchange, Route } from '../route.ts';

export const KEY_HEADER = 'Idempotency-Key';
export const KEY_CHARS_MAX = 255;

const PRINTABLE = /^[\x20-\x7e]+$/;
const QUOTED = /^"(.*)"$/;
/** Far above any address of ours, and far below what an index of Postgres can hold. */
const PATH_CHARS_KEPT = 500;

/** Whether the route does its work once for each key: a POST that creates or spends. */
export function isDoneOnce({ method, scope }: Pick<Route, 'method' | 'scope'>): boolean {
  return method === 'POST' && SCOPES[scope].once;
}

/** The key that a header holds, bare or as the quoted text that the IETF's draft asks for. */
export function readKey(header: string): string {
  const text = header.trim();
  const quoted = QUOTED.exec(text)?.[1];
  const key = quoted === undefined ? text : quoted.replaceAll(/\\(["\\])/g, '$1');
  if (PRINTABLE.test(key) && key.trim() !== '' && key.length <= KEY_CHARS_MAX) return key;
  throw new AppError('INVALID_VALUE', {
    field: KEY_HEADER,
    message: `${KEY_HEADER} must have between 1 and ${KEY_CHARS_MAX} printable ASCII characters`,
    details: { min: 1, max: KEY_CHARS_MAX, received: key.length },
  });
}

/** What a key stands for: nobody else's equal key is the same one, and neither is one for another address. */
export type KeyPlace = {
  readonly projectId: string;
  readonly caller: string;
  readonly method: string;
  readonly path: string;
  readonly key: string;
};

export function keyPlace(key: string, exchange: Exchange): KeyPlace {
  const { principal, request, path } = exchange;
  return { projectId: principal.projectId, caller: callerOf(exchange), method: request.method, path: path.slice(0, PATH_CHARS_KEPT), key };
}

/** All that was asked, as a text that is equal for equal requests: the order of the fields of an object, and the space between them, say nothing. */
export function askedText({ request, path }: Exchange, { queryText, sent }: { readonly queryText: string; readonly sent: unknown }): string {
  return canonicalJson([request.method, path, queryText, mediaType(request.headers.get('content-type')), sent ?? null]);
}

function callerOf({ principal, address }: Exchange): string {
  if (principal.kind === 'user') return `user:${principal.userId}`;
  return principal.kind === 'key' ? `key:${principal.keyId}` : `address:${address}`;
}

/** A body without a type is read as JSON. */
function mediaType(header: string | null): string {
  return header?.split(';', 1)[0]?.trim().toLowerCase() || 'application/json';
}
