/** Models that run well on a machine without a graphics card, as `sluice models` lists them. */
export type KnownModel = {
  readonly name: string;
  readonly title: string;
  readonly makes: 'text' | 'vectors';
  /** Of a repository on Hugging Face, or on the mirror of it that `MODEL_MIRROR` names. */
  readonly repository: string;
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly license: string;
  readonly contextTokens: number;
};

/** Sizes and checksums are those that Hugging Face states, compared over several public lists of them. */
export const KNOWN_MODELS: readonly KnownModel[] = [
  {
    name: 'tinyllama',
    title: 'TinyLlama 1.1B Chat v1.0, Q4_K_M',
    makes: 'text',
    repository: 'TheBloke/TinyLlama-1.1B-Chat-v1.0-GGUF',
    file: 'tinyllama-1.1b-chat-v1.0.Q4_K_M.gguf',
    bytes: 668_788_096,
    sha256: '9fecc3b3cd76bba89d504f29b616eedf7da85b96540e490ca5824d3f7d2776a0',
    license: 'Apache-2.0',
    contextTokens: 2048,
  },
  {
    name: 'qwen2.5-1.5b',
    title: 'Qwen2.5 1.5B Instruct, Q4_K_M',
    makes: 'text',
    repository: 'Qwen/Qwen2.5-1.5B-Instruct-GGUF',
    file: 'qwen2.5-1.5b-instruct-q4_k_m.gguf',
    bytes: 1_117_320_736,
    sha256: '6a1a2eb6d15622bf3c96857206351ba97e1af16c30d7a74ee38970e434e9407e',
    license: 'Apache-2.0',
    contextTokens: 32_768,
  },
  {
    name: 'llama3.2-1b',
    title: 'Llama 3.2 1B Instruct, Q4_K_M',
    makes: 'text',
    repository: 'bartowski/Llama-3.2-1B-Instruct-GGUF',
    file: 'Llama-3.2-1B-Instruct-Q4_K_M.gguf',
    bytes: 807_694_464,
    sha256: '6f85a640a97cf2bf5b8e764087b1e83da0fdb51d7c9fab7d0fece9385611df83',
    license: 'Llama 3.2 Community License',
    contextTokens: 131_072,
  },
  {
    name: 'nomic-embed',
    title: 'Nomic Embed Text v1.5, Q8_0',
    makes: 'vectors',
    repository: 'nomic-ai/nomic-embed-text-v1.5-GGUF',
    file: 'nomic-embed-text-v1.5.Q8_0.gguf',
    bytes: 146_146_432,
    sha256: '3e24342164b3d94991ba9692fdc0dd08e3fd7362e0aacc396a9a5c54a544c3b7',
    license: 'Apache-2.0',
    contextTokens: 2048,
  },
];
