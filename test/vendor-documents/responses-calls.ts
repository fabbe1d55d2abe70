import { asks, type Call, GPT, PIXEL, PLACE, SCRIPTED, WEATHER } from './call.ts';
import { refused, scripted } from './upstream-rules.ts';

const respond = asks({ kind: 'responses', path: '/v1/responses', usual: (prompt) => ({ input: prompt }) });

const TOOLS = { tools: [{ type: 'function', ...WEATHER, strict: true }] };
const IMAGE = [
  { type: 'input_text', text: 'What is this?' },
  { type: 'input_image', image_url: `data:image/png;base64,${PIXEL}`, detail: 'auto' },
];

export const RESPONSES: readonly Call[] = [
  respond('Say hello', { instructions: 'Be brief.', metadata: { a: 'b' }, user: 'somebody', temperature: 0.5, top_p: 0.9, store: false }),
  respond('In messages', {
    input: [
      { type: 'message', role: 'developer', content: 'Be brief.' },
      { role: 'user', content: [{ type: 'input_text', text: 'Hello' }] },
      { role: 'assistant', content: 'Hello!' },
      { role: 'user', content: 'And again' },
    ],
  }),
  respond('What is this?', { input: [{ role: 'user', content: IMAGE }] }),
  respond('Look it up', { ...TOOLS, tool_choice: 'required' }),
  respond('This one', { ...TOOLS, tool_choice: { type: 'function', name: 'get_weather' }, parallel_tool_calls: false }),
  respond('Paris and Rome', TOOLS, { models: SCRIPTED }),
  respond('Say first', TOOLS, { models: SCRIPTED }),
  respond('Tools said', {
    ...TOOLS,
    input: [
      { role: 'user', content: 'Weather?' },
      { type: 'function_call', call_id: 'call_1', name: 'get_weather', arguments: '{"city":"Paris"}' },
      { type: 'function_call_output', call_id: 'call_1', output: '21 degrees' },
    ],
  }),
  respond('A form', { text: { format: { type: 'json_schema', ...PLACE } } }),
  respond('Tell a long story of a river', { max_output_tokens: 2 }),
  respond('Think aloud', {}, { models: SCRIPTED }),
  respond('Think aloud and low', { reasoning: { effort: 'low', summary: 'auto' } }, { models: [GPT] }),
  respond('Without end', { input: [] }, { isRefused: true }),
  respond('After nothing', { previous_response_id: 'resp_nobody' }, { isRefused: true }),
  ...scripted(respond),
  ...refused(respond),
];
