import { describe, expect, test } from 'bun:test';
import { ChatBody } from '../contract/chat.ts';
import { readChat } from './chat-asked.ts';

const user = { role: 'user', content: 'Hi' };
const read = (body: object) => readChat(ChatBody.parse({ messages: [user], ...body }));

describe('a chat completion is read', () => {
  test('with nothing but messages', () => {
    expect(read({ model: 'm' })).toEqual({
      model: 'm',
      request: { messages: [{ role: 'user', content: 'Hi' }], stream: false, dialect: 'openai-chat' },
      untold: [],
      usageWanted: false,
    });
  });

  test('with all that our own words can say', () => {
    const schema = { type: 'object', properties: {} };
    const { request, untold, usageWanted } = read({
      messages: [
        { role: 'developer', content: 'Be brief.' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is this?' },
            { type: 'image_url', image_url: { url: 'https://example.com/a.png', detail: 'low' } },
          ],
        },
        { role: 'assistant', content: null, tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'look', arguments: '{"a":1}' } }] },
        {
          role: 'tool',
          tool_call_id: 'call_1',
          content: [
            { type: 'text', text: 'a ' },
            { type: 'text', text: 'gate' },
          ],
        },
      ],
      stream: true,
      stream_options: { include_usage: true },
      temperature: 0,
      top_p: 0.5,
      max_tokens: 5,
      max_completion_tokens: 7,
      stop: 'END',
      seed: 0,
      tools: [
        { type: 'function', function: { name: 'look', description: 'Looks', parameters: schema, strict: true } },
        { type: 'function', function: { name: 'leave' } },
      ],
      tool_choice: { type: 'function', function: { name: 'look' } },
      response_format: { type: 'json_schema', json_schema: { name: 'thing', schema } },
    });
    expect(untold).toEqual([]);
    expect(usageWanted).toBe(true);
    expect(request).toEqual({
      messages: [
        { role: 'system', content: 'Be brief.' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is this?' },
            { type: 'image', url: 'https://example.com/a.png', detail: 'low' },
          ],
        },
        { role: 'assistant', content: '', toolCalls: [{ id: 'call_1', name: 'look', arguments: '{"a":1}' }] },
        { role: 'tool', toolCallId: 'call_1', content: 'a gate' },
      ],
      stream: true,
      dialect: 'openai-chat',
      temperature: 0,
      topP: 0.5,
      maxTokens: 7,
      stop: ['END'],
      seed: 0,
      tools: [
        { name: 'look', description: 'Looks', parameters: schema, strict: true },
        { name: 'leave', parameters: { type: 'object', properties: {} } },
      ],
      toolChoice: { name: 'look' },
      output: { name: 'thing', schema },
    });
  });

  test.each([
    ['null is as good as left out', { n: null, stop: null, tools: null, response_format: null, logprobs: null, stream: null }],
    [
      'what is so anyway',
      { n: 1, logprobs: false, presence_penalty: 0, frequency_penalty: 0, logit_bias: {}, modalities: ['text'], response_format: { type: 'text' } },
    ],
    [
      'hints that change no answer',
      { user: 'ada', metadata: { a: 'b' }, store: true, service_tier: 'auto', prompt_cache_key: 'k', prediction: { type: 'content', content: 'x' } },
    ],
    ['parallel calls of no tools', { parallel_tool_calls: false }],
  ])('and has nothing untold: %s', (_what, body) => {
    expect(read(body).untold).toEqual([]);
  });

  test.each([
    ['n', { n: 2 }],
    ['logprobs', { logprobs: true }],
    ['logit_bias', { logit_bias: { 5: 1 } }],
    ['presence_penalty', { presence_penalty: 0.5 }],
    ['reasoning_effort', { reasoning_effort: 'high' }],
    ['modalities', { modalities: ['text', 'audio'] }],
    ['tools[0]', { tools: [{ type: 'custom', custom: { name: 'x' } }] }],
    ['tool_choice', { tools: [{ type: 'function', function: { name: 'x' } }], tool_choice: { type: 'allowed_tools', allowed_tools: {} } }],
    ['messages[0].content[0]', { messages: [{ role: 'user', content: [{ type: 'file', file: { file_id: 'f' } }] }] }],
    ['messages[1].tool_calls[0]', { messages: [user, { role: 'assistant', tool_calls: [{ id: 'c', type: 'custom', custom: {} }] }] }],
    [
      'messages[0].content[0]',
      { messages: [{ role: 'tool', tool_call_id: 'c', content: [{ type: 'image_url', image_url: { url: 'https://example.com' } }] }] },
    ],
    ['messages[0]', { messages: [{ role: 'function', name: 'f', content: 'x' }] }],
  ])('and %s is untold', (field, body) => {
    expect(read(body).untold).toEqual([field]);
  });

  test('and may have no more than one tool call in an answer', () => {
    const tools = [{ type: 'function', function: { name: 'x' } }];
    expect(read({ tools, parallel_tool_calls: false })).toMatchObject({ untold: [], request: { oneToolCall: true } });
    expect(read({ tools, parallel_tool_calls: true }).request.oneToolCall).toBeUndefined();
  });

  test('and the most that it may cost counts each of its answers', () => {
    expect(read({ n: 3 }).request.answers).toBe(3);
    expect(read({ n: 1 }).request.answers).toBeUndefined();
  });
});
