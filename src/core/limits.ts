import { AppError } from '../contract/errors.ts';
import type { CallLimits } from '../contract/policy.ts';
import type { Rate } from '../contract/settings.ts';
import type { RateLimit } from './rate-window.ts';

/** One thing that is counted and bounded: calls or tokens in a window, or calls at once. */
export type Limit = RateLimit & {
  /** Told apart from everything else that is counted. */
  readonly key: string;
  readonly kind: 'requests' | 'tokens' | 'parallel';
  readonly scope: 'key' | 'user' | 'address';
  /** As RateLimit-Policy calls it. */
  readonly name: string;
  /** `10 per 1 minute` */
  readonly words: string;
};

/** What a limit says after a call. */
export type Standing = { readonly remaining: number; readonly resetMs: number };

/** Whether all limits have room; `refusedBy` is the one that has none for the longest time. A standing for each limit, in the same order. */
export type Verdict = { readonly refusedBy: Limit | null; readonly retryAfterMs: number; readonly standings: readonly Standing[] };

/** Nobody knows when another call ends; soon, mostly. */
export const PARALLEL_RETRY_MS = 1000;
const MINUTE_MS = 60_000;

export function callLimits({ scope, id, rpm, tpm, maxParallel }: CallLimits): Limit[] {
  const limits: Limit[] = [];
  const add = (kind: Limit['kind'], max: number | null, words: string): void => {
    if (max === null) return;
    limits.push({ key: `${scope}:${id}:${kind}`, kind, scope, name: `${scope}-${kind}`, max, windowMs: kind === 'parallel' ? 0 : MINUTE_MS, words });
  };
  add('requests', rpm, `${rpm} per 1 minute`);
  add('tokens', tpm, `${tpm} tokens per 1 minute`);
  add('parallel', maxParallel, `${maxParallel} calls at once`);
  return limits;
}

export function addressLimit(route: string, { limit, windowMs, words }: NonNullable<Rate>, address: string): Limit {
  return { key: `address:${address}:${route}:${words}`, kind: 'requests', scope: 'address', name: route, max: limit, windowMs, words };
}

/**
 * How much a call takes of a limit, of which there is `max` to take. One that may use more tokens than there ever are takes all of them, and so waits until
 * nobody uses any: to refuse it would be to tell it to come back for nothing, whenever it names no `max_tokens` and its model has many.
 */
export function weightOf({ kind }: Limit, tokens: number, max: number): number {
  return kind === 'tokens' ? Math.min(Math.ceil(tokens), max) : 1;
}

export type LimitHeaders = Readonly<Record<string, string>>;

/** What the caller is told: the limit that is nearest to its end, and, as OpenAI's SDKs know it, the nearest of requests and of tokens. */
export function limitHeaders(limits: readonly Limit[], standings: readonly Standing[]): LimitHeaders {
  const headers: Record<string, string> = {};
  let nearest: Told | null = null;
  const nearestOf: Partial<Record<Limit['kind'], Told>> = {};
  for (const [index, limit] of limits.entries()) {
    const standing = standings[index];
    // How many calls run at once says nothing about the next one.
    if (limit.kind === 'parallel' || !standing) continue;
    const told = { limit, standing };
    nearest = nearer(nearest, told);
    if (limit.scope !== 'address') nearestOf[limit.kind] = nearer(nearestOf[limit.kind] ?? null, told);
  }
  if (nearest) Object.assign(headers, headersOf(nearest));
  for (const [kind, { limit, standing }] of Object.entries(nearestOf)) {
    headers[`x-ratelimit-limit-${kind}`] = String(limit.max);
    headers[`x-ratelimit-remaining-${kind}`] = String(standing.remaining);
    headers[`x-ratelimit-reset-${kind}`] = `${seconds(standing.resetMs)}s`;
  }
  return headers;
}

export function refusal(limits: readonly Limit[], { refusedBy: limit, retryAfterMs, standings }: Verdict & { readonly refusedBy: Limit }): AppError {
  const standing = standings[limits.indexOf(limit)] ?? { remaining: 0, resetMs: retryAfterMs };
  return new AppError('RATE_LIMIT_EXCEEDED', {
    message: `Rate limit exceeded: ${limit.words}`,
    details: { limit: limit.max, window_s: limit.kind === 'parallel' ? null : limit.windowMs / 1000, scope: limit.scope, kind: limit.kind },
    headers: { ...limitHeaders(limits, standings), ...headersOf({ limit, standing }) },
    retryAfterMs,
  });
}

type Told = { readonly limit: Limit; readonly standing: Standing };

function nearer(a: Told | null, b: Told): Told {
  return a !== null && a.standing.remaining * b.limit.max <= b.standing.remaining * a.limit.max ? a : b;
}

/** draft-ietf-httpapi-ratelimit-headers-10, and what was there before it. */
function headersOf({ limit: { kind, name, max, windowMs }, standing }: Told): LimitHeaders {
  const reset = seconds(standing.resetMs);
  return {
    'ratelimit-policy': kind === 'parallel' ? `"${name}";q=${max};qu="concurrent-requests"` : `"${name}";q=${max};w=${seconds(windowMs)}`,
    ratelimit: kind === 'parallel' ? `"${name}";r=${standing.remaining}` : `"${name}";r=${standing.remaining};t=${reset}`,
    'x-ratelimit-limit': String(max),
    'x-ratelimit-remaining': String(standing.remaining),
    'x-ratelimit-reset': String(reset),
  };
}

/** Whole seconds, upwards; what binary fractions add to a whole one is not another. */
function seconds(ms: number): number {
  return Math.ceil(Math.round(ms) / 1000);
}
