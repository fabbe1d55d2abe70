import type { Clock } from '../app.ts';
import { Canceller } from '../core/cancellation.ts';

type Body = ReadableStream<Uint8Array>;

/** A body as it comes. Whoever stops in the midst leaves the rest to `takeRest`. */
export function piecesOf(body: Body): AsyncIterable<Uint8Array> {
  return body.values({ preventCancel: true });
}

/** Frees the memory of a piece that nobody has any use for: until the collector comes by, there would be a hundred of them. */
export function giveBack({ buffer, length }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === length) buffer.transfer(0);
}

/** Whoever sends less than so much in so long is not waited for: they wait for the answer themselves, or would keep us here. */
const PACE_BYTES = 64 * 1024;
const PACE_MS = 1000;

/**
 * Takes in what is still coming of a body that is refused. A caller who wants the connection closed behind the answer would have it reset while he is
 * still sending, and never read why.
 */
export async function takeRest(body: Body, clock: Pick<Clock, 'sleep'>): Promise<void> {
  if (body.locked) return;
  const reader = body.getReader();
  try {
    while (await takeSome(reader, clock));
  } catch {
    // The caller has left.
  }
}

/** Whether it goes on, at a good pace. */
async function takeSome(reader: ReadableStreamDefaultReader<Uint8Array>, clock: Pick<Clock, 'sleep'>): Promise<boolean> {
  const waiting = new Canceller();
  const late = clock.sleep(PACE_MS, waiting).then(
    () => null,
    () => null,
  );
  try {
    for (let bytes = 0; bytes < PACE_BYTES;) {
      const read = await Promise.race([reader.read(), late]);
      if (read === null || read.done) return false;
      bytes += read.value.length;
      giveBack(read.value);
    }
    return true;
  } finally {
    waiting.abort(null);
  }
}
