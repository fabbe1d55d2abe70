import { GgufError, type GgufHead } from './gguf.ts';

/** What the head of a model file says of the model. */
export type GgufModel = {
  readonly architecture: string;
  readonly name: string | null;
  readonly license: string | null;
  readonly contextTokens: number;
  readonly layers: number;
  readonly vocabulary: number;
  readonly parameters: number;
  readonly makes: 'text' | 'vectors';
};

const LAYERS_MAX = 1024;
const SIDE_MAX = 1_048_576;
const CONTEXT_MAX = 2 ** 31 - 1;
/** Those that read a text both ways, and so cannot go on with it. */
const ENCODERS = /^(bert|nomic-bert|nomic-bert-moe|jina-bert-v[23]|modern-bert|neo-bert|gemma-embedding|t5encoder|eurobert)$/;

/** Throws where a model could not be loaded, or the loading of it would end the process. */
export function describeGguf({ values, lists, tokens, tensors }: GgufHead): GgufModel {
  const architecture = values.get('general.architecture');
  if (typeof architecture !== 'string' || architecture === '') throw new GgufError('it does not say of which architecture it is');
  const within = (name: string, most: number): number => {
    const key = `${architecture}.${name}`;
    const value = values.get(key);
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > most) {
      throw new GgufError(value === undefined ? `it does not say its ${key}` : `its ${key} is ${String(value)}`);
    }
    return value;
  };
  const layers = within('block_count', LAYERS_MAX);
  const contextTokens = within('context_length', CONTEXT_MAX);
  within('embedding_length', SIDE_MAX);
  // A list says it layer by layer.
  if (!lists.has(`${architecture}.attention.head_count`)) within('attention.head_count', SIDE_MAX);
  const keyHeads = values.get(`${architecture}.attention.head_count_kv`);
  if (keyHeads !== undefined) within('attention.head_count_kv', SIDE_MAX);
  checkVocabulary(values, lists, tokens);
  if (tensors.length === 0) throw new GgufError('it has no tensors: it is a vocabulary, or the first part of several');
  const pooling = values.get(`${architecture}.pooling_type`);
  return {
    architecture,
    name: textOf(values.get('general.name')),
    license: textOf(values.get('general.license')),
    contextTokens,
    layers,
    vocabulary: tokens.length,
    parameters: tensors.reduce((sum, tensor) => sum + tensor.values, 0),
    makes: ENCODERS.test(architecture) || (typeof pooling === 'number' && pooling > 0) ? 'vectors' : 'text',
  };
}

function checkVocabulary(values: GgufHead['values'], lists: GgufHead['lists'], tokens: readonly string[]): void {
  if (tokens.length === 0) throw new GgufError('it has no vocabulary');
  // llama.cpp ends the process where two are equal.
  if (new Set(tokens).size !== tokens.length) throw new GgufError('its vocabulary has the same token twice');
  for (const name of ['scores', 'token_type']) {
    const length = lists.get(`tokenizer.ggml.${name}`);
    if (length !== undefined && length !== tokens.length) throw new GgufError(`its vocabulary has ${tokens.length} tokens and ${length} ${name}`);
  }
  for (const name of ['bos', 'eos', 'unknown', 'padding']) {
    const id = values.get(`tokenizer.ggml.${name}_token_id`);
    const isNone = id === undefined || id === 0xff_ff_ff_ff;
    if (!isNone && (typeof id !== 'number' || id < 0 || id >= tokens.length)) throw new GgufError(`its ${name} token is ${String(id)}, of ${tokens.length}`);
  }
}

function textOf(value: string | number | boolean | undefined): string | null {
  return typeof value === 'string' && value !== '' ? value.slice(0, 200) : null;
}
