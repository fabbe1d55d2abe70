import { asks, type Call, CLAUDE, DEMO, GPT, HOUSE, PIXEL, SCRIPTED, WEATHER, WHOLE } from './call.ts';
import { refused, scripted } from './upstream-rules.ts';

const user = (content: unknown): object => ({ role: 'user', content });
const message = asks({ kind: 'messages', path: '/v1/messages', usual: (prompt) => ({ max_tokens: 500, messages: [user(prompt)] }) });
const count = asks({ kind: 'countTokens', path: '/v1/messages/count_tokens', usual: (prompt) => ({ messages: [user(prompt)] }) });

const TOOLS = { tools: [{ name: WEATHER.name, description: WEATHER.description, input_schema: WEATHER.parameters }] };
const IMAGE = [
  { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PIXEL } },
  { type: 'text', text: 'What is this?' },
];
const TOOLS_SAID = [
  user('Weather?'),
  { role: 'assistant', content: [{ type: 'tool_use', id: 'toolu_1', name: 'get_weather', input: { city: 'Paris' } }] },
  user([{ type: 'tool_result', tool_use_id: 'toolu_1', content: [{ type: 'text', text: '21 degrees' }] }]),
];

export const MESSAGES: readonly Call[] = [
  message('Say hello', { system: 'Be brief.', temperature: 0.5, metadata: { user_id: 'somebody' } }),
  message('What is this?', { messages: [user(IMAGE)] }),
  message('Look it up', { ...TOOLS, tool_choice: { type: 'any' } }),
  message('Paris and Rome', TOOLS, { models: SCRIPTED }),
  message('Say first', TOOLS, { models: SCRIPTED }),
  message('Tools said', { ...TOOLS, messages: TOOLS_SAID }),
  message('A form', { output_config: { format: { type: 'json_schema', schema: WEATHER.parameters } } }),
  message('Tell a long story of a river', { max_tokens: 2 }),
  message('Tell it to its end', { stop_sequences: ['heard', 'demo'] }),
  message('Think aloud', {}, { models: SCRIPTED }),
  message('Think aloud, please', { max_tokens: 4000, thinking: { type: 'enabled', budget_tokens: 2000 } }, { models: [CLAUDE] }),
  message('Think hard', { max_tokens: 4000, thinking: { type: 'enabled', budget_tokens: 2000 } }, { models: [DEMO, GPT, HOUSE], isRefused: true }),
  message('No messages', { messages: [] }, { isRefused: true }),
  ...scripted(message),
  ...refused(message),
  count('How long is this?', {}, WHOLE),
  count('How long with tools?', { system: 'Be brief.', ...TOOLS, messages: TOOLS_SAID }, WHOLE),
  count('Nobody knows this model', {}, { ...WHOLE, models: ['no-such-model'], isRefused: true }),
];
