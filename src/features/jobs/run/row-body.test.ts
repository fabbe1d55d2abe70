import { expect, test } from 'bun:test';
import { rowBody } from './row-body.ts';

const JOB = { endpoint: '/v1/chat/completions', model: 'gpt-4o', max_tokens: 50, temperature: 0.2, template_id: null };

test('a row says what it says, and the job the rest', () => {
  expect(rowBody(JOB, { messages: [] }, 'demo')).toEqual({ model: 'gpt-4o', max_tokens: 50, temperature: 0.2, messages: [] });
  expect(rowBody(JOB, { model: 'mine', max_tokens: 7, temperature: 1 }, 'demo')).toEqual({ model: 'mine', max_tokens: 7, temperature: 1 });
});

test('the longest answer has the name that the endpoint gives it', () => {
  expect(rowBody({ ...JOB, endpoint: '/v1/responses' }, {}, 'demo')).toEqual({ model: 'gpt-4o', max_output_tokens: 50, temperature: 0.2 });
  expect(rowBody({ ...JOB, endpoint: '/v1/embeddings' }, { input: 'a' }, 'demo')).toEqual({ model: 'gpt-4o', input: 'a' });
  expect(rowBody(JOB, { max_completion_tokens: 9 }, 'demo')).toEqual({ model: 'gpt-4o', temperature: 0.2, max_completion_tokens: 9 });
});

test('where nobody names a model it is the default one, or that of the template', () => {
  const bare = { ...JOB, model: null, max_tokens: null, temperature: null };
  expect(rowBody(bare, {}, 'demo')).toEqual({ model: 'demo' });
  expect(rowBody({ ...bare, endpoint: '/api/v1/generate', template_id: 'summarize_v1' }, { input: 'a' }, 'demo')).toEqual({
    template_id: 'summarize_v1',
    input: 'a',
  });
});
