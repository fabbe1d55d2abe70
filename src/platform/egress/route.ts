import { BlockList, isIP } from 'node:net';
import { UpstreamError } from '../../core/provider.ts';

/** Where a call to an address goes, worked out once. */
export type Route = {
  readonly origin: string;
  /** What the connection is opened to: the server, or a proxy. */
  readonly hostname: string;
  readonly port: number;
  /** Whose certificate is asked for; null for a connection in the clear. */
  readonly tlsName: string | null;
  /** What a proxy is asked to connect us to; null where none is in between, or where it reads the request itself. */
  readonly tunnelTo: string | null;
  /** For the proxy, null where it wants none. */
  readonly proxyAuthorization: string | null;
  readonly host: string;
  /** As the request line has it: a path, or for a proxy the whole address. */
  readonly target: string;
};

export type Proxies = { readonly httpProxy: string | null; readonly httpsProxy: string | null; readonly noProxy: readonly string[] };

export function routeOf(address: string, proxies: Proxies): Route {
  const url = new URL(address);
  const isSecure = url.protocol === 'https:';
  const hostname = withoutBrackets(url.hostname);
  const port = Number(url.port) || (isSecure ? 443 : 80);
  const path = `${url.pathname}${url.search}`;
  const direct: Route = {
    origin: url.origin,
    hostname,
    port,
    tlsName: isSecure ? hostname : null,
    tunnelTo: null,
    proxyAuthorization: null,
    host: url.host,
    target: path,
  };
  const proxy = isSecure ? proxies.httpsProxy : proxies.httpProxy;
  if (proxy === null || isLoopback(hostname) || isExempt({ hostname, port }, proxies.noProxy)) return direct;
  return throughProxy(direct, new URL(proxy), { isSecure, path });
}

function throughProxy(direct: Route, proxy: URL, { isSecure, path }: { readonly isSecure: boolean; readonly path: string }): Route {
  if (proxy.protocol !== 'http:') throw new UpstreamError('connect', `a proxy is reached by http://, not ${proxy.protocol}//`);
  const credentials = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  return {
    ...direct,
    hostname: withoutBrackets(proxy.hostname),
    port: Number(proxy.port) || 80,
    tunnelTo: isSecure ? `${direct.hostname.includes(':') ? `[${direct.hostname}]` : direct.hostname}:${direct.port}` : null,
    proxyAuthorization: credentials === ':' ? null : `Basic ${Buffer.from(credentials).toString('base64')}`,
    target: isSecure ? path : `${direct.origin}${path}`,
  };
}

function withoutBrackets(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '');
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname.endsWith('.localhost') || hostname === '::1' || (isIP(hostname) === 4 && hostname.startsWith('127.'));
}

/** As curl and others read NO_PROXY: a name stands for itself and all below it, with or without a port; an address may be a network. */
function isExempt({ hostname, port }: { readonly hostname: string; readonly port: number }, noProxy: readonly string[]): boolean {
  return noProxy.some((entry) => {
    if (entry === '*') return true;
    if (isIP(hostname) !== 0 && entry.includes('/')) return isInNetwork(hostname, entry);
    const [, name = '', itsPort] = /^(.*?)(?::(\d+))?$/.exec(isIP(entry) === 6 ? `[${entry}]` : entry) ?? [];
    if (itsPort !== undefined && Number(itsPort) !== port) return false;
    const bare = withoutBrackets(name)
      .replace(/^\*?\./, '')
      .toLowerCase();
    return bare !== '' && (hostname === bare || (isIP(hostname) === 0 && hostname.endsWith(`.${bare}`)));
  });
}

function isInNetwork(address: string, network: string): boolean {
  const [base = '', bits = ''] = network.split('/');
  const family = isIP(base);
  if (family === 0 || family !== isIP(address) || !/^\d{1,3}$/.test(bits) || Number(bits) > (family === 6 ? 128 : 32)) return false;
  const list = new BlockList();
  list.addSubnet(base, Number(bits), family === 6 ? 'ipv6' : 'ipv4');
  return list.check(address, family === 6 ? 'ipv6' : 'ipv4');
}
