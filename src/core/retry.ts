import type { UpstreamFault } from './provider.ts';

/** What to do after an attempt failed. */
export type Retry = { readonly kind: 'wait'; readonly ms: number } | { readonly kind: 'next' } | { readonly kind: 'stop' };

type Failure = {
  readonly fault: UpstreamFault;
  readonly retryAfterMs: number | null;
  /** Attempts at this candidate so far. */
  readonly tries: number;
  readonly retriesMax: number;
  readonly baseMs: number;
  /** Until the caller's deadline. */
  readonly leftMs: number;
  readonly random: number;
};

const DOUBLINGS_MAX = 3;
/** A provider that asks for a longer pause gets it from the caller, who may have better things to do than to hold a connection. */
const RETRY_AFTER_MAX_MS = 20_000;

const AFTER: Record<UpstreamFault, 'retry' | 'next' | 'stop'> = {
  connect: 'retry',
  timeout: 'retry',
  rate_limited: 'retry',
  failed: 'retry',
  broken: 'retry',
  // The same key is as bad a second later; another provider has another one.
  unauthorized: 'next',
  // The request itself is wrong, and would be wrong elsewhere.
  rejected: 'stop',
};

export function afterFailure(failure: Failure): Retry {
  const after = AFTER[failure.fault];
  if (after === 'stop') return { kind: 'stop' };
  if (after === 'next' || failure.tries > failure.retriesMax) return { kind: 'next' };
  const doublings = Math.min(failure.tries - 1, DOUBLINGS_MAX);
  // Within a quarter of 1, 2, 4, 8 times the base, so that callers who failed together do not come back together.
  const backoffMs = failure.baseMs * 2 ** doublings * (0.75 + failure.random / 2);
  const ms = Math.max(backoffMs, failure.retryAfterMs ?? 0);
  if ((failure.retryAfterMs ?? 0) > RETRY_AFTER_MAX_MS || ms >= failure.leftMs) return { kind: 'next' };
  return { kind: 'wait', ms };
}
