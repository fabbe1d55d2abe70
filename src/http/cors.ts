/** What a browser must be told so that pages of other origins may call; nothing for origins that may not. */
export type Cors = {
  readonly headers: (origin: string | null) => Record<string, string>;
  /** What a preflight is told besides. */
  readonly preflight: (origin: string | null) => Record<string, string>;
};

const EXPOSED = [
  'X-Request-Id, X-Cache, X-Model, X-Provider, X-Cost-Usd, X-Upstream-Attempts, X-Stream-Id, Server-Timing, Idempotency-Replayed, Retry-After',
  'RateLimit, RateLimit-Policy, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Retry-After-Ms, X-Should-Retry',
  'X-RateLimit-Limit-Requests, X-RateLimit-Remaining-Requests, X-RateLimit-Reset-Requests',
  'X-RateLimit-Limit-Tokens, X-RateLimit-Remaining-Tokens, X-RateLimit-Reset-Tokens',
].join(', ');
const NONE: Record<string, string> = {};
const PREFLIGHT = {
  'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE, OPTIONS',
  'access-control-allow-headers': '*, Authorization',
  'access-control-max-age': '600',
};

export function createCors(origins: readonly string[]): Cors {
  const any = origins.includes('*');
  const allowed = new Set(origins);
  const mayCall = (origin: string): boolean => any || allowed.has(origin);
  // Where the answer depends on who asks, a cache must not give one origin's to another, nor that of none.
  const varies = any || allowed.size === 0 ? NONE : { vary: 'Origin' };
  return {
    headers: (origin) =>
      origin === null || !mayCall(origin) ? varies : { ...varies, 'access-control-allow-origin': any ? '*' : origin, 'access-control-expose-headers': EXPOSED },
    preflight: (origin) => (origin === null || !mayCall(origin) ? NONE : PREFLIGHT),
  };
}
