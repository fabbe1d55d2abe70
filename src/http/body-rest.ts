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

/** Whoever sends nothing for so long may be waiting for the answer. */
const SILENCE_MS = 1000;

/**
 * Takes in what is still coming of a body that is refused. A caller who wants the connection closed behind the answer would have it reset while he is
 * still sending, and never read why.
 */
export async function takeRest(body: Body, clock: Pick<Clock, 'sleep'>): Promise<void> {
  if (body.locked) return;
  const reader = body.getReader();
  try {
    while (await takeOne(reader, clock));
  } catch {
    // The caller has left.
  }
}

async function takeOne(reader: ReadableStreamDefaultReader<Uint8Array>, clock: Pick<Clock, 'sleep'>): Promise<boolean> {
  const waiting = new Canceller();
  const silence = clock.sleep(SILENCE_MS, waiting).then(
    () => null,
    () => null,
  );
  try {
    const read = await Promise.race([reader.read(), silence]);
    if (read === null || read.done) return false;
    giveBack(read.value);
    return true;
  } finally {
    waiting.abort(null);
  }
}
