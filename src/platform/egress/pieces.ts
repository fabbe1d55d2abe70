import type { BodyPieces } from '../../core/provider.ts';

/** Where a body goes: says no once nobody takes any more of it. */
type Put = (bytes: Buffer) => boolean | Promise<boolean>;

/**
 * Hands over a body that is made meanwhile, the next piece when the last one was taken, so that no more than one is held. Throws where it turns
 * out to be of another length than was announced: its receiver must not take it for the whole.
 */
export async function handOver({ bytes, length }: BodyPieces, put: Put): Promise<void> {
  let sent = 0;
  for await (const piece of bytes) {
    if (piece.length === 0) continue;
    sent += piece.length;
    if (length !== null && sent > length) break;
    if (!(await put(length === null ? chunk(piece) : asBuffer(piece)))) return;
  }
  if (length === null) await put(END_OF_CHUNKS);
  else if (sent !== length) throw new Error(`a body of ${length} bytes was announced, and another was made`);
}

const LINE_END = Buffer.from('\r\n');
const END_OF_CHUNKS = Buffer.from('0\r\n\r\n');

function chunk(piece: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, LINE_END]);
}

function asBuffer(piece: Uint8Array): Buffer {
  return Buffer.from(piece.buffer, piece.byteOffset, piece.length);
}
