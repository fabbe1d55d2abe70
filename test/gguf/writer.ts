import { closeSync, openSync, writeSync } from 'node:fs';

/** Writes model files in the GGUF format, version 3: little-endian, a head of named values and tensors, then the numbers of the tensors. */
export type GgufFile = { readonly metadata: Metadata; readonly tensors: readonly Tensor[] };
export type Metadata = Readonly<Record<string, Value>>;
type Value =
  | readonly ['u32' | 'i32' | 'f32', number]
  | readonly ['bool', boolean]
  | readonly ['text', string]
  | readonly ['texts', readonly string[]]
  | readonly ['i32s' | 'f32s', readonly number[]];

export type Tensor = {
  readonly name: string;
  /** The contiguous side first: what maps n numbers to m has the shape [n, m]. */
  readonly shape: readonly number[];
  readonly format: Format;
  /** In pieces, so that a large file is never whole in memory. */
  readonly numbers: () => Iterable<Uint8Array>;
};

/** A format by its number, with how many values share how many bytes. */
export const FORMATS = {
  F32: { id: 0, values: 1, bytes: 4 },
  Q4_0: { id: 2, values: 32, bytes: 18 },
  Q8_0: { id: 8, values: 32, bytes: 34 },
  Q6_K: { id: 14, values: 256, bytes: 210 },
} as const;
export type Format = keyof typeof FORMATS;

const KINDS = { u32: 4, i32: 5, f32: 6, bool: 7, text: 8, list: 9 } as const;
const ALIGNMENT = 32;

export function sizeOf({ shape, format }: Pick<Tensor, 'shape' | 'format'>): number {
  const { values, bytes } = FORMATS[format];
  return (shape.reduce((product, side) => product * side, 1) / values) * bytes;
}

export function ggufBytes(file: GgufFile): Uint8Array {
  return Buffer.concat([...pieces(file)]);
}

export function writeGguf(path: string, file: GgufFile): void {
  const target = openSync(path, 'w');
  try {
    for (const piece of pieces(file)) writeSync(target, piece);
  } finally {
    closeSync(target);
  }
}

function* pieces({ metadata, tensors }: GgufFile): Generator<Uint8Array> {
  yield head(metadata, tensors);
  for (const tensor of tensors) {
    yield* tensor.numbers();
    yield new Uint8Array(padding(sizeOf(tensor)));
  }
}

function head(metadata: Metadata, tensors: readonly Tensor[]): Uint8Array {
  const parts: Uint8Array[] = [Buffer.from('GGUF'), u32(3), u64(tensors.length), u64(Object.keys(metadata).length)];
  for (const [key, value] of Object.entries(metadata)) parts.push(text(key), ...typed(value));
  let offset = 0;
  for (const tensor of tensors) {
    parts.push(text(tensor.name), u32(tensor.shape.length), ...tensor.shape.map(u64), u32(FORMATS[tensor.format].id), u64(offset));
    offset += sizeOf(tensor) + padding(sizeOf(tensor));
  }
  const bytes = Buffer.concat(parts);
  return Buffer.concat([bytes, new Uint8Array(padding(bytes.length))]);
}

function typed([kind, value]: Value): Uint8Array[] {
  switch (kind) {
    case 'texts':
      return [u32(KINDS.list), u32(KINDS.text), u64(value.length), ...value.map(text)];
    case 'i32s':
      return [u32(KINDS.list), u32(KINDS.i32), u64(value.length), new Uint8Array(Int32Array.from(value).buffer)];
    case 'f32s':
      return [u32(KINDS.list), u32(KINDS.f32), u64(value.length), floats(Float32Array.from(value))];
    case 'text':
      return [u32(KINDS.text), text(value)];
    case 'bool':
      return [u32(KINDS.bool), Uint8Array.of(value ? 1 : 0)];
    case 'f32':
      return [u32(KINDS.f32), floats(Float32Array.of(value))];
    case 'i32':
    case 'u32':
      return [u32(KINDS[kind]), u32(value)];
    default:
      return kind satisfies never;
  }
}

export function floats(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

function text(value: string): Uint8Array {
  const bytes = Buffer.from(value, 'utf8');
  return Buffer.concat([u64(bytes.length), bytes]);
}

function u32(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}

function u64(value: number): Uint8Array {
  return new Uint8Array(BigUint64Array.of(BigInt(value)).buffer);
}

function padding(bytes: number): number {
  return (ALIGNMENT - (bytes % ALIGNMENT)) % ALIGNMENT;
}
