import { llamaMetadata, type Part, type Shape, llamaTensors } from './llama.ts';
import { byteToken, END, type Vocabulary, vocabularyMetadata, vocabularyOf } from './vocabulary.ts';
import { floats, type GgufFile } from './writer.ts';

/** Models of half a megabyte, for tests: they load and generate as large ones do, in milliseconds. */
const TINY: Shape = { layers: 2, width: 64, heads: 4, keyHeads: 2, inner: 128, contextTokens: 2048 };

export const REPLY = 'The gate opens slowly, and water 🌊 runs into a field of rice.';

type Reciting = { readonly reply?: string; readonly endless?: true; readonly chatTemplate?: string | null; readonly contextTokens?: number };

/**
 * Answers everything with this text. Its layers add nothing, and each token of the text has a dimension of its own, which points at the token
 * that follows; all other tokens share one, which points at the first. No token may come twice.
 */
export function recitingModel({ reply = REPLY, endless, chatTemplate, contextTokens = TINY.contextTokens }: Reciting = {}): GgufFile {
  const shape = { ...TINY, contextTokens };
  const words = reply.match(/ ?[^ ]+/g) ?? [];
  const pieces = words.map((word, index) => (index === 0 ? ` ${word}` : word)).flatMap(tokensOf);
  if (new Set(pieces).size !== pieces.length || pieces.length >= shape.width) throw new Error('a token of the reply comes twice, or it is too long');
  const vocabulary = vocabularyOf(pieces);
  const chain = pieces.map(vocabulary.idOf);
  const tokens = new Float32Array(vocabulary.tokens.length * shape.width);
  const output = new Float32Array(vocabulary.tokens.length * shape.width);
  for (let id = 0; id < vocabulary.tokens.length; id++) tokens[id * shape.width + chain.indexOf(id) + 1] = 1;
  const following = [...chain, endless ? chain[0] : END];
  for (const [dimension, id = END] of following.entries()) output[id * shape.width + dimension] = 10;
  const numbers = (part: Part, size: number): Float32Array => {
    if (part === 'norm') return new Float32Array(size).fill(1);
    if (part === 'tokens') return tokens;
    return part === 'output' ? output : new Float32Array(size);
  };
  return tiny({ name: 'Reciting', shape, vocabulary, chatTemplate, numbers });
}

/** What is not ASCII is said in bytes, as a model says what its vocabulary lacks. */
function tokensOf(word: string): string[] {
  return word.match(/[ -~]+|[^ -~]+/g)?.flatMap((part) => (/^[ -~]/.test(part) ? [part] : [...Buffer.from(part)].map(byteToken))) ?? [];
}

/** Has random weights, so that what it says depends on all that was said to it; and seldom comes to an end. */
export function dreamingModel({ seed = 1 }: { readonly seed?: number } = {}): GgufFile {
  const random = normalNumbers(seed);
  const numbers = (part: Part, size: number): Float32Array => {
    if (part === 'norm') return new Float32Array(size).fill(1);
    const scale = part === 'output' ? 0.5 : part === 'tokens' ? 1 : 1.5 / Math.sqrt(TINY.width);
    return Float32Array.from({ length: size }, () => random() * scale);
  };
  return tiny({ name: 'Dreaming', shape: TINY, vocabulary: vocabularyOf([]), chatTemplate: undefined, numbers });
}

type Tiny = {
  readonly name: string;
  readonly shape: Shape;
  readonly vocabulary: Vocabulary;
  readonly chatTemplate: string | null | undefined;
  readonly numbers: (part: Part, size: number) => Float32Array;
};

function tiny({ name, shape, vocabulary, chatTemplate, numbers }: Tiny): GgufFile {
  const count = vocabulary.tokens.length;
  return {
    metadata: { ...llamaMetadata(name, shape, count), ...vocabularyMetadata(vocabulary, chatTemplate) },
    tensors: llamaTensors(shape, count, ({ part, shape: sides }) => {
      const values = numbers(
        part,
        sides.reduce((product, side) => product * side, 1),
      );
      return { format: 'F32', numbers: () => [floats(values)] };
    }),
  };
}

/** Normally distributed, and the same for the same seed. */
export function normalNumbers(seed: number): () => number {
  let state = seed >>> 0;
  const uniform = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state + 1) / 4_294_967_297;
  };
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}
