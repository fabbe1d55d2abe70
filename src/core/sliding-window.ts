/**
 * An exact limit: no window of `windowMs`, wherever it starts, admits more than `limit`. It keeps the times of the last `limit` admissions in a
 * ring; a call is admitted when the oldest of them has left the window. (A bucket or a fixed window lets up to twice the limit through.)
 */
export type SlidingWindow = { readonly times: Float64Array; next: number };

export type Admission = {
  readonly admitted: boolean;
  readonly remaining: number;
  /** Until a call that is refused now would be admitted; 0 when there is room. */
  readonly retryAfterMs: number;
  /** Until the whole limit is free again. */
  readonly resetMs: number;
};

export function slidingWindow(limit: number): SlidingWindow {
  return { times: new Float64Array(limit).fill(Number.NEGATIVE_INFINITY), next: 0 };
}

export function admit(window: SlidingWindow, windowMs: number, nowMs: number): Admission {
  const { times } = window;
  const limit = times.length;
  if (limit === 0) return { admitted: false, remaining: 0, retryAfterMs: windowMs, resetMs: windowMs };
  const oldest = times[window.next] ?? 0;
  if (nowMs - oldest < windowMs) {
    const newest = times[(window.next + limit - 1) % limit] ?? 0;
    return { admitted: false, remaining: 0, retryAfterMs: oldest + windowMs - nowMs, resetMs: newest + windowMs - nowMs };
  }
  times[window.next] = nowMs;
  window.next = (window.next + 1) % limit;
  let used = 0;
  for (const time of times) if (nowMs - time < windowMs) used++;
  return { admitted: true, remaining: limit - used, retryAfterMs: 0, resetMs: windowMs };
}

/** Whether nothing of it counts any more, so that it can be forgotten. */
export function isIdle(window: SlidingWindow, windowMs: number, nowMs: number): boolean {
  const newest = window.times[(window.next + window.times.length - 1) % window.times.length] ?? 0;
  return nowMs - newest >= windowMs;
}
