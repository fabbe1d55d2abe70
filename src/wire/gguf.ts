/**
 * Reads the head of a model file in the GGUF format: named values, and where its tensors lie. Files come from anywhere, so that every length is
 * held against what is there before it is believed; the program that loads the model believes much of it.
 */
export type GgufHead = {
  /** Values that are one word, number or yes and no. */
  readonly values: ReadonlyMap<string, string | number | boolean>;
  /** How long each list is. */
  readonly lists: ReadonlyMap<string, number>;
  /** The vocabulary. */
  readonly tokens: readonly string[];
  readonly tensors: readonly GgufTensor[];
};
export type GgufTensor = { readonly name: string; readonly values: number };

/** What is wrong with a file, in words for whoever chose it. */
export class GgufError extends Error {}

/** `bytes` is how the file begins, and `fileBytes` how long it is. Null where the head goes on behind these bytes. */
export function readGguf(bytes: Uint8Array, fileBytes: number): GgufHead | null {
  try {
    return readHead(createReader(bytes, fileBytes), fileBytes);
  } catch (cause) {
    if (cause instanceof HeadGoesOn) return null;
    throw cause;
  }
}

class HeadGoesOn extends Error {}

const MAGIC = 0x46_55_47_47;
const ENTRIES_MAX = 65_536;
const KEY_BYTES_MAX = 65_535;
const NAME_BYTES_MAX = 64;
const SIDES_MAX = 4;
const TOKENS_KEY = 'tokenizer.ggml.tokens';

function readHead(reader: Reader, fileBytes: number): GgufHead {
  if (fileBytes < 24 || reader.u32() !== MAGIC) throw new GgufError('it is not a GGUF file');
  const version = reader.u32();
  if (version !== 2 && version !== 3) throw new GgufError(`its version of GGUF is ${version}, and 2 and 3 are read`);
  const tensorCount = reader.count('tensors', ENTRIES_MAX);
  const valueCount = reader.count('values', ENTRIES_MAX);
  const values = new Map<string, string | number | boolean>();
  const lists = new Map<string, number>();
  let tokens: readonly string[] = [];
  for (let index = 0; index < valueCount; index++) {
    const key = reader.text('a key', KEY_BYTES_MAX);
    if (values.has(key) || lists.has(key)) throw new GgufError(`its value ${key} stands there twice`);
    const kind = reader.u32();
    if (kind !== LIST) values.set(key, scalar(reader, kind, key));
    else {
      const list = readList(reader, key);
      lists.set(key, list.length);
      if (key === TOKENS_KEY) tokens = list.texts;
    }
  }
  const alignment = values.get('general.alignment') ?? 32;
  if (typeof alignment !== 'number' || alignment < 8 || alignment % 8 !== 0 || alignment > 65_536) throw new GgufError(`its alignment is ${String(alignment)}`);
  const placed = Array.from({ length: tensorCount }, () => readTensor(reader, alignment));
  const begin = Math.ceil(reader.at() / alignment) * alignment;
  const names = new Set<string>();
  for (const { name, offset, size } of placed) {
    if (names.has(name)) throw new GgufError(`its tensor ${name} stands there twice`);
    names.add(name);
    if (begin + offset + size > fileBytes) throw new GgufError(`its tensor ${name} ends behind the end of the file: the file is cut off or damaged`);
  }
  return { values, lists, tokens, tensors: placed.map(({ name, values: count }) => ({ name, values: count })) };
}

type Reader = {
  readonly at: () => number;
  readonly u32: () => number;
  readonly u64: () => number;
  /** Of things of which each takes at least eight bytes. */
  readonly count: (what: string, most: number) => number;
  readonly text: (what: string, bytesMax: number) => string;
  readonly skip: (count: number) => void;
  readonly number: (kind: number) => number;
};

function createReader(bytes: Uint8Array, fileBytes: number): Reader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const decoder = new TextDecoder();
  let at = 0;
  const take = (count: number): number => {
    if (at + count > fileBytes) throw new GgufError('it ends within its head: the file is cut off or damaged');
    if (at + count > bytes.length) throw new HeadGoesOn();
    at += count;
    return at - count;
  };
  const u64 = (): number => {
    const value = view.getBigUint64(take(8), true);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new GgufError(`it names a length of ${value}`);
    return Number(value);
  };
  return {
    at: () => at,
    u32: () => view.getUint32(take(4), true),
    u64,
    count(what, most) {
      const count = u64();
      if (count > most || at + count * 8 > fileBytes) throw new GgufError(`it names ${count} ${what}`);
      return count;
    },
    text(what, bytesMax) {
      const length = u64();
      if (length > bytesMax) throw new GgufError(`it names ${what} of ${length} bytes`);
      const from = take(length);
      return decoder.decode(bytes.subarray(from, from + length));
    },
    skip: (count) => void take(count),
    number(kind) {
      const from = take(SIZES[kind] ?? 0);
      return READ[kind]?.(view, from) ?? 0;
    },
  };
}

const [BOOLEAN, TEXT, LIST] = [7, 8, 9];
/** Bytes of a value, by its kind. */
const SIZES: Readonly<Record<number, number>> = { 0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8 };
const READ: Readonly<Record<number, (view: DataView, at: number) => number>> = {
  0: (view, at) => view.getUint8(at),
  1: (view, at) => view.getInt8(at),
  2: (view, at) => view.getUint16(at, true),
  3: (view, at) => view.getInt16(at, true),
  4: (view, at) => view.getUint32(at, true),
  5: (view, at) => view.getInt32(at, true),
  6: (view, at) => view.getFloat32(at, true),
  7: (view, at) => view.getUint8(at),
  10: (view, at) => Number(view.getBigUint64(at, true)),
  11: (view, at) => Number(view.getBigInt64(at, true)),
  12: (view, at) => view.getFloat64(at, true),
};
/** A chat template, a licence: long, and yet not longer than this. */
const TEXT_BYTES_MAX = 16_777_216;

function scalar(reader: Reader, kind: number, key: string): string | number | boolean {
  if (kind === TEXT) return reader.text(`a text (${key})`, TEXT_BYTES_MAX);
  if (SIZES[kind] === undefined) throw new GgufError(`its value ${key} is of an unknown kind (${kind})`);
  const value = reader.number(kind);
  return kind === BOOLEAN ? value !== 0 : value;
}

function readList(reader: Reader, key: string): { readonly length: number; readonly texts: readonly string[] } {
  const kind = reader.u32();
  const length = reader.u64();
  if (kind === TEXT) {
    const texts: string[] = [];
    for (let index = 0; index < length; index++) {
      const text = reader.text(`a text (${key})`, KEY_BYTES_MAX);
      if (key === TOKENS_KEY) texts.push(text);
    }
    return { length, texts };
  }
  const size = SIZES[kind];
  if (size === undefined) throw new GgufError(`its list ${key} is of an unknown kind (${kind})`);
  reader.skip(size * length);
  return { length, texts: [] };
}

/** How many values share how many bytes, by the number of the format. */
const FORMATS: Readonly<Record<number, readonly [values: number, bytes: number]>> = {
  0: [1, 4],
  1: [1, 2],
  2: [32, 18],
  3: [32, 20],
  6: [32, 22],
  7: [32, 24],
  8: [32, 34],
  9: [32, 36],
  10: [256, 84],
  11: [256, 110],
  12: [256, 144],
  13: [256, 176],
  14: [256, 210],
  15: [256, 292],
  16: [256, 66],
  17: [256, 74],
  18: [256, 98],
  19: [256, 50],
  20: [32, 18],
  21: [256, 110],
  22: [256, 82],
  23: [256, 136],
  24: [1, 1],
  25: [1, 2],
  26: [1, 4],
  27: [1, 8],
  28: [1, 8],
  29: [256, 56],
  30: [1, 2],
  34: [256, 54],
  35: [256, 66],
  39: [32, 17],
};

function readTensor(reader: Reader, alignment: number): GgufTensor & { readonly offset: number; readonly size: number } {
  const name = reader.text('a tensor with a name', NAME_BYTES_MAX);
  const sideCount = reader.u32();
  if (sideCount < 1 || sideCount > SIDES_MAX) throw new GgufError(`its tensor ${name} has ${sideCount} sides`);
  const sides = Array.from({ length: sideCount }, () => reader.u64());
  const format = reader.u32();
  const offset = reader.u64();
  const [values, bytes] = FORMATS[format] ?? [];
  if (values === undefined || bytes === undefined) throw new GgufError(`its tensor ${name} is in a format that is not known here (${format})`);
  const count = sides.reduce((product, side) => product * side, 1);
  const isWhole = sides.every((side) => side > 0) && (sides[0] ?? 0) % values === 0 && Number.isSafeInteger(count);
  if (!isWhole) throw new GgufError(`its tensor ${name} has sides that cannot be: ${sides.join(' × ')}`);
  if (offset % alignment !== 0) throw new GgufError(`its tensor ${name} does not begin where a tensor may`);
  return { name, values: count, offset, size: (count / values) * bytes };
}
