import { describe, expect, test } from 'bun:test';
import type { Answer, ModelEvent } from '../core/events.ts';
import { chatChunks, chatCompletion } from './chat-said.ts';

const HEAD = { id: 'chatcmpl-1', created: 1_700_000_000 };
const USAGE = { inputTokens: 3, outputTokens: 2, cachedInputTokens: 1, reasoningTokens: 1 };
const ANSWER: Answer = { model: 'm', text: '', reasoning: '', refusal: '', toolCalls: [], usage: USAGE, finishReason: 'stop' };
const SAID_USAGE = {
  prompt_tokens: 3,
  completion_tokens: 2,
  total_tokens: 5,
  prompt_tokens_details: { cached_tokens: 1, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 1, audio_tokens: 0, accepted_prediction_tokens: 0, rejected_prediction_tokens: 0 },
};

type Chunk = { readonly choices: readonly { readonly delta: object; readonly finish_reason: string | null }[]; readonly usage?: unknown };

function chunksOf(text: string): (Chunk | string)[] {
  return text
    .split('\n\n')
    .filter((event) => event !== '')
    .map((event) => event.slice('data: '.length))
    .map((data) => (data === '[DONE]' ? data : (JSON.parse(data) as Chunk)));
}

const SAID: readonly ModelEvent[] = [
  { type: 'start', model: 'm' },
  { type: 'reasoning-delta', text: 'hm' },
  { type: 'text-delta', text: 'Hi' },
  { type: 'tool-start', index: 0, id: 'call_1', name: 'look' },
  { type: 'tool-delta', index: 0, arguments: '{}' },
  { type: 'usage', usage: USAGE },
  { type: 'end', finishReason: 'tool_calls' },
];

describe('a whole answer', () => {
  test('has its text, its thinking and its usage', () => {
    expect(chatCompletion({ ...HEAD, model: 'm' }, { ...ANSWER, text: 'Hi', reasoning: 'hm' }, USAGE)).toEqual({
      id: 'chatcmpl-1',
      object: 'chat.completion',
      created: 1_700_000_000,
      model: 'm',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: 'Hi', refusal: null, annotations: [], reasoning_content: 'hm' },
          logprobs: null,
          finish_reason: 'stop',
        },
      ],
      usage: SAID_USAGE,
    });
  });

  test.each([
    ['of tool calls has no content', { toolCalls: [{ id: 'c', name: 'n', arguments: '{}' }] }, null],
    ['that refuses has no content', { refusal: 'No.' }, null],
    ['that says nothing has an empty one', {}, ''],
  ])('%s', (_what, parts, content) => {
    const { choices } = chatCompletion({ ...HEAD, model: 'm' }, { ...ANSWER, ...parts }, USAGE);
    expect((choices as { message: { content: unknown } }[])[0]?.message.content).toBe(content);
  });
});

describe('the chunks of a stream', () => {
  test('say all in order: the role once, one finish reason, usage last, and [DONE]', () => {
    const chunks = chatChunks(HEAD, true);
    const said = chunksOf(chunks.write(SAID) + chunks.done(USAGE));
    expect(said.at(-1)).toBe('[DONE]');
    const whole = said.slice(0, -1) as Chunk[];
    expect(whole.flatMap(({ choices }) => choices.map(({ delta }) => delta))).toEqual([
      { role: 'assistant', content: '', refusal: null, reasoning_content: 'hm' },
      { content: 'Hi' },
      { tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: 'look', arguments: '' } }] },
      { tool_calls: [{ index: 0, function: { arguments: '{}' } }] },
      {},
    ]);
    expect(whole.flatMap(({ choices }) => choices.map((choice) => choice.finish_reason))).toEqual([null, null, null, null, 'tool_calls']);
    expect(whole.map(({ usage }) => usage)).toEqual([null, null, null, null, null, SAID_USAGE]);
  });

  test('tell of no usage to who did not ask', () => {
    const chunks = chatChunks(HEAD, false);
    const said = chunksOf(chunks.write(SAID) + chunks.done(USAGE));
    expect(said).toHaveLength(6);
    expect(said.every((chunk) => typeof chunk === 'string' || !('usage' in chunk))).toBe(true);
  });

  const FRAMES: readonly ModelEvent[] = [
    { type: 'frame', event: null, data: '{"x":1,"choices":[{"delta":{"content":"Hi"}}],"usage":null}' },
    { type: 'text-delta', text: 'Hi' },
    { type: 'frame', event: null, data: '{"choices": [ ],"usage":{"total_tokens":5}}' },
    { type: 'frame', event: 'named', data: 'two\nlines' },
    { type: 'frame', event: null, data: '[DONE]' },
    { type: 'end', finishReason: 'stop' },
  ];

  test.each([
    [true, ['{"choices": [ ],"usage":{"total_tokens":5}}']],
    [false, []],
  ])('of a provider of the same dialect go on as they came, but for usage that only we asked for (%p)', (usageWanted, usage) => {
    const chunks = chatChunks(HEAD, usageWanted);
    const first = '{"x":1,"choices":[{"delta":{"content":"Hi"}}],"usage":null}';
    const expected = [first, ...usage].map((data) => `data: ${data}\n\n`).join('');
    expect(chunks.write(FRAMES) + chunks.done(USAGE)).toBe(`${expected}event: named\ndata: two\ndata: lines\n\ndata: [DONE]\n\n`);
  });
});
