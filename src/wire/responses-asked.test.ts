import { describe, expect, test } from 'bun:test';
import { AppError } from '../contract/errors.ts';
import { ResponsesBody } from '../contract/responses.ts';
import { outgoingBody, readResponses, storedItems, turnItems } from './responses-asked.ts';

const body = (parts: object): ResponsesBody => ResponsesBody.parse({ model: 'm', ...parts });
const read = (parts: object, before: Parameters<typeof readResponses>[1] = []) => readResponses(body(parts), before);
const messages = (parts: object) => read(parts).request.messages;

const called = (id: string) => ({ type: 'function_call', call_id: id, name: 'look', arguments: '{}' });
const came = (id: string, output: unknown) => ({ type: 'function_call_output', call_id: id, output });
const call = (id: string) => ({ id, name: 'look', arguments: '{}' });

describe('input', () => {
  test('is text, with instructions before it', () => {
    expect(messages({ input: 'Hi', instructions: 'Be brief.' })).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: [{ type: 'text', text: 'Hi' }] },
    ]);
  });

  test('is messages with or without a type, of text or of parts', () => {
    const image = { type: 'input_image', image_url: 'https://example.com/a.png', detail: 'low' };
    expect(
      messages({
        input: [
          { role: 'developer', content: 'Be kind.' },
          { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'See' }, image] },
          {
            role: 'assistant',
            content: [
              { type: 'output_text', text: 'I ' },
              { type: 'refusal', refusal: 'will not' },
            ],
          },
        ],
      }),
    ).toEqual([
      { role: 'system', content: 'Be kind.' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'See' },
          { type: 'image', url: 'https://example.com/a.png', detail: 'low' },
        ],
      },
      { role: 'assistant', content: 'I will not' },
    ]);
  });

  test('holds the calls of one turn together, and what came of each by itself', () => {
    expect(
      messages({
        input: [
          { role: 'assistant', content: 'I look.' },
          { type: 'reasoning', summary: [] },
          called('a'),
          called('b'),
          came('a', 'one'),
          came('b', [{ type: 'input_text', text: 'two' }]),
          called('c'),
        ],
      }),
    ).toEqual([
      { role: 'assistant', content: 'I look.', toolCalls: [call('a'), call('b')] },
      { role: 'tool', toolCallId: 'a', content: 'one' },
      { role: 'tool', toolCallId: 'b', content: 'two' },
      { role: 'assistant', content: '', toolCalls: [call('c')] },
    ]);
  });

  test.each<[object, string, string]>([
    [{}, 'MISSING_REQUIRED_FIELD', 'input'],
    [{ input: [{ type: 'message', content: 'x' }] }, 'MISSING_REQUIRED_FIELD', 'input[0].role'],
    [{ input: [{ type: 'function_call', name: 'look', arguments: '{}' }] }, 'MISSING_REQUIRED_FIELD', 'input[0].call_id'],
    [{ input: [{ type: 'function_call_output', call_id: 'a' }] }, 'INVALID_TYPE', 'input[0].output'],
    [{ input: [{ type: 'item_reference', id: 'msg_1' }] }, 'INVALID_VALUE', 'input[0]'],
    [{ input: 'x', tools: [{ type: 'function' }] }, 'MISSING_REQUIRED_FIELD', 'tools[0].name'],
  ])('%j is refused', (parts, code, field) => {
    try {
      read(parts);
    } catch (cause) {
      if (!(cause instanceof AppError)) throw cause;
      return expect([cause.code, cause.parts.field]).toEqual([code as AppError['code'], field]);
    }
    throw new Error('it was taken');
  });
});

describe('what is asked for', () => {
  test('is said in our words', () => {
    const { request, untold } = read({
      input: 'Hi',
      stream: true,
      temperature: 0.5,
      top_p: 0.9,
      max_output_tokens: 50,
      tools: [{ type: 'function', name: 'look', description: 'Looks', parameters: { type: 'object' }, strict: true }],
      tool_choice: { type: 'function', name: 'look' },
      parallel_tool_calls: false,
      text: { format: { type: 'json_schema', name: 'place', schema: { type: 'object' }, strict: true } },
    });
    expect(untold).toEqual([]);
    expect(request).toMatchObject({
      stream: true,
      temperature: 0.5,
      topP: 0.9,
      maxTokens: 50,
      tools: [{ name: 'look', description: 'Looks', parameters: { type: 'object' }, strict: true }],
      toolChoice: { name: 'look' },
      oneToolCall: true,
      output: { name: 'place', schema: { type: 'object' } },
    });
  });

  test('is not told to others where we have no words for it', () => {
    const tool = { type: 'function', name: 'look' };
    const cases: [object, string[]][] = [
      [{ tools: [tool, { type: 'web_search' }] }, ['tools[1]']],
      [{ tools: [tool], parallel_tool_calls: false }, []],
      [{ tools: [tool], tool_choice: { type: 'allowed_tools' } }, ['tool_choice']],
      [{ reasoning: { effort: 'low' } }, ['reasoning.effort']],
      [{ text: { verbosity: 'high' } }, ['text.verbosity']],
      [{ top_logprobs: 3, include: ['message.output_text.logprobs'] }, ['include', 'top_logprobs']],
      [{ input: [{ role: 'user', content: [{ type: 'input_file', file_id: 'f' }] }] }, ['input[0].content[0]']],
      [{ input: [{ role: 'user', content: [{ type: 'input_image', file_id: 'f' }] }] }, ['input[0].content[0]']],
      [{ input: [{ type: 'web_search_call', id: 'ws_1' }] }, ['input[0]']],
    ];
    for (const [parts, untold] of cases) expect(read({ input: 'Hi', ...parts }).untold).toEqual(untold);
  });

  test('is told to everybody where it changes nothing of the answer', () => {
    const hints = {
      include: [],
      store: false,
      metadata: { a: 'b' },
      user: 'u',
      service_tier: 'auto',
      truncation: 'auto',
      parallel_tool_calls: true,
      reasoning: { effort: null, summary: 'auto' },
      text: { format: { type: 'text' }, verbosity: 'medium' },
      top_logprobs: 0,
      safety_identifier: 'x',
      prompt_cache_key: 'k',
      made_up: true,
    };
    expect(read({ input: 'Hi', ...hints }).untold).toEqual([]);
  });
});

describe('a response that is gone on from', () => {
  const before = turnItems({
    input: storedItems(body({ input: 'One' }), (prefix) => `${prefix}_1`),
    response: {
      output: [
        { type: 'reasoning', id: 'rs_1', summary: [] },
        { type: 'reasoning', id: 'rs_2', summary: [], encrypted_content: 'sealed' },
        { type: 'function_call', id: 'fc_1', call_id: 'a', name: 'look', arguments: '{}' },
      ],
    },
  });
  const next = { previous_response_id: 'resp_1', input: [{ type: 'function_call_output', call_id: 'a', output: 'seen' }] };

  test('is told as the messages before', () => {
    expect(read(next, before).request.messages).toEqual([
      { role: 'user', content: [{ type: 'text', text: 'One' }] },
      { role: 'assistant', content: '', toolCalls: [{ id: 'a', name: 'look', arguments: '{}' }] },
      { role: 'tool', toolCallId: 'a', content: 'seen' },
    ]);
  });

  test('goes out as its items, under no id of ours and to be stored nowhere', () => {
    expect(outgoingBody(body({ ...next, metadata: { a: 'b' } }), before)).toEqual({
      model: 'm',
      metadata: { a: 'b' },
      store: false,
      input: [
        { type: 'message', role: 'user', status: 'completed', content: [{ type: 'input_text', text: 'One' }] },
        { type: 'reasoning', id: 'rs_2', summary: [], encrypted_content: 'sealed' },
        { type: 'function_call', call_id: 'a', name: 'look', arguments: '{}' },
        { type: 'function_call_output', call_id: 'a', output: 'seen' },
      ],
    });
  });

  test('that said what cannot be told to everybody is itself what cannot', () => {
    expect(read(next, [...before, { type: 'web_search_call', id: 'ws_1' }]).untold).toEqual(['previous_response_id']);
  });

  test('is nothing to a body that goes on from none: that goes as it came', () => {
    const plain = body({ input: 'Hi', store: true, made_up: 1 });
    expect(outgoingBody(plain, [])).toBe(plain);
  });
});
