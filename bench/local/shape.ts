import { existsSync, renameSync } from 'node:fs';
import { llamaMetadata, llamaTensors, type Shape } from '../../test/gguf/llama.ts';
import { vocabularyMetadata, vocabularyOf } from '../../test/gguf/vocabulary.ts';
import { floats, type Format, FORMATS, sizeOf, writeGguf } from '../../test/gguf/writer.ts';

/** A model of exactly TinyLlama 1.1B's shape and of its size in Q4_0, with random weights: as fast and as large as the real one, and it says nothing. */
const SHAPE: Shape = { layers: 22, width: 2048, heads: 32, keyHeads: 4, inner: 5632, contextTokens: 2048 };
const VOCABULARY = 32_000;

export function tinyllamaShaped(path: string): void {
  if (existsSync(path)) return;
  const vocabulary = vocabularyOf(words());
  if (vocabulary.tokens.length !== VOCABULARY) throw new Error(`the vocabulary has ${vocabulary.tokens.length} tokens`);
  const tensors = llamaTensors(SHAPE, VOCABULARY, ({ part, shape }) => {
    if (part === 'norm') return { format: 'F32', numbers: () => [floats(new Float32Array(shape[0] ?? 0).fill(1))] };
    const format = part === 'output' ? 'Q6_K' : 'Q4_0';
    return { format, numbers: () => randomBlocks(format, sizeOf({ shape, format })) };
  });
  writeGguf(`${path}.part`, { metadata: { ...llamaMetadata('Shaped', SHAPE, VOCABULARY), ...vocabularyMetadata(vocabulary) }, tensors });
  renameSync(`${path}.part`, path);
}

/** Two and three letters, and those with a space before them, so that English text takes about three characters a token. */
function words(): string[] {
  const letters = [...'abcdefghijklmnopqrstuvwxyz'];
  const pairs = letters.flatMap((one) => letters.map((other) => one + other));
  const triples = pairs.flatMap((pair) => letters.map((letter) => pair + letter));
  const spaced = [...letters, ...pairs, ...triples].map((word) => ` ${word}`);
  // With the bytes, the printable characters and those that are no text.
  return [...pairs, ...triples, ...spaced].slice(0, VOCABULARY - 3 - 256 - 95);
}

/** Where the scale of a block stands, and which makes weights as large as trained ones are. */
const SCALES: Readonly<Record<'Q4_0' | 'Q6_K', readonly [at: number, half: number]>> = { Q4_0: [0, 0x1c_72], Q6_K: [208, 0x00_f0] };
const POOL_BLOCKS = 16_384;
const pools = new Map<Format, Uint8Array>();

/** Of one pool again and again: it is the amount of numbers that takes time, and not which they are. */
function* randomBlocks(format: 'Q4_0' | 'Q6_K', bytes: number): Generator<Uint8Array> {
  const pool = pools.get(format) ?? makePool(format);
  pools.set(format, pool);
  for (let at = 0; at < bytes; at += pool.length) yield pool.subarray(0, Math.min(pool.length, bytes - at));
}

function makePool(format: 'Q4_0' | 'Q6_K'): Uint8Array {
  const { bytes } = FORMATS[format];
  const pool = new Uint8Array(POOL_BLOCKS * bytes);
  for (let at = 0; at < pool.length; at += 65_536) crypto.getRandomValues(pool.subarray(at, at + 65_536));
  const view = new DataView(pool.buffer);
  const [place, half] = SCALES[format];
  for (let at = 0; at < pool.length; at += bytes) view.setUint16(at + place, half, true);
  return pool;
}
