import type { AppError } from '../contract/errors.ts';

/** What becomes of a row whose call failed: that is its outcome, or it runs again, which counts as an attempt where a provider was asked for it. */
export type AfterRow = { readonly kind: 'over' } | { readonly kind: 'again'; readonly ms: number; readonly counts: boolean };

type Failed = { readonly error: Pick<AppError, 'code' | 'parts'>; readonly retries: number; readonly random: number };

const RETRIES_MAX = 4;
/** A provider that limits us does not mean this row: it takes part in that for about a quarter of an hour. */
const LIMITED_RETRIES_MAX = 16;
const BACKOFF_MS = 1000;
const BACKOFF_MAX_MS = 60_000;
/** For what stands in the way of all rows, and not of this one: whether it still does is soon asked. */
const LOOK_AGAIN_MS = 1000;

const OVER: AfterRow = { kind: 'over' };

export function afterRow(failed: Failed): AfterRow {
  const { code, parts } = failed.error;
  switch (code) {
    case 'UPSTREAM_RATE_LIMITED':
      return attempt(failed, LIMITED_RETRIES_MAX);
    case 'TIMEOUT':
      return attempt(failed, RETRIES_MAX);
    case 'INTERNAL_ERROR':
      return isWorthIt(parts.details) ? attempt(failed, RETRIES_MAX) : OVER;
    // The caller's own limits, and nobody to ask at the moment: neither the provider nor the row did anything wrong.
    case 'RATE_LIMIT_EXCEEDED':
    case 'SERVICE_UNAVAILABLE':
      return { kind: 'again', ms: Math.max(LOOK_AGAIN_MS, parts.retryAfterMs ?? 0), counts: false };
    // What calls under way have set aside of the budget may come back.
    case 'BUDGET_EXCEEDED':
      return Number(parts.details?.['reserved'] ?? 0) > 0 ? attempt(failed, RETRIES_MAX) : OVER;
    default:
      return OVER;
  }
}

function attempt({ error: { parts }, retries, random }: Failed, retriesMax: number): AfterRow {
  if (retries >= retriesMax) return OVER;
  const backoffMs = Math.min(BACKOFF_MAX_MS, BACKOFF_MS * 2 ** retries) * (0.75 + random / 2);
  return { kind: 'again', ms: Math.max(backoffMs, parts.retryAfterMs ?? 0), counts: true };
}

/** A provider failed, and not because of our key: what is wrong with ourselves is as wrong a second later. */
function isWorthIt(details: AppError['parts']['details']): boolean {
  const upstream = details?.['upstream'];
  if (typeof upstream !== 'object' || upstream === null || !('status' in upstream) || 'finish_reason' in upstream || 'problems' in upstream) return false;
  const { status } = upstream;
  return status === null || (typeof status === 'number' && (status >= 500 || status === 408 || status === 409 || status === 429 || status < 300));
}
