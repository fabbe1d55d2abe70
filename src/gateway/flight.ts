import type { Cancellation } from '../core/cancellation.ts';
import type { EventBatches, ModelEvent } from '../core/events.ts';

/**
 * One upstream answer that several callers read. The first reader that wants more draws it from upstream, the others find it in the log, so
 * the pace is that of the fastest reader and a slow one holds nobody up. When the last reader has left, the answer is cancelled.
 */
export type Flight = {
  readonly follow: (signal: Cancellation) => EventBatches;
};

export function createFlight(source: AsyncIterator<readonly ModelEvent[], unknown>, cancel: () => void): Flight {
  const log: (readonly ModelEvent[])[] = [];
  let state: 'flowing' | 'ended' | 'broken' = 'flowing';
  let fault: unknown;
  let drawing: Promise<void> | null = null;
  let readers = 0;

  const drawOne = async (): Promise<void> => {
    try {
      const { done, value } = await source.next();
      if (done) state = 'ended';
      else log.push(value);
    } catch (cause) {
      state = 'broken';
      fault = cause;
    }
    drawing = null;
  };

  async function* read(signal: Cancellation, leave: () => void): AsyncGenerator<readonly ModelEvent[]> {
    const wait = abortableWait(signal);
    try {
      for (let next = 0; ;) {
        const batch = log[next];
        if (batch) {
          next++;
          yield batch;
        } else if (state === 'ended') return;
        else if (state === 'broken') throw fault;
        else await wait.until((drawing ??= drawOne()));
      }
    } finally {
      wait.over();
      signal.removeEventListener('abort', leave);
      leave();
    }
  }

  return {
    follow(signal) {
      // Counted now and not at the first read: between the two, the last other reader may leave.
      readers++;
      const leave = once(() => {
        readers--;
        if (readers === 0 && state === 'flowing') cancel();
      });
      // One who leaves before reading would not be missed by a generator that never ran.
      if (signal.aborted) leave();
      else signal.addEventListener('abort', leave, { once: true });
      return read(signal, leave);
    },
  };
}

function once(run: () => void): () => void {
  let ran = false;
  return () => {
    if (!ran) {
      ran = true;
      run();
    }
  };
}

type Wait = { readonly until: (drawn: Promise<void>) => Promise<void>; readonly over: () => void };

/** Waits again and again, and stops with the signal's reason. One listener for all of it: one for each wait costs more than the piece waited for. */
function abortableWait(signal: Cancellation): Wait {
  let stop: ((reason: unknown) => void) | null = null;
  const leave = (): void => stop?.(signal.reason);
  signal.addEventListener('abort', leave, { once: true });
  return {
    until: (drawn) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) reject(signal.reason);
        stop = reject;
        void drawn.then(resolve);
      }),
    over: () => signal.removeEventListener('abort', leave),
  };
}
