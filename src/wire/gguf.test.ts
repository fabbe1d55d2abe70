import { describe, expect, test } from 'bun:test';
import { mutations } from '../../test/gguf/mutations.ts';
import { dreamingModel, recitingModel } from '../../test/gguf/models.ts';
import { vectorModel } from '../../test/gguf/bert.ts';
import { ggufBytes, type Metadata } from '../../test/gguf/writer.ts';
import { describeGguf } from './gguf-model.ts';
import { GgufError, readGguf } from './gguf.ts';

const read = (bytes: Uint8Array) => describeGguf(readGguf(bytes, bytes.length) ?? expect.unreachable('the head is whole'));
const changed = (metadata: Metadata): Uint8Array => {
  const model = recitingModel();
  return ggufBytes({ ...model, metadata: { ...model.metadata, ...metadata } });
};

describe('the head of a model file', () => {
  test('says what the model is', () => {
    expect(read(ggufBytes(recitingModel()))).toEqual({
      architecture: 'llama',
      name: 'Reciting',
      license: 'mit',
      contextTokens: 2048,
      layers: 2,
      vocabulary: 366,
      parameters: 120_896,
      makes: 'text',
    });
    expect(read(ggufBytes(vectorModel()))).toMatchObject({ architecture: 'bert', contextTokens: 128, makes: 'vectors' });
  });

  test('is asked for more of where it is not whole', () => {
    const bytes = ggufBytes(dreamingModel());
    for (const length of [24, 25, 100, 1000, 5000]) expect(readGguf(bytes.subarray(0, length), bytes.length)).toBeNull();
  });

  test('is refused where what it says cannot be', () => {
    const bytes = ggufBytes(recitingModel());
    const refusals: readonly (readonly [Uint8Array, RegExp])[] = [
      [new Uint8Array(10), /not a GGUF file/],
      [Buffer.from('GGUX'.repeat(10)), /not a GGUF file/],
      [Uint8Array.from(bytes).with(4, 9), /version of GGUF is 9/],
      [bytes.subarray(0, 800), /cut off or damaged/],
      [bytes.subarray(0, bytes.length - 64), /tensor output.weight ends behind/],
      [changed({ 'llama.block_count': ['u32', 0] }), /block_count is 0/],
      [changed({ 'llama.block_count': ['u32', 100_000] }), /block_count is 100000/],
      [changed({ 'llama.context_length': ['u32', 0] }), /context_length is 0/],
      [changed({ 'llama.attention.head_count': ['f32', 1.5] }), /head_count is 1.5/],
      [changed({ 'tokenizer.ggml.eos_token_id': ['u32', 99_999] }), /eos token is 99999/],
      [changed({ 'tokenizer.ggml.scores': ['f32s', [1]] }), /366 tokens and 1 scores/],
      [changed({ 'tokenizer.ggml.tokens': ['texts', ['a', 'a']] }), /same token twice/],
      [changed({ 'general.architecture': ['text', ''] }), /which architecture/],
      [changed({ 'general.alignment': ['u32', 7] }), /alignment is 7/],
    ];
    for (const [file, reason] of refusals) expect(() => read(file)).toThrow(reason);
  });

  test('is refused in words, whatever is damaged in it: a thousand files', () => {
    const bytes = ggufBytes(dreamingModel());
    let refused = 0;
    for (const damaged of mutations(bytes, 1000)) {
      try {
        const head = readGguf(damaged, damaged.length);
        if (head) describeGguf(head);
      } catch (cause) {
        expect(cause).toBeInstanceOf(GgufError);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(300);
  });
});
