import type { Cancellation } from '../core/cancellation.ts';

/** How many calls a provider gets at a time, and the queue before it: a provider that hangs keeps so many of our calls, and no more. */
export type Places = {
  readonly inFlight: () => number;
  readonly isFull: (max: number) => boolean;
  /** To be left once. The bound is that of the configuration in force. */
  readonly take: () => void;
  readonly leave: (max: number) => void;
  /** Waits for a place and takes it; throws the signal's reason. Null where the queue is too long. */
  readonly wait: (max: number, signal: Cancellation) => Promise<void> | null;
};

/** Who stands behind so many others would wait for as many answers one after the other. */
const QUEUE_PER_PLACE = 8;

export function createPlaces(): Places {
  let inFlight = 0;
  const queue = new Set<() => void>();

  return {
    inFlight: () => inFlight,
    isFull: (max) => inFlight >= max,
    take() {
      inFlight++;
    },
    leave(max) {
      inFlight--;
      for (const comeIn of queue) {
        if (inFlight >= max) return;
        inFlight++;
        comeIn();
      }
    },
    wait(max, signal) {
      if (queue.size >= max * QUEUE_PER_PLACE) return null;
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const leave = (): void => {
        queue.delete(comeIn);
        reject(signal.reason);
      };
      const comeIn = (): void => {
        queue.delete(comeIn);
        signal.removeEventListener('abort', leave);
        resolve();
      };
      queue.add(comeIn);
      signal.addEventListener('abort', leave, { once: true });
      return promise;
    },
  };
}
