import { describe, expect, test } from 'bun:test';
import type { ModelEvent } from '../core/events.ts';
import { parseEvents } from '../../test/harness.ts';
import { saidResponse, type Saying, wholeResponse } from './responses-said.ts';

const USAGE = { inputTokens: 3, outputTokens: 2, cachedInputTokens: 1, cacheWriteTokens: 1, reasoningTokens: 1 };
const ERROR = { message: 'It broke', type: 'server_error', param: null, code: 'internal_error' };

function saying(parts: Partial<Saying> = {}): Saying {
  let ids = 0;
  const head = { id: 'resp_1', createdAt: 1_700_000_000, model: 'm', body: { input: 'Hi' } };
  return { head, ours: null, newId: (prefix) => `${prefix}_${++ids}`, nowSeconds: () => 1_700_000_001, ...parts };
}

type Event = { readonly type: string; readonly sequence_number: number; readonly output_index?: number; readonly [field: string]: unknown };

function eventsOf(text: string): Event[] {
  return parseEvents(text).map(({ event, data }) => {
    const parsed = JSON.parse(data) as Event;
    expect(event).toBe(parsed.type);
    return parsed;
  });
}

function said(events: readonly ModelEvent[], parts: Partial<Saying> = {}): Event[] {
  const response = saidResponse(saying(parts));
  const text = response.write(events);
  const all = eventsOf(text + response.done(response.finish(USAGE)));
  expect(all.map((event) => event.sequence_number)).toEqual(all.map((_, index) => index));
  return all;
}

const START: ModelEvent = { type: 'start', model: 'm-1' };
const STOP: ModelEvent = { type: 'end', finishReason: 'stop' };
const tool = (index: number): ModelEvent => ({ type: 'tool-start', index, id: `call_${index}`, name: 'look' });
const given = (index: number, piece: string): ModelEvent => ({ type: 'tool-delta', index, arguments: piece });
const short = (events: readonly Event[]) => events.map(({ type, output_index: index }) => `${type.replace('response.', '')} ${index ?? ''}`.trimEnd());

describe('a stream', () => {
  test('of thinking, text and a refusal is in the order of the vendor', () => {
    const events = said([
      START,
      { type: 'reasoning-delta', text: 'hm' },
      { type: 'text-delta', text: 'No, ' },
      { type: 'refusal-delta', text: 'I will not' },
      { type: 'usage', usage: USAGE },
      STOP,
    ]);
    expect(short(events)).toEqual([
      'created',
      'in_progress',
      'output_item.added 0',
      'reasoning_summary_part.added 0',
      'reasoning_summary_text.delta 0',
      'reasoning_summary_text.done 0',
      'reasoning_summary_part.done 0',
      'output_item.done 0',
      'output_item.added 1',
      'content_part.added 1',
      'output_text.delta 1',
      'output_text.done 1',
      'content_part.done 1',
      'content_part.added 1',
      'refusal.delta 1',
      'refusal.done 1',
      'content_part.done 1',
      'output_item.done 1',
      'completed',
    ]);
    expect(events.find(({ type }) => type === 'response.output_text.delta')).toEqual({
      type: 'response.output_text.delta',
      sequence_number: 10,
      item_id: 'msg_2',
      output_index: 1,
      content_index: 0,
      delta: 'No, ',
      logprobs: [],
    });
    expect(events.at(-1)).toMatchObject({
      response: {
        id: 'resp_1',
        model: 'm-1',
        status: 'completed',
        completed_at: 1_700_000_001,
        output: [
          { id: 'rs_1', type: 'reasoning', summary: [{ type: 'summary_text', text: 'hm' }] },
          {
            id: 'msg_2',
            type: 'message',
            role: 'assistant',
            status: 'completed',
            content: [
              { type: 'output_text', text: 'No, ', annotations: [], logprobs: [] },
              { type: 'refusal', refusal: 'I will not' },
            ],
          },
        ],
        usage: {
          input_tokens: 3,
          input_tokens_details: { cached_tokens: 1, cache_write_tokens: 1 },
          output_tokens: 2,
          output_tokens_details: { reasoning_tokens: 1 },
          total_tokens: 5,
        },
      },
    });
  });

  test('of calls has each done before the next, unless they are said side by side', () => {
    const end: ModelEvent = { type: 'end', finishReason: 'tool_calls' };
    const one = ['output_item.added 0', 'function_call_arguments.delta 0', 'function_call_arguments.done 0', 'output_item.done 0'];
    const two = one.map((text) => text.replace('0', '1'));
    const inTurn = said([START, tool(0), given(0, '{"a":1}'), tool(1), given(1, '{}'), end]);
    expect(short(inTurn)).toEqual(['created', 'in_progress', ...one, ...two, 'completed']);
    const sideBySide = said([START, tool(0), given(0, '{"a"'), tool(1), given(1, '{}'), given(0, ':1}'), end]);
    expect(sideBySide.at(-1)).toMatchObject({
      response: {
        status: 'completed',
        output: [
          { type: 'function_call', call_id: 'call_0', name: 'look', arguments: '{"a":1}', status: 'completed' },
          { type: 'function_call', call_id: 'call_1', name: 'look', arguments: '{}', status: 'completed' },
        ],
      },
    });
  });

  test.each([
    ['length', 'max_output_tokens'],
    ['content_filter', 'content_filter'],
  ] as const)('that ended by %s is incomplete', (finishReason, reason) => {
    const last = said([START, { type: 'text-delta', text: 'Hi' }, { type: 'end', finishReason }]).at(-1);
    expect(last).toMatchObject({
      type: 'response.incomplete',
      response: { status: 'incomplete', incomplete_details: { reason }, completed_at: null, output: [{ status: 'incomplete' }] },
    });
  });

  test('that broke off has failed, with what it said, and an error at which clients throw', () => {
    const response = saidResponse(saying());
    const before = response.write([START, { type: 'text-delta', text: 'Hi' }]);
    const events = eventsOf(before + response.failed(ERROR).text);
    expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, index) => index));
    expect(events.slice(-2)).toMatchObject([
      { type: 'response.failed', response: { status: 'failed', error: { code: 'server_error', message: 'It broke' }, output: [{ status: 'incomplete' }] } },
      { type: 'error', message: 'It broke', code: 'internal_error', param: null, error: ERROR },
    ]);
  });
});

const frame = (type: string, fields: object): ModelEvent => ({ type: 'frame', event: type, data: JSON.stringify({ type, ...fields }) });
const THEIRS = { id: 'resp_theirs', status: 'completed', store: false, odd: true };
const FRAMES = [
  frame('response.created', { sequence_number: 0, response: { ...THEIRS, status: 'in_progress' } }),
  START,
  frame('response.output_text.delta', { sequence_number: 1, delta: 'Hi', odd: 1 }),
  { type: 'text-delta', text: 'Hi' },
  frame('response.completed', { sequence_number: 2, response: THEIRS }),
  STOP,
] satisfies ModelEvent[];
const asTheyCame = FRAMES.flatMap((event) => (event.type === 'frame' ? [`event: ${event.event}\ndata: ${event.data}\n\n`] : []));

describe('the words of a provider', () => {
  test('go on as they came, the last of them when all is done', () => {
    const response = saidResponse(saying());
    const text = response.write(FRAMES);
    expect(text).toBe(asTheyCame.slice(0, -1).join(''));
    const whole = response.finish(USAGE);
    expect(whole).toEqual(THEIRS);
    expect(response.done(whole)).toBe(asTheyCame.at(-1) ?? '');
  });

  test('hold what is ours where something is', () => {
    const ours = { previous_response_id: 'resp_0', store: true };
    const events = said(FRAMES, { ours });
    expect(events.flatMap(({ response }) => (response ? [response] : []))).toMatchObject([
      { id: 'resp_theirs', status: 'in_progress', odd: true, ...ours },
      { id: 'resp_theirs', status: 'completed', odd: true, ...ours },
    ]);
    expect(events[1]).toMatchObject({ delta: 'Hi', odd: 1 });
  });

  test('that break off end in ours, which know where they were', () => {
    const response = saidResponse(saying());
    const text = response.write([...FRAMES.slice(0, 4), { type: 'frame', event: null, data: '{"error":{"message":"odd"}}' }]);
    const events = eventsOf(text + response.failed(ERROR).text);
    expect(events.map((event) => event.sequence_number)).toEqual([0, 1, 2, 3]);
    expect(events[2]).toMatchObject({ type: 'response.failed', response: { id: 'resp_theirs', odd: true, status: 'failed' } });
  });
});

test('a whole response is theirs with what is ours in it, or ours with all that the vendor has', () => {
  const answer = { model: 'm', text: 'Hi', reasoning: '', refusal: '', toolCalls: [], usage: USAGE, finishReason: 'stop' } as const;
  expect(wholeResponse(saying({ ours: { store: true } }), { answer, words: JSON.stringify(THEIRS) }, USAGE)).toEqual({ ...THEIRS, store: true });
  const own = wholeResponse(saying(), { answer, words: null }, USAGE);
  expect(own).toMatchObject({ output: [{ type: 'message', content: [{ type: 'output_text', text: 'Hi' }] }] });
  const demanded =
    'completed_at incomplete_details previous_response_id instructions error tools tool_choice truncation parallel_tool_calls text top_p presence_penalty ' +
    'frequency_penalty top_logprobs temperature reasoning usage max_output_tokens max_tool_calls store background service_tier metadata safety_identifier prompt_cache_key';
  expect(demanded.split(' ').filter((member) => own[member] === undefined)).toEqual([]);
});
