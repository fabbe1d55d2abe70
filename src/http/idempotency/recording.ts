import type { Cancellation } from '../../core/cancellation.ts';
import { orAborted } from '../../core/or-aborted.ts';
import type { Reply, Sink } from '../route.ts';

/** A stream that runs by itself, whoever reads it, and is read by its caller as it comes. */
export type Recording = {
  /** Resolves when it is over, however it ended. */
  readonly ended: Promise<RecordedStream>;
  /** Hands over what there is and what comes, until the end or until the caller leaves. */
  readonly follow: (sink: Sink, caller: Cancellation) => Promise<void>;
};

export type RecordedStream = {
  readonly bytes: Buffer<ArrayBuffer>;
  /** What it was thrown by; null where it came to its end. */
  readonly fault: { readonly cause: unknown } | null;
};

export function record(stream: NonNullable<Reply['stream']>): Recording {
  const pieces: Uint8Array[] = [];
  let over = false;
  let next = Promise.withResolvers<void>();
  const wake = (): void => {
    next.resolve();
    next = Promise.withResolvers<void>();
  };
  const write = (piece: string | Uint8Array): void => {
    pieces.push(typeof piece === 'string' ? Buffer.from(piece) : piece);
    wake();
  };
  const run = async (): Promise<RecordedStream> => {
    try {
      await stream({ write });
      return { bytes: Buffer.concat(pieces), fault: null };
    } catch (cause) {
      return { bytes: Buffer.concat(pieces), fault: { cause } };
    } finally {
      over = true;
      wake();
    }
  };

  return {
    ended: run(),
    async follow(sink, caller) {
      for (let from = 0; !caller.aborted;) {
        const bytes = Buffer.concat(pieces.slice(from));
        from = pieces.length;
        if (bytes.length > 0) await orLeft(sink.write(bytes), caller);
        else if (over) return;
        else await orLeft(next.promise, caller);
      }
    },
  };
}

/** Until it is done, or the caller has left. */
async function orLeft(doing: void | Promise<void>, caller: Cancellation): Promise<void> {
  if (!(doing instanceof Promise)) return;
  try {
    await orAborted(doing, caller);
  } catch (cause) {
    if (!caller.aborted) throw cause;
  }
}
