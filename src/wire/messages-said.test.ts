import { describe, expect, test } from 'bun:test';
import { type Answer, foldAnswer, type ModelEvent, type Usage } from '../core/events.ts';
import { messageEvents } from './messages-said-stream.ts';
import { message } from './messages-said.ts';
import { sseDecoder } from './sse.ts';

const HEAD = { id: 'msg_1', model: 'm' };
const USAGE: Usage = { inputTokens: 100, outputTokens: 20, cachedInputTokens: 40, cacheWriteTokens: 30, longCacheWriteTokens: 10, reasoningTokens: 5 };
const REFUSED = {
  type: 'refusal',
  category: null,
  explanation: null,
  recommended_model: null,
  fallback_credit_token: null,
  fallback_has_prefill_claim: null,
};
const START: ModelEvent = { type: 'start', model: 'm' };
const STOP: ModelEvent = { type: 'end', finishReason: 'stop' };
const CALLED: ModelEvent = { type: 'end', finishReason: 'tool_calls' };
const text = (piece: string): ModelEvent => ({ type: 'text-delta', text: piece });
const frame = (event: string | null, data: string): ModelEvent => ({ type: 'frame', event, data });
const called = (index: number, name: string): ModelEvent => ({ type: 'tool-start', index, id: `call_${index}`, name });
const input = (index: number, piece: string): ModelEvent => ({ type: 'tool-delta', index, arguments: piece });

function answerOf(...events: ModelEvent[]): Answer {
  const fold = foldAnswer();
  for (const event of events) fold.add(event);
  const answer = fold.answer();
  if (answer === null) throw new Error('it has no end');
  return answer;
}

type Said = { readonly type: string; readonly [member: string]: unknown };

function streamed(...events: ModelEvent[]): readonly Said[] {
  const stream = messageEvents(HEAD, 7);
  // Each event by itself, since how they come together must not matter.
  const out = events.map((event) => stream.write([event])).join('') + stream.done(USAGE);
  const decoded = sseDecoder().push(new TextEncoder().encode(out));
  return decoded.map(({ event, data }) => {
    const body = JSON.parse(data) as Said;
    expect(event).toBe(body.type);
    return body;
  });
}

/** The content that a client puts together: what each block began as, and what came to it. */
function contentOf(events: readonly Said[]): unknown[] {
  const content: Record<string, unknown>[] = [];
  let open = -1;
  for (const event of events) {
    if (event.type === 'content_block_start') {
      expect([open, event['index']]).toEqual([-1, content.length]);
      open = content.push({ ...(event['content_block'] as object) }) - 1;
    } else if (event.type === 'content_block_stop') {
      expect(event['index']).toBe(open);
      open = -1;
    } else if (event.type === 'content_block_delta') {
      expect(event['index']).toBe(open);
      const block = content[open] ?? {};
      const { type: _, ...delta } = event['delta'] as Record<string, unknown>;
      for (const [member, piece] of Object.entries(delta)) if (typeof piece === 'string') block[member] = ((block[member] ?? '') as string) + piece;
    }
  }
  expect(open).toBe(-1);
  return content;
}

describe('a whole message', () => {
  test('has every member that the SDKs read', () => {
    expect(message(HEAD, answerOf(START, text('Hello'), STOP), USAGE)).toEqual({
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model: 'm',
      content: [{ type: 'text', text: 'Hello', citations: [] }],
      stop_reason: 'end_turn',
      stop_sequence: null,
      stop_details: null,
      container: null,
      context_management: null,
      diagnostics: null,
      usage: {
        input_tokens: 30,
        cache_creation_input_tokens: 30,
        cache_read_input_tokens: 40,
        cache_creation: { ephemeral_5m_input_tokens: 20, ephemeral_1h_input_tokens: 10 },
        output_tokens: 20,
        output_tokens_details: { thinking_tokens: 5 },
        server_tool_use: null,
        fallback_credit: null,
        iterations: null,
        service_tier: null,
        inference_geo: null,
        speed: null,
      },
    });
  });

  test('says thoughts, words and calls in this order', () => {
    const answer = answerOf(START, { type: 'reasoning-delta', text: 'hm' }, text('I look.'), called(0, 'a'), input(0, '{"x":1}'), called(1, 'b'), CALLED);
    expect(message(HEAD, answer, USAGE)).toMatchObject({
      content: [
        { type: 'thinking', thinking: 'hm', signature: '' },
        { type: 'text', text: 'I look.' },
        { type: 'tool_use', id: 'call_0', name: 'a', input: { x: 1 }, caller: { type: 'direct' } },
        { type: 'tool_use', id: 'call_1', name: 'b', input: {} },
      ],
      stop_reason: 'tool_use',
    });
  });

  test.each([
    ['length', 'max_tokens', null],
    ['content_filter', 'refusal', REFUSED],
  ] as const)('that ended by %s stopped for %s', (finishReason, reason, details) => {
    const answer = answerOf(START, text('x'), { type: 'end', finishReason });
    expect(message(HEAD, answer, USAGE)).toMatchObject({ stop_reason: reason, stop_details: details });
  });

  test('invents no input: a call that the longest length cut is left out, any other that cannot be read is an error', () => {
    const cut = answerOf(START, called(0, 'a'), input(0, '{"x":'), { type: 'end', finishReason: 'length' });
    expect(message(HEAD, cut, USAGE)).toMatchObject({ content: [], stop_reason: 'max_tokens' });
    for (const words of ['{"x":', '[1]'])
      expect(() => message(HEAD, answerOf(START, called(0, 'a'), input(0, words), CALLED), USAGE)).toThrow('a with arguments that are not a JSON object');
  });
});

describe('a streamed message', () => {
  test('begins with our count of the input and ends with the true usage', () => {
    const events = streamed(START, text('Hel'), text('lo'), STOP);
    expect(events.map(({ type }) => type)).toEqual([
      'message_start',
      'content_block_start',
      'content_block_delta',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ]);
    expect(events[0]).toMatchObject({ message: { id: 'msg_1', content: [], stop_reason: null, usage: { input_tokens: 7, output_tokens: 0 } } });
    expect(events.at(-2)).toEqual({
      type: 'message_delta',
      delta: { stop_reason: 'end_turn', stop_sequence: null, stop_details: null, container: null },
      usage: {
        input_tokens: 30,
        cache_creation_input_tokens: 30,
        cache_read_input_tokens: 40,
        output_tokens: 20,
        output_tokens_details: { thinking_tokens: 5 },
        server_tool_use: null,
        fallback_credit: null,
        iterations: null,
      },
      context_management: null,
    });
    expect(contentOf(events)).toEqual([{ type: 'text', text: 'Hello', citations: [] }]);
  });

  test('opens a block for each thought, text and call, one after the other', () => {
    const thought: ModelEvent = { type: 'reasoning-delta', text: 'hm' };
    const events = streamed(START, thought, thought, text('I look.'), called(0, 'a'), input(0, '{"x"'), input(0, ':1}'), thought, text('So.'), CALLED);
    expect(contentOf(events)).toEqual([
      { type: 'thinking', thinking: 'hmhm', signature: '' },
      { type: 'text', text: 'I look.', citations: [] },
      { type: 'tool_use', id: 'call_0', name: 'a', input: {}, caller: { type: 'direct' }, partial_json: '{"x":1}' },
      { type: 'thinking', thinking: 'hm', signature: '' },
      { type: 'text', text: 'So.', citations: [] },
    ]);
  });

  test.each<[string, readonly ModelEvent[]]>([
    ['one after the other', [called(0, 'a'), input(0, '{"x":'), input(0, '1}'), called(1, 'b'), input(1, '{"y":2}'), called(2, 'c')]],
    ['mixed', [called(0, 'a'), called(1, 'b'), input(1, '{"y":'), input(0, '{"x":'), input(1, '2}'), input(0, '1}'), called(2, 'c')]],
    ['all begun before anything is said', [called(0, 'a'), called(1, 'b'), called(2, 'c'), input(0, '{"x":1}'), input(1, '{"y":2}')]],
  ])('says parallel calls each to its end, however they come: %s', (_how, events) => {
    expect(contentOf(streamed(START, ...events, CALLED))).toMatchObject([
      { id: 'call_0', name: 'a', partial_json: '{"x":1}' },
      { id: 'call_1', name: 'b', partial_json: '{"y":2}' },
      { id: 'call_2', name: 'c', input: {} },
    ]);
  });

  test('does not hold a call back while it comes', () => {
    const stream = messageEvents(HEAD, 7);
    stream.write([START, called(0, 'a')]);
    expect(stream.write([input(0, '{"x":')])).toContain('input_json_delta');
  });

  test('has no end where nothing says that it ended', () => {
    const stream = messageEvents(HEAD, 7);
    expect(stream.write([START, text('half')])).not.toContain('message_delta');
  });

  test('that was refused says so', () => {
    const events = streamed(START, { type: 'refusal-delta', text: 'No.' }, STOP);
    expect(contentOf(events)).toEqual([{ type: 'text', text: 'No.', citations: [] }]);
    expect(events.at(-2)).toMatchObject({ delta: { stop_reason: 'refusal', stop_details: { type: 'refusal' } } });
  });

  test("is the provider's own, word by word, where it speaks the dialect", () => {
    const stream = messageEvents(HEAD, 7);
    const out = stream.write([frame('message_start', '{"x": 1}'), START, frame('ping', '{"type": "ping"}'), frame(null, 'two\nlines'), text('x'), STOP]);
    expect(out).toBe('event: message_start\ndata: {"x": 1}\n\nevent: ping\ndata: {"type": "ping"}\n\ndata: two\ndata: lines\n\n');
    expect(stream.done(USAGE)).toBe('');
  });
});
