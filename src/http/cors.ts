/** What a browser must be told so that pages of other origins may call; nothing for origins that may not. */
export type Cors = {
  readonly headers: (origin: string | null) => Record<string, string>;
  readonly preflight: (origin: string | null) => Record<string, string>;
};

const EXPOSED = [
  'X-Request-Id, X-Cache, X-Model, X-Provider, X-Cost-Usd, X-Upstream-Attempts, X-Stream-Id, Server-Timing, Idempotency-Replayed, Retry-After',
  'RateLimit, RateLimit-Policy, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset',
].join(', ');
const NONE: Record<string, string> = {};

export function createCors(origins: readonly string[]): Cors {
  const any = origins.includes('*');
  const allowed = new Set(origins);
  const headers = (origin: string | null): Record<string, string> => {
    if (origin === null || !(any || allowed.has(origin))) return NONE;
    return { 'access-control-allow-origin': any ? '*' : origin, 'access-control-expose-headers': EXPOSED, ...(any ? {} : { vary: 'Origin' }) };
  };
  return {
    headers,
    preflight(origin) {
      const own = headers(origin);
      if (own === NONE) return NONE;
      return {
        ...own,
        'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE, OPTIONS',
        'access-control-allow-headers': '*, Authorization',
        'access-control-max-age': '600',
      };
    },
  };
}
