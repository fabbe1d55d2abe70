import type { Rule } from '../fake-upstream/rule.ts';
import { type Asks, type Call, EVENTS, SCRIPTED } from './call.ts';

/** What the upstream makes of a prompt with these words. */
export const RULES: readonly Rule[] = [
  { match: { prompt: 'Think aloud' }, reasoning: 'Two and two.', text: 'Four.', usage: { input: 40, output: 9, cached: 16, reasoning: 4 } },
  { match: { prompt: 'Refuse' }, refusal: 'I cannot help with that.' },
  { match: { prompt: 'Be filtered' }, text: 'It was a', finish: 'content_filter' },
  {
    match: { prompt: 'Paris and Rome' },
    toolCalls: [
      { name: 'get_weather', arguments: { city: 'Paris' } },
      { name: 'get_weather', arguments: { city: 'Rome' } },
    ],
  },
  { match: { prompt: 'Say first' }, text: 'I look.', toolCalls: [{ name: 'get_weather', arguments: { city: 'Paris' } }] },
  { match: { prompt: 'Take long' }, chunks: 50, chunkDelayMs: 100 },
  { match: { prompt: 'Break off', stream: true }, chunks: 5, cutAfter: 2, cutHow: 'reset' },
  { match: { prompt: 'Garble', stream: true }, chunks: 5, garble: { kind: 'bad-json', at: 2 } },
  { match: { prompt: 'Fail in the middle', stream: true }, chunks: 5, garble: { kind: 'error-object', at: 2 } },
  ...[400, 401, 403, 404, 413, 422, 429, 500, 503, 529].map((status): Rule => ({ match: { prompt: `Fail with ${status}` }, status })),
];

const FROM_CACHE = { headers: { 'x-cache-control': 'on' } };

/** What a model may say on every route, and how a provider may fail. */
export function scripted(ask: Asks): readonly Call[] {
  return [
    ask('Say it again', {}, FROM_CACHE),
    ask('Say it again', {}, FROM_CACHE),
    ask('Refuse', {}, { models: SCRIPTED }),
    ask('Be filtered', {}, { models: SCRIPTED }),
    ...['Break off', 'Garble', 'Fail in the middle'].map((prompt) => ask(prompt, {}, { models: SCRIPTED, ...EVENTS })),
    ...[400, 401, 403, 404, 413, 422, 429, 500, 503, 529].map((status) => ask(`Fail with ${status}`, {}, { models: SCRIPTED, isRefused: true })),
  ];
}

/** What is refused before a provider is asked. */
export function refused(ask: Asks): readonly Call[] {
  return [
    ask('Nobody knows this model', {}, { models: ['no-such-model'], isRefused: true }),
    ask('Too hot', { temperature: 'very' }, { isRefused: true }),
    ask('A stranger', {}, { headers: { authorization: 'Bearer sk-sluice-nobody' }, isRefused: true }),
  ];
}
