/**
 * A weighted limit over a sliding window. What was admitted lies in buckets of a sixtieth of the window, and a bucket counts for as long as the
 * last admission in it is in the window: so no window of that length, wherever it starts, holds more than the limit, and a place comes free at most
 * a sixtieth of the window late. (A fixed window and a token bucket let up to twice the limit through.) platform/limits/script.ts says the same in Lua.
 */
export type RateWindow = {
  spent: number;
  /** In pairs, oldest first: when a bucket was last added to, and its weight. */
  readonly buckets: number[];
  /** Weight that was told to come back, and until when that lies ahead: two who are refused are not sent to the same place. */
  promised: number;
  promisedUntilMs: number;
};

/** What may be admitted in a window. */
export type RateLimit = { readonly max: number; readonly windowMs: number };

const BUCKETS = 60;

export function rateWindow(): RateWindow {
  return { spent: 0, buckets: [], promised: 0, promisedUntilMs: Number.NEGATIVE_INFINITY };
}

/** Forgets what has left the window. Comes before every question; what the clock says is passed on to it as `nowMs`. */
export function moveTo(window: RateWindow, windowMs: number, nowMs: number): void {
  const { buckets } = window;
  const newest = buckets.at(-2) ?? nowMs;
  // A clock that was set back: what it has not come to yet must not block the window until it does.
  if (newest - nowMs > windowMs / BUCKETS) {
    Object.assign(window, { ...rateWindow(), buckets });
    buckets.length = 0;
    return;
  }
  let left = 0;
  while (left < buckets.length && nowMs - (buckets[left] ?? 0) >= windowMs) {
    window.spent -= buckets[left + 1] ?? 0;
    left += 2;
  }
  if (left > 0) buckets.splice(0, left);
}

export function fits(window: RateWindow, max: number, weight: number): boolean {
  return window.spent + weight <= max;
}

export function add(window: RateWindow, windowMs: number, { nowMs, weight }: { readonly nowMs: number; readonly weight: number }): void {
  const { buckets } = window;
  const newest = buckets.at(-2) ?? Number.NEGATIVE_INFINITY;
  const at = Math.max(nowMs, newest);
  window.spent += weight;
  window.promised = Math.max(0, window.promised - weight);
  if (bucketOf(at, windowMs) === bucketOf(newest, windowMs)) {
    buckets[buckets.length - 2] = at;
    buckets[buckets.length - 1] = (buckets.at(-1) ?? 0) + weight;
  } else buckets.push(at, weight);
}

/** Changes the weight of what was added at `atMs`, which turned out to be more or less. */
export function settle(window: RateWindow, windowMs: number, { atMs, change }: { readonly atMs: number; readonly change: number }): void {
  const { buckets } = window;
  for (let index = buckets.length - 2; index >= 0; index -= 2) {
    if (bucketOf(buckets[index] ?? 0, windowMs) !== bucketOf(atMs, windowMs)) continue;
    const weight = buckets[index + 1] ?? 0;
    const real = Math.max(-weight, change);
    buckets[index + 1] = weight + real;
    window.spent += real;
    return;
  }
}

/**
 * How long until a weight that does not fit now has a place of its own: behind those who were told before, as far as they fit into one window with it. One
 * that never fits is told to wait for a whole window.
 */
export function waitMs(window: RateWindow, { max, windowMs }: RateLimit, { nowMs, weight }: { readonly nowMs: number; readonly weight: number }): number {
  const promised = nowMs >= window.promisedUntilMs || window.promised + weight > max ? 0 : window.promised;
  let excess = window.spent + promised + weight - max;
  const { buckets } = window;
  for (let index = 0; index < buckets.length; index += 2) {
    excess -= buckets[index + 1] ?? 0;
    if (excess > 0) continue;
    window.promised = promised + weight;
    window.promisedUntilMs = (buckets[index] ?? 0) + windowMs;
    return window.promisedUntilMs - nowMs;
  }
  return windowMs;
}

/** Until the whole limit is free again. */
export function resetMs(window: RateWindow, windowMs: number, nowMs: number): number {
  const newest = window.buckets.at(-2);
  return newest === undefined ? 0 : Math.max(0, newest + windowMs - nowMs);
}

function bucketOf(atMs: number, windowMs: number): number {
  return Math.floor((atMs * BUCKETS) / windowMs);
}
