import type { Clock } from '../app.ts';
import type { Cancellation } from '../core/cancellation.ts';

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep,
  after,
};

/** Resolves after `ms`, or rejects with the signal's reason as soon as it aborts. */
function sleep(ms: number, signal?: Cancellation): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal?.addEventListener('abort', stop, { once: true });
  });
}

/** From here on a timer may be late by LOOK_MS. */
const COARSE_FROM_MS = 1000;
const LOOK_MS = 50;

type Late = { readonly dueAt: number; readonly run: () => void };
const waiting = new Set<Late>();
let look: ReturnType<typeof setInterval> | null = null;

/**
 * Nearly every timer of a call is a time limit, and nearly every limit is taken back before it is reached. The runtime's own timers cost a
 * microsecond each; a place in a set that one interval looks through costs a tenth of that.
 */
function after(ms: number, run: () => void): () => void {
  if (ms < COARSE_FROM_MS) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  }
  const late: Late = { dueAt: performance.now() + ms, run };
  waiting.add(late);
  look ??= setInterval(runDue, LOOK_MS);
  return () => waiting.delete(late);
}

function runDue(): void {
  const now = performance.now();
  for (const late of waiting) {
    if (late.dueAt > now) continue;
    waiting.delete(late);
    late.run();
  }
  if (waiting.size > 0 || look === null) return;
  clearInterval(look);
  look = null;
}
