import { describe, expect, test } from 'bun:test';
import type { ModelEvent } from '../core/events.ts';
import { UpstreamError } from '../core/provider.ts';
import { partReader, wholeAnswer } from './ai-sdk-answer.ts';

type Part = Readonly<Record<string, unknown>>;
const finish = (finishReason: unknown, usage: unknown = {}): Part => ({ type: 'finish', finishReason, usage });

/** What a stream of these parts says, and how it failed where it did. */
function read(parts: readonly Part[]): { readonly events: readonly ModelEvent[]; readonly fault: string | null } {
  const reader = partReader('m');
  const events: ModelEvent[] = [];
  try {
    for (const part of parts) events.push(...reader.read(part));
    return { events, fault: null };
  } catch (cause) {
    return { events, fault: cause instanceof UpstreamError ? cause.fault : String(cause) };
  }
}

describe('the end of a stream', () => {
  test.each<[version: string, reason: unknown, end: string | null]>([
    ['v2', 'stop', 'stop'],
    ['v2', 'length', 'length'],
    ['v2', 'tool-calls', 'tool_calls'],
    ['v2', 'content-filter', 'content_filter'],
    ['v2', 'other', 'stop'],
    ['v2', 'unknown', null],
    ['v3', { unified: 'stop', raw: 'end_turn' }, 'stop'],
    ['v4', { unified: 'tool-calls', raw: undefined }, 'tool_calls'],
    ['v4', { unified: 'other', raw: 'pause_turn' }, 'stop'],
    ['v4, without a reason of the provider', { unified: 'other', raw: undefined }, null],
    ['any, without a word', undefined, null],
  ])('of %s with %j is %p', (_, reason, end) => {
    const { events, fault } = read([{ type: 'text-delta', delta: 'Hal' }, finish(reason)]);
    expect([events.at(-1), fault]).toMatchObject(end === null ? [{ type: 'text-delta', text: 'Hal' }, 'broken'] : [{ type: 'end', finishReason: end }, null]);
  });

  test('by an error is a failure, and what stands behind the end is nothing', () => {
    expect(read([finish({ unified: 'error', raw: 'MALFORMED' })]).fault).toBe('failed');
    expect(read([finish('stop'), { type: 'text-delta', delta: 'more' }]).events).toHaveLength(2);
  });
});

describe('what a stream used', () => {
  test.each<[what: string, usage: unknown, counted: object | null]>([
    [
      'in one word each',
      { inputTokens: 10, outputTokens: 5, cachedInputTokens: 4, reasoningTokens: 2 },
      { inputTokens: 10, outputTokens: 5, cachedInputTokens: 4, reasoningTokens: 2 },
    ],
    [
      'in parts',
      { inputTokens: { total: 10, noCache: 3, cacheRead: 4, cacheWrite: 3 }, outputTokens: { total: 5, text: 3, reasoning: 2 } },
      { inputTokens: 10, outputTokens: 5, cachedInputTokens: 4, cacheWriteTokens: 3, reasoningTokens: 2 },
    ],
    ['half', { inputTokens: { total: 10 }, outputTokens: { total: undefined } }, null],
    ['not at all', undefined, null],
  ])('counted %s', (_, usage, counted) => {
    const { events } = read([finish('stop', usage)]);
    expect(events.filter(({ type }) => type === 'usage')).toMatchObject(counted === null ? [] : [{ type: 'usage', usage: counted }]);
  });
});

const input = (id: string, delta: string): Part => ({ type: 'tool-input-delta', id, delta });

describe('tool calls', () => {
  test('of pieces, of one piece and of none are numbered in the order of their beginning, and said once', () => {
    const { events } = read([
      { type: 'tool-input-start', id: 'a', toolName: 'first' },
      { type: 'tool-input-start', id: 'b', toolName: 'second' },
      input('b', '{"x":'),
      input('a', '{}'),
      input('b', '1}'),
      { type: 'tool-call', toolCallId: 'a', toolName: 'first', input: '{}' },
      { type: 'tool-call', toolCallId: 'b', toolName: 'second', input: '{"x":1}' },
      { type: 'tool-call', toolCallId: 'c', toolName: 'third', input: { y: 2 } },
      { type: 'tool-input-start', id: 'd', toolName: 'fourth' },
      { type: 'tool-call', toolCallId: 'd', toolName: 'fourth', input: '' },
      { type: 'tool-input-start', id: 's', toolName: 'web_search', providerExecuted: true },
      input('s', '{"query":"nothing of ours"}'),
      { type: 'tool-call', toolCallId: 's', toolName: 'web_search', input: '{}', providerExecuted: true },
    ]);
    const said = (index: number): string => events.map((event) => (event.type === 'tool-delta' && event.index === index ? event.arguments : '')).join('');
    expect(events.filter(({ type }) => type === 'tool-start')).toEqual(
      ['first', 'second', 'third', 'fourth'].map((name, index) => ({ type: 'tool-start', index, id: 'abcd'.charAt(index), name })),
    );
    expect([0, 1, 2, 3].map(said)).toEqual(['{}', '{"x":1}', '{"y":2}', '{}']);
  });

  test('of a whole answer that forgets its reason are the reason', () => {
    const content = [
      { type: 'reasoning', text: 'Rome.' },
      { type: 'tool-call', toolCallId: 'a', toolName: 'first', input: '{}' },
    ];
    expect(wholeAnswer({ content, finishReason: 'unknown', response: { id: 'r', modelId: 'm-1' } }, 'm')).toEqual([
      { type: 'start', model: 'm-1', id: 'r' },
      { type: 'reasoning-delta', text: 'Rome.' },
      { type: 'tool-start', index: 0, id: 'a', name: 'first' },
      { type: 'tool-delta', index: 0, arguments: '{}' },
      { type: 'end', finishReason: 'tool_calls' },
    ]);
  });
});

describe('what a package left out', () => {
  const json = { type: 'unsupported', feature: 'responseFormat', details: 'only JSON without a schema' };

  test.each<[what: string, warning: Part, words: string | null]>([
    ['a schema', json, 'this form of an answer: only JSON without a schema'],
    ['a schema, as older ones say it', { type: 'unsupported-setting', setting: 'responseFormat' }, 'this form of an answer'],
    ['a tool', { type: 'unsupported-tool', tool: {} }, 'these tools'],
    ['a choice', { type: 'unsupported', feature: 'toolChoice' }, 'this choice of tools'],
    ['a seed', { type: 'unsupported', feature: 'seed' }, null],
    ['nothing, since it says a schema in words', { type: 'compatibility', feature: 'responseFormat' }, null],
  ])('is refused where the answer needs it: %s', (_, warning, words) => {
    const whole = (): unknown => wholeAnswer({ content: [], finishReason: 'stop', warnings: [warning] }, 'm');
    const start = { type: 'stream-start', warnings: [warning] };
    if (words === null) expect([whole(), read([start, finish('stop')]).fault]).toEqual([expect.anything(), null]);
    else {
      expect(whole).toThrow(expect.objectContaining({ fault: 'rejected', words: `This provider has no words for ${words}` }));
      expect(read([start]).fault).toBe('rejected');
    }
  });
});
