import { orAborted } from '../core/or-aborted.ts';
import type { EventBatches, ModelEvent } from '../core/events.ts';

/**
 * One upstream answer that several callers read. The first reader that wants more draws it from upstream, the others find it in the log, so
 * the pace is that of the fastest reader and a slow one holds nobody up. When the last reader has left, the answer is cancelled.
 */
export type Flight = {
  readonly follow: (signal: AbortSignal) => EventBatches;
};

export function createFlight(source: AsyncIterator<readonly ModelEvent[]>, cancel: () => void): Flight {
  const log: (readonly ModelEvent[])[] = [];
  let state: 'flowing' | 'ended' | 'broken' = 'flowing';
  let fault: unknown;
  let drawing: Promise<void> | null = null;
  let readers = 0;

  const draw = (): Promise<void> => {
    drawing ??= source
      .next()
      .then(
        ({ done, value }) => {
          if (done) state = 'ended';
          else log.push(value);
        },
        (cause: unknown) => {
          state = 'broken';
          fault = cause;
        },
      )
      .finally(() => {
        drawing = null;
      });
    return drawing;
  };

  async function* read(signal: AbortSignal): AsyncGenerator<readonly ModelEvent[]> {
    try {
      for (let next = 0; ;) {
        const batch = log[next];
        if (batch) {
          next++;
          yield batch;
        } else if (state === 'ended') return;
        else if (state === 'broken') throw fault;
        else await orAborted(draw(), signal);
      }
    } finally {
      readers--;
      if (readers === 0 && state === 'flowing') cancel();
    }
  }

  return {
    follow(signal) {
      // Counted now and not at the first read: between the two, the last other reader may leave.
      readers++;
      return read(signal);
    },
  };
}
