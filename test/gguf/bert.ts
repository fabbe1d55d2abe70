import { normalNumbers } from './models.ts';
import { floats, type GgufFile, type Metadata, type Tensor } from './writer.ts';

/** A model of half a megabyte that makes vectors of 64 numbers, as the embedding models of the BERT family do: with random weights. */
const [WIDTH, INNER, LAYERS, HEADS, CONTEXT] = [64, 128, 2, 4, 128];
const SPECIAL = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];

export function vectorModel(): GgufFile {
  const letters = Array.from({ length: 94 }, (_, index) => String.fromCharCode(33 + index)).filter((letter) => !/[A-Z]/.test(letter));
  // At the beginning of a word a letter is another token than within it.
  const tokens = [...SPECIAL, ...letters.map((letter) => `\u2581${letter}`), ...letters];
  return { metadata: metadataOf(tokens), tensors: tensorsOf(tokens.length) };
}

function metadataOf(tokens: readonly string[]): Metadata {
  return {
    'general.architecture': ['text', 'bert'],
    'general.name': ['text', 'Vectors'],
    'bert.context_length': ['u32', CONTEXT],
    'bert.embedding_length': ['u32', WIDTH],
    'bert.feed_forward_length': ['u32', INNER],
    'bert.block_count': ['u32', LAYERS],
    'bert.attention.head_count': ['u32', HEADS],
    'bert.attention.layer_norm_epsilon': ['f32', 1e-12],
    'bert.attention.causal': ['bool', false],
    'bert.pooling_type': ['u32', 1],
    'tokenizer.ggml.model': ['text', 'bert'],
    'tokenizer.ggml.tokens': ['texts', tokens],
    'tokenizer.ggml.token_type': ['i32s', tokens.map((_, id) => (id < SPECIAL.length ? 3 : 1))],
    'tokenizer.ggml.token_type_count': ['u32', 2],
    'tokenizer.ggml.padding_token_id': ['u32', 0],
    'tokenizer.ggml.unknown_token_id': ['u32', 1],
    'tokenizer.ggml.bos_token_id': ['u32', 2],
    'tokenizer.ggml.cls_token_id': ['u32', 2],
    'tokenizer.ggml.eos_token_id': ['u32', 3],
    'tokenizer.ggml.seperator_token_id': ['u32', 3],
    'tokenizer.ggml.mask_token_id': ['u32', 4],
  };
}

function tensorsOf(vocabulary: number): Tensor[] {
  const random = normalNumbers(7);
  const normal = (name: string, shape: readonly number[]): Tensor => {
    const size = shape.reduce((product, side) => product * side, 1);
    return tensorOf(
      name,
      shape,
      Float32Array.from({ length: size }, () => random() / Math.sqrt(WIDTH)),
    );
  };
  const linear = (name: string, from: number, to: number): Tensor[] => [
    normal(`${name}.weight`, [from, to]),
    tensorOf(`${name}.bias`, [to], new Float32Array(to)),
  ];
  const layer = (index: number): Tensor[] => [
    ...['attn_q', 'attn_k', 'attn_v', 'attn_output'].flatMap((part) => linear(`blk.${index}.${part}`, WIDTH, WIDTH)),
    ...norm(`blk.${index}.attn_output_norm`),
    ...linear(`blk.${index}.ffn_up`, WIDTH, INNER),
    ...linear(`blk.${index}.ffn_down`, INNER, WIDTH),
    ...norm(`blk.${index}.layer_output_norm`),
  ];
  return [
    normal('token_embd.weight', [WIDTH, vocabulary]),
    normal('token_types.weight', [WIDTH, 2]),
    normal('position_embd.weight', [WIDTH, CONTEXT]),
    ...norm('token_embd_norm'),
    ...Array.from({ length: LAYERS }, (_, index) => layer(index)).flat(),
  ];
}

function norm(name: string): Tensor[] {
  return [tensorOf(`${name}.weight`, [WIDTH], new Float32Array(WIDTH).fill(1)), tensorOf(`${name}.bias`, [WIDTH], new Float32Array(WIDTH))];
}

function tensorOf(name: string, shape: readonly number[], values: Float32Array): Tensor {
  return { name, shape, format: 'F32', numbers: () => [floats(values)] };
}
