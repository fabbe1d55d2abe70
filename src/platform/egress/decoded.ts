import { Readable, pipeline } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { UpstreamError } from '../../core/provider.ts';

type Decoder = ReturnType<typeof createGunzip> | ReturnType<typeof createBrotliDecompress>;

/** We ask for none of them; a server may send one all the same. */
const DECODERS = new Map<string, () => Decoder>([
  ['gzip', createGunzip],
  ['x-gzip', createGunzip],
  ['deflate', createInflate],
  ['br', createBrotliDecompress],
]);

export function isPlain(encoding: string): boolean {
  return encoding === '' || encoding === 'identity';
}

export function canDecode(encoding: string): boolean {
  return isPlain(encoding) || DECODERS.has(encoding);
}

/** A body as it was before it was coded. No more of it is made than its reader takes. */
export async function* decoded(coded: AsyncIterable<Uint8Array>, encoding: string): AsyncGenerator<Uint8Array, undefined> {
  const decoder = DECODERS.get(encoding)?.();
  if (decoder === undefined) return;
  // Leaving the loop below ends the decoder, and that ends the reading of what is coded. A fault reaches the loop through the decoder.
  pipeline(Readable.from(coded), decoder, () => undefined);
  try {
    for await (const piece of decoder) yield piece as Buffer;
  } catch (cause) {
    if (cause instanceof UpstreamError) throw cause;
    throw new UpstreamError('broken', `the answer is coded as ${encoding}, and not well`, { cause });
  }
}
