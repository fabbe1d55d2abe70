import { describe, expect, test } from 'bun:test';
import type { Message, ModelRequest } from '../core/model-request.ts';
import { UpstreamError } from '../core/provider.ts';
import { encodeMessages } from './anthropic-request.ts';
import { type MessagesTraits, messagesTraits } from './anthropic-traits.ts';

const CHAT = ['chat', 'stream', 'tools', 'json_schema'] as const;
const traitsOf = (id: string): MessagesTraits => messagesTraits({ id, contextTokens: 200_000, outputTokensMax: 64_000, capabilities: CHAT });
const NEWEST = 'claude-opus-5-5';
const ELSEWHERE = 'qwen3-coder';
const HELLO: readonly Message[] = [{ role: 'user', content: 'Hello' }];

function encode(more: Partial<ModelRequest>, model = 'claude-sonnet-4-5') {
  const { body, answerTool } = encodeMessages({ model, messages: HELLO, stream: false, ...more }, traitsOf(model));
  return { ...(body as Record<string, unknown>), answerTool };
}

function refusalOf(messages: readonly Message[]): string | null {
  try {
    encode({ messages });
    return null;
  } catch (cause) {
    return cause instanceof UpstreamError && cause.fault === 'rejected' ? cause.words : String(cause);
  }
}

const call = (text: string): Message => ({ role: 'assistant', content: 'I look.', toolCalls: [{ id: 'a', name: 'look', arguments: text }] });

describe('the Messages API', () => {
  const sampling: [string, Partial<ModelRequest>, object][] = [
    ['claude-3-5-haiku-latest', { temperature: 1.4, topP: 0.5 }, { temperature: 1, top_p: 0.5 }],
    ['claude-sonnet-4-20250514', { temperature: 0.4, topP: 0.5 }, { temperature: 0.4, top_p: 0.5 }],
    ['claude-opus-4-1', { temperature: 0.4, topP: 0.5 }, { temperature: 0.4 }],
    ['claude-haiku-4-5-20251001', { temperature: 1, topP: 0.5 }, { top_p: 0.5 }],
    ['claude-haiku-4-5-20251001', { topP: 0.5 }, { top_p: 0.5 }],
    ['claude-opus-4-6', { temperature: 2 }, { temperature: 1 }],
    ['claude-opus-4-7', { temperature: 0.4 }, {}],
    ['claude-sonnet-5', { temperature: 0.4, topP: 0.5 }, {}],
    ['claude-fable-5-1', { topP: 0.5 }, {}],
    [ELSEWHERE, { temperature: 0.4, topP: 0.5 }, { temperature: 0.4, top_p: 0.5 }],
  ];
  test.each(sampling)('%s is told of sampling what it takes: %j', (model, asked, told) => {
    const { temperature, top_p } = encode(asked, model) as { temperature?: number; top_p?: number };
    expect({ ...(temperature === undefined ? {} : { temperature }), ...(top_p === undefined ? {} : { top_p }) }).toEqual(told);
  });

  test('all that the system says stands above the conversation, wherever it was said', () => {
    const messages: readonly Message[] = [
      { role: 'system', content: 'One.' },
      ...HELLO,
      { role: 'system', content: [{ type: 'text', text: 'Two.' }] },
      { role: 'assistant', content: '' },
      { role: 'assistant', content: 'Hi.' },
    ];
    expect(encode({ messages })).toMatchObject({ system: 'One.\n\nTwo.', messages: [...HELLO, { role: 'assistant', content: 'Hi.' }] });
  });

  const refused: [string, readonly Message[], string][] = [
    ['an image at no address', [{ role: 'user', content: [{ type: 'image', url: 'file:///etc/passwd' }] }], 'an image that is neither'],
    ['an image that is not in base64', [{ role: 'user', content: [{ type: 'image', url: 'data:image/svg+xml,<svg/>' }] }], 'an image that is neither'],
    ['an image of the system', [{ role: 'system', content: [{ type: 'image', url: 'https://a.example/b.png' }] }], 'an image in a system message'],
    ['half the arguments of a call', [call('{"a":')], 'a call of the tool look'],
    ['arguments that are no object', [call('[1]')], 'a call of the tool look'],
  ];
  test.each(refused)('has no words for %s', (_, messages, words) => {
    expect(refusalOf(messages)).toStartWith(`The Messages API has no words for ${words}`);
  });

  const output = { name: 'mood', schema: { type: 'object', properties: { mood: { type: 'string' } } } };
  const open = { name: 'map', schema: { type: 'object', additionalProperties: { type: 'string' } } };
  const tool = { name: 'json_answer', parameters: { type: 'object' } };

  test('a model that can be told the form of its JSON is, with tools of its own or without', () => {
    const format = { type: 'json_schema', schema: { ...output.schema, additionalProperties: false } };
    expect(encode({ output, tools: [tool] }, NEWEST)).toMatchObject({ answerTool: null, output_config: { format }, tools: [{ name: 'json_answer' }] });
  });

  test('all others answer by a tool, under a name that no other tool has', () => {
    const asked = encode({ output, tools: [tool] }, ELSEWHERE);
    expect(asked).toMatchObject({ answerTool: 'json_answer_', tool_choice: { type: 'any' }, tools: [tool.name, 'json_answer_'].map((name) => ({ name })) });
    expect(asked).not.toHaveProperty('output_config');
    expect(encode({ output, tools: [tool], toolChoice: 'none' }, ELSEWHERE)).toMatchObject({ tool_choice: { type: 'tool', name: 'json_answer_' } });
    expect(encode({ output: open })).toMatchObject({ answerTool: 'json_answer', tool_choice: { type: 'tool', name: 'json_answer' } });
  });

  test('a model that cannot be made to call it is told to', () => {
    const asked = encode({ output: open }, NEWEST);
    expect(asked).toMatchObject({ answerTool: 'json_answer', tool_choice: { type: 'auto' } });
    expect(String((asked as { system?: string }).system)).toContain('json_answer');
  });

  test('who must call a tool gives no other answer', () => {
    expect(encode({ output, tools: [tool], toolChoice: 'required' }, ELSEWHERE)).toMatchObject({ answerTool: null, tool_choice: { type: 'any' } });
  });

  test('JSON that is no object is an answer of `output_config` only', () => {
    const list = { name: 'list', schema: { type: 'array', items: { type: 'string' } } };
    expect(encode({ output: list })).toMatchObject({ output_config: { format: { schema: list.schema } } });
    expect(() => encode({ output: list }, ELSEWHERE)).toThrow(UpstreamError);
  });
});

test('one tool call at the most is said with the choice of tools, whatever that is', () => {
  const tool = { name: 'look', parameters: { type: 'object' } } as const;
  const one = (more: Partial<ModelRequest>) => (encode({ tools: [tool], oneToolCall: true, ...more }) as { tool_choice?: unknown }).tool_choice;
  expect([one({}), one({ toolChoice: 'required' }), one({ toolChoice: { name: 'look' } }), one({ toolChoice: 'none' })]).toEqual([
    { type: 'auto', disable_parallel_tool_use: true },
    { type: 'any', disable_parallel_tool_use: true },
    { type: 'tool', name: 'look', disable_parallel_tool_use: true },
    { type: 'none' },
  ]);
});
