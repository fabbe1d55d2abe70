import { describe, expect, test } from 'bun:test';
import type { ModelRequest } from '../core/model-request.ts';
import { callOptions } from './ai-sdk-prompt.ts';

const asked = (messages: ModelRequest['messages'], more: Partial<ModelRequest> = {}): ModelRequest => ({ model: 'm', stream: false, messages, ...more });
const image = (url: string): ModelRequest => asked([{ role: 'user', content: [{ type: 'image', url }] }]);
const file = (url: string, version: string): unknown =>
  (callOptions(image(url), version)['prompt'] as readonly { readonly content: readonly unknown[] }[])[0]?.content[0];

describe('a request', () => {
  test('holds an image as the version of the interface wants it', () => {
    const address = new URL('https://example.org/a.png');
    expect(file('data:image/png;base64,AAAA', 'v2')).toEqual({ type: 'file', mediaType: 'image/png', data: 'AAAA' });
    expect(file('data:image/png;base64,AAAA', 'v4')).toEqual({ type: 'file', mediaType: 'image/png', data: { type: 'data', data: 'AAAA' } });
    expect(file(address.href, 'v3')).toEqual({ type: 'file', mediaType: 'image/*', data: address });
    expect(file(address.href, 'v4')).toEqual({ type: 'file', mediaType: 'image/*', data: { type: 'url', url: address } });
  });

  test('has what the system says in front, and the results of tools in one turn', () => {
    const calls = [
      { id: 'a', name: 'first', arguments: '{"x":1}' },
      { id: 'b', name: 'second', arguments: '' },
    ];
    const { prompt } = callOptions(
      asked([
        { role: 'user', content: 'Hi' },
        { role: 'system', content: [{ type: 'text', text: 'Be brief.' }] },
        { role: 'assistant', content: '', toolCalls: calls },
        { role: 'tool', toolCallId: 'b', content: 'two' },
        { role: 'tool', toolCallId: 'a', content: 'one' },
        { role: 'assistant', content: '' },
      ]),
      'v4',
    );
    expect(prompt).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: [{ type: 'text', text: 'Hi' }] },
      {
        role: 'assistant',
        content: [
          { type: 'tool-call', toolCallId: 'a', toolName: 'first', input: { x: 1 } },
          { type: 'tool-call', toolCallId: 'b', toolName: 'second', input: {} },
        ],
      },
      {
        role: 'tool',
        content: [
          { type: 'tool-result', toolCallId: 'b', toolName: 'second', output: { type: 'text', value: 'two' } },
          { type: 'tool-result', toolCallId: 'a', toolName: 'first', output: { type: 'text', value: 'one' } },
        ],
      },
    ]);
  });

  test.each<[what: string, request: ModelRequest]>([
    ['the result of a tool call that is not in the conversation', asked([{ role: 'tool', toolCallId: 'x', content: '' }])],
    ['an image that is neither at an http address nor in base64', image('file:///etc/passwd')],
    ['an image in a system message', asked([{ role: 'system', content: [{ type: 'image', url: 'https://example.org/a.png' }] }])],
    [
      'a call of the tool t whose arguments are not a JSON object',
      asked([{ role: 'assistant', content: '', toolCalls: [{ id: 'a', name: 't', arguments: '[1' }] }]),
    ],
    ['at most one tool call in an answer', asked([], { oneToolCall: true, tools: [{ name: 't', parameters: {} }] })],
  ])('is refused by name where there are no words for %s', (what, request) => {
    expect(() => callOptions(request, 'v4')).toThrow(expect.objectContaining({ fault: 'rejected', words: `This provider has no words for ${what}` }));
  });
});
