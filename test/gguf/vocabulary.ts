import type { Metadata } from './writer.ts';

/** A vocabulary in SentencePiece's manner: three tokens that are no text, one for each byte, and pieces of text in which `▁` is a space. */
export type Vocabulary = { readonly tokens: readonly string[]; readonly kinds: readonly number[]; readonly idOf: (token: string) => number };

export const END = 2;
const [UNKNOWN, BEGIN] = [0, 1];
const KIND = { text: 1, unknown: 2, control: 3, byte: 6 } as const;
const SPACE = '\u2581';

export function vocabularyOf(pieces: readonly string[]): Vocabulary {
  const bytes = Array.from({ length: 256 }, (_, byte) => byteToken(byte));
  const printable = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index));
  const texts = [...new Set([...pieces, ...printable].map((piece) => piece.replaceAll(' ', SPACE)))].filter((piece) => !bytes.includes(piece));
  const tokens = ['<unk>', '<s>', '</s>', ...bytes, ...texts];
  const ids = new Map(tokens.map((token, id) => [token, id]));
  return {
    tokens,
    kinds: [KIND.unknown, KIND.control, KIND.control, ...bytes.map(() => KIND.byte), ...texts.map(() => KIND.text)],
    idOf(token) {
      const id = ids.get(token.replaceAll(' ', SPACE));
      if (id === undefined) throw new Error(`${token} is not in the vocabulary`);
      return id;
    },
  };
}

export function byteToken(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`;
}

/** The form in which TinyLlama's and Zephyr's chats are written. */
const CHAT_TEMPLATE =
  "{% for message in messages %}{{ '<|' + message['role'] + '|>\n' + message['content'] + eos_token + '\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}";

export function vocabularyMetadata({ tokens, kinds }: Vocabulary, chatTemplate: string | null = CHAT_TEMPLATE): Metadata {
  return {
    'tokenizer.ggml.model': ['text', 'llama'],
    'tokenizer.ggml.tokens': ['texts', tokens],
    // Those that come first are preferred where two could be joined.
    'tokenizer.ggml.scores': ['f32s', tokens.map((_, id) => -id)],
    'tokenizer.ggml.token_type': ['i32s', kinds],
    'tokenizer.ggml.bos_token_id': ['u32', BEGIN],
    'tokenizer.ggml.eos_token_id': ['u32', END],
    'tokenizer.ggml.unknown_token_id': ['u32', UNKNOWN],
    'tokenizer.ggml.add_bos_token': ['bool', true],
    ...(chatTemplate === null ? {} : { 'tokenizer.chat_template': ['text', chatTemplate] }),
  };
}
