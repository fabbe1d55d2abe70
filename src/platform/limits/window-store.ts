import type { Limit } from '../../core/limits.ts';
import { moveTo, type RateWindow, rateWindow } from '../../core/rate-window.ts';

/** The windows of limits that were asked for lately. */
export type WindowStore = {
  readonly open: (limit: Limit, nowMs: number) => RateWindow;
  /** Null when it has been forgotten, because nothing of it counts any more. */
  readonly find: (limit: Limit) => RateWindow | null;
  readonly size: () => number;
};

/**
 * Two generations: what nobody asked for during the longest window holds nothing that counts, and goes with its generation. So nothing ever stops to look
 * through all. A generation of `most` goes earlier, whatever it holds.
 */
export function createWindowStore(most: number): WindowStore {
  let young = new Map<string, RateWindow>();
  let old = new Map<string, RateWindow>();
  let bornMs = Number.NEGATIVE_INFINITY;
  let longestMs = 0;

  const place = (key: string, window: RateWindow, nowMs: number): void => {
    if (young.size >= most || nowMs - bornMs >= longestMs) {
      old = young;
      young = new Map();
      bornMs = nowMs;
    }
    young.set(key, window);
  };

  return {
    size: () => young.size + old.size,
    find: ({ key }) => young.get(key) ?? old.get(key) ?? null,
    open({ key, windowMs }, nowMs) {
      longestMs = Math.max(longestMs, windowMs);
      const known = young.get(key);
      const window = known ?? old.get(key) ?? rateWindow();
      if (known === undefined || nowMs - bornMs >= longestMs) place(key, window, nowMs);
      moveTo(window, windowMs, nowMs);
      return window;
    },
  };
}
