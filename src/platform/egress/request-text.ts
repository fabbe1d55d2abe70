import { UpstreamError, type UpstreamRequest } from '../../core/provider.ts';
import type { Route } from './route.ts';

/** The headers of a call, written once for all calls that bring the same ones: a provider's never change. */
type Written = { readonly lines: string; readonly hasHost: boolean };
const written = new WeakMap<UpstreamRequest['headers'], Written>();

/** A request as it goes out in HTTP/1.1, up to the pieces of its body where it comes in pieces. */
export function requestText({ target, host, tunnelTo, proxyAuthorization }: Route, request: UpstreamRequest): string {
  const { method, headers, body = '', pieces } = request;
  let own = written.get(headers);
  if (own === undefined) written.set(headers, (own = writeHeaders(headers)));
  const to = own.hasHost ? '' : `host: ${host}\r\n`;
  const proxy = proxyAuthorization === null || tunnelTo !== null ? '' : `proxy-authorization: ${proxyAuthorization}\r\n`;
  return `${method} ${target} HTTP/1.1\r\n${to}${proxy}${own.lines}${framing(request)}\r\n${pieces === undefined ? body : ''}`;
}

function framing({ method, body, pieces }: UpstreamRequest): string {
  if (pieces !== undefined) return pieces.length === null ? 'transfer-encoding: chunked\r\n' : `content-length: ${pieces.length}\r\n`;
  return body === undefined && method === 'GET' ? '' : `content-length: ${Buffer.byteLength(body ?? '')}\r\n`;
}

/** They say where a message ends and how the connection is used, which whoever writes the message decides. */
const OURS = new Set(['connection', 'content-length', 'expect', 'keep-alive', 'proxy-authorization', 'te', 'trailer', 'transfer-encoding', 'upgrade']);

function writeHeaders(headers: UpstreamRequest['headers']): Written {
  let lines = '';
  const names = new Set<string>();
  for (const [name, value] of Object.entries(headers)) {
    const lower = name.toLowerCase();
    if (!/^[!#$%&'*+\-.^_`|~\w]+$/.test(name)) throw new UpstreamError('connect', `${JSON.stringify(name)} cannot be the name of a header`);
    if (OURS.has(lower)) throw new UpstreamError('connect', `the header ${lower} is not for a provider to set`);
    // The value may be a key, and is not repeated.
    if (/[^\t\x20-\x7e\x80-\uffff]/.test(value)) throw new UpstreamError('connect', `the header ${lower} has a character in it that cannot be sent`);
    lines += `${lower}: ${value}\r\n`;
    names.add(lower);
  }
  if (!names.has('accept-encoding')) lines += 'accept-encoding: identity\r\n';
  return { lines, hasHost: names.has('host') };
}
