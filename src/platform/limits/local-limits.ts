import type { Clock } from '../../app.ts';
import { type Limit, PARALLEL_RETRY_MS, type Standing, type Verdict, weightOf } from '../../core/limits.ts';
import { add, fits, type RateWindow, resetMs, settle, waitMs } from '../../core/rate-window.ts';
import { createWindowStore } from './window-store.ts';

/** What this process has admitted, and how much of it runs. */
export type LocalLimits = {
  /** Counts a call against all limits, or against none. `shareOf` is how much of a limit is this process's. */
  readonly take: (limits: readonly Limit[], tokens: number, shareOf: (limit: Limit) => number) => Verdict & { readonly taken: Taken };
  /** The call is over: its place is free, and what it did not use of its tokens. */
  readonly leave: (limits: readonly Limit[], taken: Taken, used: number) => void;
  /** Calls that run, by the key of the limit that counts them. */
  readonly running: ReadonlyMap<string, number>;
};

/** When a call was taken, and how much of each limit. */
export type Taken = { readonly atMs: number; readonly weights: readonly number[] };

/** Of twice as many addresses the eldest are forgotten: an attacker with millions of them must not fill the memory. */
const ADDRESSES_MAX = 25_000;

export function createLocalLimits(clock: Pick<Clock, 'monotonic'>): LocalLimits {
  // Apart, so that no crowd of addresses pushes out what a key has used.
  const addresses = createWindowStore(ADDRESSES_MAX);
  const callers = createWindowStore(Number.POSITIVE_INFINITY);
  const running = new Map<string, number>();
  const windowOf = (limit: Limit, nowMs: number): RateWindow | null => {
    if (limit.kind === 'parallel') return null;
    return (limit.scope === 'address' ? addresses : callers).open(limit, nowMs);
  };
  const run = ({ key }: Limit, change: 1 | -1): void => {
    const now = (running.get(key) ?? 0) + change;
    if (now > 0) running.set(key, now);
    else running.delete(key);
  };

  return {
    running,
    take(limits, tokens, shareOf) {
      const nowMs = clock.monotonic();
      const open = limits.map((limit) => {
        const max = shareOf(limit);
        return { limit, max, weight: weightOf(limit, tokens, Math.min(max, limit.max)), window: windowOf(limit, nowMs) };
      });
      let refusedBy: Limit | null = null;
      let retryAfterMs = 0;
      for (const { limit, window, max, weight } of open) {
        if (window === null ? (running.get(limit.key) ?? 0) < max : fits(window, max, weight)) continue;
        const wait = window === null ? PARALLEL_RETRY_MS : waitMs(window, { max, windowMs: limit.windowMs }, { nowMs, weight });
        if (wait > retryAfterMs) [refusedBy, retryAfterMs] = [limit, wait];
      }
      const standings = open.map(({ limit, window, max, weight }): Standing => {
        if (window === null) {
          if (refusedBy === null) run(limit, 1);
          return { remaining: Math.max(0, max - (running.get(limit.key) ?? 0)), resetMs: PARALLEL_RETRY_MS };
        }
        if (refusedBy === null) add(window, limit.windowMs, { nowMs, weight });
        return { remaining: Math.max(0, max - window.spent), resetMs: resetMs(window, limit.windowMs, nowMs) };
      });
      return { refusedBy, retryAfterMs, standings, taken: { atMs: nowMs, weights: open.map(({ weight }) => weight) } };
    },
    leave(limits, { atMs, weights }, used) {
      for (const [index, limit] of limits.entries()) {
        if (limit.kind === 'parallel') run(limit, -1);
        if (limit.kind !== 'tokens') continue;
        const window = callers.find(limit);
        if (window) settle(window, limit.windowMs, { atMs, change: Math.ceil(used) - (weights[index] ?? 0) });
      }
    },
  };
}
