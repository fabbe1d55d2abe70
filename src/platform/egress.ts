import type { Clock } from '../app.ts';
import { type Send, UpstreamError } from '../core/provider.ts';
import { createDial } from './egress/dial.ts';
import { type EgressTimes, Exchange } from './egress/exchange.ts';
import { createPool } from './egress/pool.ts';
import { type Proxies, type Route, routeOf } from './egress/route.ts';

type EgressNeeds = {
  readonly clock: Clock;
  readonly times: () => EgressTimes;
  readonly allowedOrigins: () => ReadonlySet<string>;
  readonly proxies: Proxies;
};

/** A provider calls the same few addresses again and again. */
const ROUTES_MAX = 1000;

/** The one way out. Providers' own origins only: whatever URL a provider builds, its key goes nowhere else, and a redirect is not followed. */
export function createSend({ clock, times, allowedOrigins, proxies }: EgressNeeds): Send {
  const pool = createPool(clock);
  const dial = createDial(clock);
  const routes = new Map<string, Route>();

  const routeTo = (url: string): Route => {
    const known = routes.get(url);
    if (known !== undefined) return known;
    const route = routeOf(url, proxies);
    if (routes.size < ROUTES_MAX) routes.set(url, route);
    return route;
  };

  return (request) =>
    new Promise((resolve, reject) => {
      const route = routeTo(request.url);
      if (!allowedOrigins().has(route.origin)) throw new UpstreamError('connect', `${route.origin} is not the address of a configured provider`);
      new Exchange({ pool, dial, times: times() }, route, request, { resolve, reject }).begin();
    });
}
