/** The same files for the same original: each with one thing damaged in it, most of them in the head, which decides what is done with the rest. */
export function* mutations(original: Uint8Array, count: number): Generator<Uint8Array> {
  const head = Math.min(original.length, headBytes(original));
  let state = 20_261_121;
  const below = (bound: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 4_294_967_296) * bound);
  };
  for (let index = 0; index < count; index++) {
    const bytes = new Uint8Array(original);
    const view = new DataView(bytes.buffer);
    switch (below(6)) {
      case 0:
        yield bytes.subarray(0, below(bytes.length));
        break;
      case 1:
        view.setUint32(below(head - 4), [0, 1, 0x7f_ff_ff_ff, 0xff_ff_ff_ff][below(4)] ?? 0, true);
        yield bytes;
        break;
      case 2:
        view.setBigUint64(below(head - 8), [0n, 1n << 40n, 1n << 63n, (1n << 64n) - 1n][below(4)] ?? 0n, true);
        yield bytes;
        break;
      case 3:
        bytes[head + below(bytes.length - head)] = below(256);
        yield bytes;
        break;
      default:
        bytes[below(head)] = below(256);
        yield bytes;
    }
  }
}

/** Where the names of the tensors end. */
function headBytes(bytes: Uint8Array): number {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return text.lastIndexOf('output.weight') + 64;
}
