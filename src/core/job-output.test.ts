import { expect, test } from 'bun:test';
import { outputText } from './job-output.ts';

test.each([
  ['/v1/chat/completions', { choices: [{ message: { role: 'assistant', content: 'Hi' } }, { message: { content: 'no' } }] }, 'Hi'],
  ['/v1/chat/completions', { choices: [{ message: { content: null, tool_calls: [{ id: 'a' }] } }] }, '{"content":null,"tool_calls":[{"id":"a"}]}'],
  ['/v1/completions', { choices: [{ text: ' there' }] }, ' there'],
  [
    '/v1/responses',
    {
      output: [
        { type: 'reasoning' },
        {
          content: [
            { type: 'output_text', text: 'a' },
            { type: 'output_text', text: 'b' },
          ],
        },
      ],
    },
    'ab',
  ],
  [
    '/v1/messages',
    {
      content: [
        { type: 'text', text: 'a' },
        { type: 'tool_use', input: {} },
        { type: 'text', text: 'b' },
      ],
    },
    'ab',
  ],
  ['/api/v1/generate', { output: 'done' }, 'done'],
  ['/v1/embeddings', { data: [{ embedding: [0.5, 1] }] }, '[0.5,1]'],
  ['/v1/moderations', { results: [{ flagged: false }] }, '{"flagged":false}'],
  ['/v1/chat/completions', { strange: true }, '{"strange":true}'],
  ['/v1/responses', { output: [] }, '{"output":[]}'],
  ['/elsewhere', { a: 1 }, '{"a":1}'],
  ['/v1/chat/completions', null, ''],
] as const)('%s with %j says %j', (endpoint, response, text) => {
  expect(outputText(endpoint, response)).toBe(text);
});
