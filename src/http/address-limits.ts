import type { Clock } from '../app.ts';
import { AppError } from '../contract/errors.ts';
import type { Rate } from '../contract/settings.ts';
import { admit, isIdle, type SlidingWindow, slidingWindow } from '../core/sliding-window.ts';

/** Limits by route and address, for callers that no key or budget limits. */
export type AddressLimits = {
  /** Counts a call, and answers the headers that tell of the limit; throws RATE_LIMIT_EXCEEDED when there is no room. */
  readonly take: (name: string, rate: NonNullable<Rate>, address: string) => Record<string, string>;
};

/** More addresses than this are not kept apart: an attacker with millions of them must not fill the memory. */
const ADDRESSES_MAX = 50_000;

export function createAddressLimits(clock: Pick<Clock, 'monotonic'>): AddressLimits {
  const windows = new Map<string, { window: SlidingWindow; windowMs: number }>();

  const forgetIdle = (nowMs: number): void => {
    for (const [key, kept] of windows) if (isIdle(kept.window, kept.windowMs, nowMs)) windows.delete(key);
    // Still full: the oldest go, in the order of their first call.
    for (const key of windows.keys()) {
      if (windows.size < ADDRESSES_MAX) break;
      windows.delete(key);
    }
  };

  return {
    take(name, rate, address) {
      const nowMs = clock.monotonic();
      const key = `${name} ${rate.words} ${address}`;
      let kept = windows.get(key);
      if (!kept) {
        if (windows.size >= ADDRESSES_MAX) forgetIdle(nowMs);
        kept = { window: slidingWindow(rate.limit), windowMs: rate.windowMs };
        windows.set(key, kept);
      }
      const admission = admit(kept.window, rate.windowMs, nowMs);
      const resetS = Math.ceil(admission.resetMs / 1000);
      const headers = {
        'ratelimit-policy': `"${name}";q=${rate.limit};w=${Math.ceil(rate.windowMs / 1000)}`,
        ratelimit: `"${name}";r=${admission.remaining};t=${resetS}`,
        'x-ratelimit-limit': String(rate.limit),
        'x-ratelimit-remaining': String(admission.remaining),
        'x-ratelimit-reset': String(resetS),
      };
      if (admission.admitted) return headers;
      throw new AppError('RATE_LIMIT_EXCEEDED', {
        message: `Rate limit exceeded: ${rate.words}`,
        details: { limit: rate.limit, window_s: rate.windowMs / 1000 },
        retryAfterMs: admission.retryAfterMs,
        headers,
      });
    },
  };
}
