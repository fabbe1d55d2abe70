import { describe, expect, test } from 'bun:test';
import { Canceller } from '../core/cancellation.ts';
import type { LocalAsked, LocalModel, LocalState } from '../core/local-model.ts';
import type { ModelRequest } from '../core/model-request.ts';
import { type Call, type Provider, UpstreamError } from '../core/provider.ts';
import { localProvider } from './local.ts';

const CALL: Call = {
  send: () => Promise.reject(new Error('a local model needs no network')),
  signal: new Canceller(),
  requestId: 'req_1',
  random: () => 0,
  sleep: () => Promise.resolve(),
};

function model(more: Partial<LocalModel> = {}) {
  const asked: LocalAsked[] = [];
  const local: LocalModel = {
    name: 'mine',
    facts: { contextTokens: 100, makes: 'text', problem: null },
    state: () => ({ state: 'ready' }),
    async *generate(question) {
      asked.push(question);
      yield [{ type: 'text', text: 'Well' }];
      yield [
        { type: 'text', text: ' then' },
        { type: 'end', finishReason: 'stop', inputTokens: 3, outputTokens: 2 },
      ];
    },
    embed: (texts) => Promise.resolve({ vectors: texts.map(() => [1, 0]), inputTokens: texts.length }),
    ...more,
  };
  return { local, asked };
}

async function batchesOf(local: LocalModel, request: Partial<ModelRequest>) {
  const batches = [];
  const chat = localProvider([local]).chat?.({ model: local.name, messages: [{ role: 'user', content: 'a' }], stream: true, ...request }, CALL);
  for await (const batch of chat ?? []) batches.push(batch);
  return batches;
}

describe('a local model as a provider', () => {
  test('says its text as it comes, and what it counted at the end', async () => {
    const end = [
      { type: 'usage', usage: { inputTokens: 3, outputTokens: 2 } },
      { type: 'end', finishReason: 'stop' },
    ];
    const { local } = model();
    expect(await batchesOf(local, {})).toEqual([
      [{ type: 'start', model: 'mine' }],
      [{ type: 'text-delta', text: 'Well' }],
      [{ type: 'text-delta', text: ' then' }, ...end],
    ] as never);
    expect((await batchesOf(local, { stream: false })).length).toBe(1);
  });

  test('is asked in texts, with what the caller wants of it', async () => {
    const { local, asked } = model();
    const messages: ModelRequest['messages'] = [
      { role: 'system', content: 'Be brief.' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'one' },
          { type: 'text', text: 'two' },
        ],
      },
      { role: 'assistant', content: 'three' },
    ];
    await batchesOf(local, { messages, temperature: 0, topP: 0.5, maxTokens: 7, seed: 1, stop: ['x'] });
    const texts = [
      { role: 'system', text: 'Be brief.' },
      { role: 'user', text: 'one\ntwo' },
      { role: 'assistant', text: 'three' },
    ];
    expect(asked).toEqual([{ messages: texts, temperature: 0, topP: 0.5, maxTokens: 7, seed: 1, stop: ['x'] } as LocalAsked]);
    await batchesOf(local, { output: { name: 'n', schema: { type: 'null' } } });
    expect(asked[1]?.grammar).toContain('r0 ::= null');
  });

  test.each([
    ['tools', { tools: [{ name: 'look', parameters: {} }] }],
    ['n', { answers: 2 }],
    ['messages', { messages: [{ role: 'tool', toolCallId: '1', content: 'a' }] }],
    ['messages', { messages: [{ role: 'assistant', content: '', toolCalls: [{ id: '1', name: 'look', arguments: '{}' }] }] }],
    ['messages', { messages: [{ role: 'user', content: [{ type: 'image', url: 'data:' }] }] }],
  ] as const)('refuses what it cannot do, and names the field: %s', async (param, request) => {
    const refusal = await batchesOf(model().local, request).catch((cause: unknown) => cause);
    expect(refusal).toBeInstanceOf(UpstreamError);
    expect(refusal).toMatchObject({ fault: 'rejected', param, status: 400 });
  });

  test('may be told of tools that it is not to use', async () => {
    const { local, asked } = model();
    await batchesOf(local, { tools: [{ name: 'look', parameters: {} }], toolChoice: 'none' });
    expect(asked.length).toBe(1);
  });

  test('does what it was made for: answers, or vectors', async () => {
    const vectors = model({ facts: { contextTokens: 100, makes: 'vectors', problem: null } }).local;
    const provider = localProvider([vectors, model().local]);
    expect(provider.models.map(({ capabilities }) => capabilities)).toEqual([['embeddings'], ['chat', 'stream', 'json_schema']]);
    expect(await provider.embed?.({ model: 'mine', texts: ['a', 'b'] }, CALL)).toEqual({
      vectors: [
        [1, 0],
        [1, 0],
      ],
      inputTokens: 2,
    });
    const refused = [
      provider.embed?.({ model: 'mine', texts: [[1, 2]] }, CALL),
      provider.embed?.({ model: 'mine', texts: ['a'], dimensions: 1 }, CALL),
      localProvider([model().local]).embed?.({ model: 'mine', texts: ['a'] }, CALL),
      batchesOf(vectors, {}),
    ];
    const params = await Promise.all(refused.map(async (each) => each?.catch((cause: unknown) => (cause as UpstreamError).param)));
    expect(params).toEqual(['input', 'dimensions', 'model', 'model']);
  });

  test('tells how the first one does, which its name alone means', async () => {
    const failed: LocalState = { state: 'failed', why: 'it is no model' };
    const provider = localProvider([model({ state: () => failed }).local]);
    expect([provider.main, provider.condition?.()]).toEqual(['mine', failed]);
    expect(await complaint(provider)).toBe('Error: it is no model');
    const unreadable = model({ state: () => ({ state: 'idle' }), facts: { contextTokens: 1, makes: 'text', problem: 'its file does not exist' } });
    expect(await complaint(localProvider([unreadable.local]))).toBe('Error: its file does not exist');
    expect(await complaint(localProvider([model().local]))).toBeNull();
  });
});

function complaint({ check }: Provider): Promise<string | null> {
  return check?.(CALL).then(() => null, String) ?? Promise.resolve('it has no check');
}
