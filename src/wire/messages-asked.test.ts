import { describe, expect, test } from 'bun:test';
import type { Block, MessagesBody } from '../contract/messages.ts';
import { readMessages } from './messages-asked.ts';

const read = (more: Partial<MessagesBody>) => readMessages({ model: 'm', max_tokens: 5, messages: [{ role: 'user', content: 'hi' }], ...more });
const said = (...content: Block[]) => read({ messages: [{ role: 'user', content }] });
const image = (url: string): Block => ({ type: 'image', source: { type: 'url', url } });
const tool = { name: 'get_weather', input_schema: { type: 'object' } };

describe('what has words among us', () => {
  test('the shortest body', () => {
    expect(read({})).toEqual({
      request: { messages: [{ role: 'user', content: 'hi' }], maxTokens: 5, stream: false, dialect: 'anthropic-messages' },
      untold: [],
    });
  });

  test('all of the usual fields, and what is of no weight for the answer', () => {
    const { request, untold } = read({
      system: 'Be brief.',
      stream: true,
      temperature: 0.5,
      top_p: 0.9,
      stop_sequences: ['END'],
      tools: [{ ...tool, description: 'Weather', strict: true, type: 'custom', cache_control: { type: 'ephemeral' }, defer_loading: false }],
      tool_choice: { type: 'any', disable_parallel_tool_use: true },
      output_config: { format: { type: 'json_schema', schema: { type: 'object' } }, effort: null },
      thinking: { type: 'adaptive' },
      metadata: { user_id: 'ada' },
      service_tier: 'auto',
      cache_control: { type: 'ephemeral' },
      container: null,
      mcp_servers: [],
    });
    expect(untold).toEqual([]);
    expect(request).toEqual({
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'hi' },
      ],
      stream: true,
      dialect: 'anthropic-messages',
      temperature: 0.5,
      topP: 0.9,
      maxTokens: 5,
      stop: ['END'],
      tools: [{ name: 'get_weather', description: 'Weather', parameters: { type: 'object' }, strict: true }],
      toolChoice: 'required',
      oneToolCall: true,
      output: { name: 'answer', schema: { type: 'object' } },
    });
  });

  test.each([
    ['auto', 'auto'],
    ['any', 'required'],
    ['none', 'none'],
  ] as const)('tool_choice %s is %s', (type, word) => expect(read({ tools: [tool], tool_choice: { type } }).request.toolChoice).toBe(word));

  test('a tool that is chosen is named, and none is chosen where there are none', () => {
    expect(read({ tools: [tool], tool_choice: { type: 'tool', name: 'get_weather' } }).request.toolChoice).toEqual({ name: 'get_weather' });
    expect(read({ tool_choice: { type: 'none' } })).toEqual(read({}));
  });

  test('the older name of the schema', () => {
    expect(read({ output_format: { type: 'json_schema', schema: { type: 'array' } } }).request.output).toEqual({ name: 'answer', schema: { type: 'array' } });
  });
});

describe('what was said before', () => {
  test('instructions in blocks are one text, and may stand between turns', () => {
    const { request } = read({
      system: [
        { type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral' } },
        { type: 'text', text: 'Be kind.' },
      ],
      messages: [
        { role: 'system', content: [{ type: 'text', text: 'Now in French.' }] },
        { role: 'user', content: 'hi' },
      ],
    });
    expect(request.messages).toEqual([
      { role: 'system', content: 'Be brief.\n\nBe kind.' },
      { role: 'system', content: 'Now in French.' },
      { role: 'user', content: 'hi' },
    ]);
  });

  test('text and images, by address and as they are', () => {
    expect(said({ type: 'text', text: 'one' }).request.messages).toEqual([{ role: 'user', content: 'one' }]);
    const pixel: Block = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } };
    expect(said({ type: 'text', text: 'these' }, pixel, image('https://example.com/a.png')).request.messages).toEqual([
      {
        role: 'user',
        content: [
          { type: 'text', text: 'these' },
          { type: 'image', url: 'data:image/png;base64,AAAA' },
          { type: 'image', url: 'https://example.com/a.png' },
        ],
      },
    ]);
  });

  test('calls of tools, without the thoughts before them', () => {
    const content: Block[] = [
      { type: 'thinking', thinking: 'hm', signature: 's' },
      { type: 'redacted_thinking', data: 'x' },
      { type: 'text', text: 'I ', citations: [{ type: 'char_location' }] },
      { type: 'text', text: 'look.' },
      { type: 'tool_use', id: 'toolu_1', name: 'get_weather', input: { city: 'Paris' }, caller: { type: 'direct' } },
    ];
    const { request, untold } = read({
      messages: [
        { role: 'assistant', content },
        { role: 'user', content: 'go on' },
      ],
    });
    expect(untold).toEqual([]);
    expect(request.messages[0]).toEqual({
      role: 'assistant',
      content: 'I look.',
      toolCalls: [{ id: 'toolu_1', name: 'get_weather', arguments: '{"city":"Paris"}' }],
    });
  });

  test('what several tools answered: a message each, in order, and the images and words behind them', () => {
    const { request, untold } = said(
      { type: 'tool_result', tool_use_id: 'a', content: [{ type: 'text', text: 'rain' }, image('https://example.com/rain.png')] },
      { type: 'tool_result', tool_use_id: 'b', content: 'no city', is_error: true },
      { type: 'tool_result', tool_use_id: 'c' },
      { type: 'text', text: 'So?' },
    );
    expect(untold).toEqual([]);
    expect(request.messages).toEqual([
      { role: 'tool', toolCallId: 'a', content: 'rain\n[image 1 of a]' },
      { role: 'tool', toolCallId: 'b', content: 'Error: no city' },
      { role: 'tool', toolCallId: 'c', content: '' },
      {
        role: 'user',
        content: [
          { type: 'text', text: '[image 1 of a]' },
          { type: 'image', url: 'https://example.com/rain.png' },
          { type: 'text', text: 'So?' },
        ],
      },
    ]);
  });

  test('a turn of nothing but results is nothing but their messages', () => {
    expect(said({ type: 'tool_result', tool_use_id: 'a', content: 'x' }).request.messages).toEqual([{ role: 'tool', toolCallId: 'a', content: 'x' }]);
  });
});

const file: Block = { type: 'image', source: { type: 'file', file_id: 'file_1' } };
const document: Block = { type: 'document', source: { type: 'text', data: 'x' } };

describe('what has no words among us is named by its path', () => {
  test.each<[string, Partial<MessagesBody>]>([
    ['top_k', { top_k: 0 }],
    ['max_tokens', { max_tokens: 0 }],
    ['thinking', { thinking: { type: 'enabled', budget_tokens: 2000 } }],
    ['output_config.effort', { output_config: { effort: 'low' } }],
    ['output_config.format', { output_config: { format: { type: 'grammar' } } }],
    ['output_format', { output_format: { type: 'grammar' } }],
    ['mcp_servers', { mcp_servers: [{ type: 'url' }] }],
    ['container', { container: 'box' }],
    ['inference_geo', { inference_geo: 'eu' }],
    ['field_of_next_year', { field_of_next_year: {} }],
    ['tools[1]', { tools: [tool, { type: 'bash_20250124', name: 'bash' }] }],
    ['tools[0]', { tools: [{ ...tool, allowed_callers: ['code_execution_20260120'] }] }],
    ['tools[0].defer_loading', { tools: [{ ...tool, defer_loading: true }] }],
    ['tool_choice', { tools: [tool], tool_choice: { type: 'of_next_year' } }],
    ['system[0]', { system: [document] }],
    ['messages[0].content[1]', { messages: [{ role: 'user', content: [{ type: 'text', text: 'x' }, document] }] }],
    ['messages[0].content[0]', { messages: [{ role: 'user', content: [file] }] }],
    ['messages[0].content[0].transformations', { messages: [{ role: 'user', content: [{ ...image('https://example.com'), transformations: {} }] }] }],
    ['messages[0].content[0].content[0]', { messages: [{ role: 'user', content: [{ type: 'tool_result', tool_use_id: 'a', content: [document] }] }] }],
    [
      'messages[0].content[0]',
      {
        messages: [
          { role: 'assistant', content: [{ type: 'server_tool_use', id: 'x' }] },
          { role: 'user', content: 'x' },
        ],
      },
    ],
    [
      'messages[1].role',
      {
        messages: [
          { role: 'user', content: 'x' },
          { role: 'assistant', content: 'I beg' },
        ],
      },
    ],
  ])('%s', (path, more) => expect(read(more).untold).toEqual([path]));
});
