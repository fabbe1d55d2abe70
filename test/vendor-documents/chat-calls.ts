import { asks, type Call, CLAUDE, DEMO, EVENTS, GPT, HOUSE, PIXEL, PLACE, SCRIPTED, WEATHER } from './call.ts';
import { refused, scripted } from './upstream-rules.ts';

const user = (content: unknown): object => ({ role: 'user', content });
const chat = asks({ kind: 'chat', path: '/v1/chat/completions', usual: (prompt) => ({ messages: [user(prompt)] }) });
const complete = asks({ kind: 'completions', path: '/v1/completions', usual: (prompt) => ({ prompt, max_tokens: 100 }) });

const TOOLS = { tools: [{ type: 'function', function: { ...WEATHER, strict: true } }] };
const CALLED = { id: 'call_1', type: 'function', function: { name: 'get_weather', arguments: '{"city":"Paris"}' } };
const IMAGE = [
  { type: 'text', text: 'What is this?' },
  { type: 'image_url', image_url: { url: `data:image/png;base64,${PIXEL}` } },
];
const USAGE = { stream_options: { include_usage: true } };

export const CHATS: readonly Call[] = [
  chat('Say hello', { messages: [{ role: 'developer', content: 'Be brief.' }, user('Say hello')], user: 'somebody', seed: 1 }),
  chat('Count the tokens', USAGE, EVENTS),
  chat('What is this?', { messages: [user(IMAGE)] }),
  chat('Look it up', { ...TOOLS, tool_choice: 'required' }),
  chat('Paris and Rome', TOOLS, { models: SCRIPTED }),
  chat('Say first', TOOLS, { models: SCRIPTED }),
  chat('Tools said', {
    ...TOOLS,
    messages: [user('Weather?'), { role: 'assistant', content: null, tool_calls: [CALLED] }, { role: 'tool', tool_call_id: 'call_1', content: '21 degrees' }],
  }),
  chat('A form', { response_format: { type: 'json_schema', json_schema: PLACE } }),
  chat('Answer in json', { response_format: { type: 'json_object' } }, { models: [DEMO, GPT, HOUSE] }),
  chat('Tell a long story of a river', { max_completion_tokens: 2 }),
  chat('Tell it to its end', { stop: ['heard', 'demo'] }),
  chat('Several', { n: 2 }, { models: [GPT, HOUSE] }),
  chat('Several of one', { n: 2 }, { models: [DEMO, CLAUDE], isRefused: true }),
  chat('How likely', { logprobs: true, top_logprobs: 2 }, { models: [GPT, HOUSE] }),
  chat('Think aloud', USAGE, { models: SCRIPTED }),
  chat('No messages', { messages: [] }, { isRefused: true }),
  ...scripted(chat),
  ...refused(chat),
];

export const COMPLETIONS: readonly Call[] = [
  complete('The gate lifts, and'),
  complete('Count the tokens', USAGE, EVENTS),
  complete('A short one', { max_tokens: 1 }),
  complete('To its end', { stop: 'heard' }),
  complete('Twice', { n: 2 }, { isRefused: true }),
  ...scripted(complete),
  ...refused(complete),
];
