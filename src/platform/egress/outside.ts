import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Clock, SendOutside } from '../../app.ts';
import { Canceller } from '../../core/cancellation.ts';
import { orAborted } from '../../core/or-aborted.ts';
import { UpstreamError, type UpstreamResponse } from '../../core/provider.ts';
import type { AddressRule } from '../../core/public-address.ts';
import { createDial } from './dial.ts';
import { Exchange } from './exchange.ts';
import type { Pool } from './pool.ts';
import { type Proxies, type Route, routeOf } from './route.ts';

type Needs = {
  readonly clock: Clock;
  readonly proxies: Proxies;
  readonly mayCall: () => AddressRule;
  /** The addresses of a name; the system's own resolver where left out. */
  readonly resolve?: (hostname: string) => Promise<readonly string[]>;
};

/** Of an answer no more is read. */
const ANSWER_BYTES_MAX = 64 * 1024;

/** Nobody's connection is kept for the next one: it was opened for an address that was looked at just now. */
const NO_POOL: Pool = { take: () => null, give: (_origin, connection) => connection.end() };

/**
 * The way out to addresses that people give. The name is resolved first, and the connection goes to the very address that was looked at, so that
 * a name that means something else a moment later changes nothing.
 */
export function createSendOutside({ clock, proxies, mayCall, resolve = systemResolve }: Needs): SendOutside {
  const dial = createDial(clock);

  return async ({ url, headers, body, limitMs }) => {
    const signal = new Canceller();
    const stop = clock.after(limitMs, () => signal.abort(new UpstreamError('timeout', `no whole answer within ${limitMs} ms`)));
    try {
      const route = await orAborted(checkedRoute(url), signal);
      const times = { connectMs: limitMs, readMs: limitMs, writeMs: limitMs };
      const response = await new Promise<UpstreamResponse>((done, failed) => {
        const request = { method: 'POST', url, headers, body, signal } as const;
        new Exchange({ pool: NO_POOL, dial, times }, route, request, { resolve: done, reject: failed }).begin();
      });
      return { status: response.status, headers: response.headers, text: await beginning(response) };
    } finally {
      stop();
    }
  };

  async function checkedRoute(url: string): Promise<Route> {
    const route = routeOf(url, proxies);
    const { hostname, port, protocol } = new URL(url);
    const name = hostname.replace(/^\[|\]$/g, '');
    const addresses = isIP(name) === 0 ? await resolve(name) : [name];
    const address = addresses.find(mayCall());
    if (address === undefined || addresses.length === 0) throw new UpstreamError('rejected', `${hostname} is not an address of the public internet`);
    const place = address.includes(':') ? `[${address}]` : address;
    if (route.tunnelTo !== null) return { ...route, tunnelTo: `${place}:${port || 443}` };
    // A proxy reads the request itself, and resolves the name that it finds there.
    if (route.target.startsWith('http')) return { ...route, target: `${protocol}//${place}${port === '' ? '' : `:${port}`}${pathOf(url)}` };
    return { ...route, hostname: address };
  }
}

function pathOf(address: string): string {
  const { pathname, search } = new URL(address);
  return `${pathname}${search}`;
}

async function systemResolve(hostname: string): Promise<readonly string[]> {
  try {
    return (await lookup(hostname, { all: true })).map(({ address }) => address);
  } catch (cause) {
    throw new UpstreamError('connect', `the name ${hostname} is not known`, { cause });
  }
}

async function beginning(response: UpstreamResponse): Promise<string> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of response.chunks()) {
    pieces.push(piece);
    size += piece.length;
    if (size >= ANSWER_BYTES_MAX) break;
  }
  return Buffer.concat(pieces).subarray(0, ANSWER_BYTES_MAX).toString();
}
