import type { Format, Metadata, Tensor } from './writer.ts';

/** What every model of the architecture `llama` has to have, whatever its size. */
export type Shape = {
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  readonly keyHeads: number;
  readonly inner: number;
  readonly contextTokens: number;
};

export function llamaMetadata(name: string, shape: Shape, vocabulary: number): Metadata {
  return {
    'general.architecture': ['text', 'llama'],
    'general.name': ['text', name],
    'general.license': ['text', 'mit'],
    'llama.vocab_size': ['u32', vocabulary],
    'llama.context_length': ['u32', shape.contextTokens],
    'llama.embedding_length': ['u32', shape.width],
    'llama.block_count': ['u32', shape.layers],
    'llama.feed_forward_length': ['u32', shape.inner],
    'llama.attention.head_count': ['u32', shape.heads],
    'llama.attention.head_count_kv': ['u32', shape.keyHeads],
    'llama.attention.layer_norm_rms_epsilon': ['f32', 1e-5],
    'llama.rope.dimension_count': ['u32', shape.width / shape.heads],
  };
}

export type Part = 'tokens' | 'norm' | 'attention' | 'attention-out' | 'inner' | 'inner-out' | 'output';
type Place = { readonly name: string; readonly shape: readonly number[]; readonly part: Part };

/** Every tensor by name and shape; `fill` says in which format and with which numbers. */
export function llamaTensors(
  shape: Shape,
  vocabulary: number,
  fill: (place: Place) => { readonly format: Format; readonly numbers: Tensor['numbers'] },
): Tensor[] {
  const { width, inner } = shape;
  const keys = (width / shape.heads) * shape.keyHeads;
  const layer = (index: number): Place[] =>
    (
      [
        ['attn_norm', [width], 'norm'],
        ['attn_q', [width, width], 'attention'],
        ['attn_k', [width, keys], 'attention'],
        ['attn_v', [width, keys], 'attention'],
        ['attn_output', [width, width], 'attention-out'],
        ['ffn_norm', [width], 'norm'],
        ['ffn_gate', [width, inner], 'inner'],
        ['ffn_up', [width, inner], 'inner'],
        ['ffn_down', [inner, width], 'inner-out'],
      ] as const
    ).map(([name, sides, part]) => ({ name: `blk.${index}.${name}.weight`, shape: sides, part }));
  const places: Place[] = [
    { name: 'token_embd.weight', shape: [width, vocabulary], part: 'tokens' },
    ...Array.from({ length: shape.layers }, (_, index) => layer(index)).flat(),
    { name: 'output_norm.weight', shape: [width], part: 'norm' },
    { name: 'output.weight', shape: [width, vocabulary], part: 'output' },
  ];
  return places.map((place) => {
    const { format, numbers } = fill(place);
    return { name: place.name, shape: place.shape, format, numbers };
  });
}
