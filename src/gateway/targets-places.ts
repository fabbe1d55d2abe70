import type { Cancellation } from '../core/cancellation.ts';

/** How many calls a provider, or one of its keys, gets at a time, and the queue before it: a provider that hangs keeps so many of our calls, and no more. */
export type Places = {
  readonly isFull: () => boolean;
  /** To be left once. */
  readonly take: () => void;
  readonly leave: () => void;
  /** Waits for a place, and answers whether it was taken; throws the signal's reason. Null where the queue is too long. */
  readonly wait: (signal: Cancellation) => Promise<boolean> | null;
};

/** Who stands behind so many others would wait for as many answers one after the other. */
const QUEUE_PER_PLACE = 8;

/** The bound is that of the configuration in force. */
export function createPlaces(max: () => number): Places {
  let inFlight = 0;
  const queue = new Set<() => void>();

  return {
    isFull: () => inFlight >= max(),
    take() {
      inFlight++;
    },
    leave() {
      inFlight--;
      for (const comeIn of queue) {
        if (inFlight >= max()) return;
        inFlight++;
        comeIn();
      }
    },
    wait(signal) {
      if (queue.size >= max() * QUEUE_PER_PLACE) return null;
      const { promise, resolve, reject } = Promise.withResolvers<boolean>();
      const leave = (): void => {
        queue.delete(comeIn);
        reject(signal.reason);
      };
      const comeIn = (): void => {
        queue.delete(comeIn);
        signal.removeEventListener('abort', leave);
        resolve(true);
      };
      queue.add(comeIn);
      signal.addEventListener('abort', leave, { once: true });
      return promise;
    },
  };
}

/** A place in both: of a provider, and of the key that it is called by. */
export function bothPlaces(one: Places, other: Places): Places {
  return {
    isFull: () => one.isFull() || other.isFull(),
    take() {
      one.take();
      other.take();
    },
    leave() {
      one.leave();
      other.leave();
    },
    wait(signal) {
      const [first, second] = one.isFull() ? [one, other] : [other, one];
      const inBoth = (): boolean => {
        const hasRoom = !second.isFull();
        if (hasRoom) second.take();
        else first.leave();
        return hasRoom;
      };
      return first.wait(signal)?.then(inBoth) ?? null;
    },
  };
}
