import { expect, test } from 'bun:test';
import { askedBody, type JobDefaults, maxTokensOf } from './job-request.ts';

const JOB: JobDefaults = { endpoint: '/v1/chat/completions', model: 'demo', max_tokens: 50, temperature: 0.5, template_id: null };

test.each([
  ['what a request does not say, the job says', JOB, { messages: [] }, { model: 'demo', max_tokens: 50, temperature: 0.5, messages: [] }],
  ['what it says counts, null too', JOB, { model: 'x', temperature: null, max_tokens: 1 }, { model: 'x', max_tokens: 1, temperature: null }],
  ['another word for the same keeps the job silent', JOB, { max_completion_tokens: 7 }, { model: 'demo', temperature: 0.5, max_completion_tokens: 7 }],
  ['each endpoint has its own words', { ...JOB, endpoint: '/v1/responses' }, {}, { model: 'demo', max_output_tokens: 50, temperature: 0.5 }],
  ['or none', { ...JOB, endpoint: '/v1/embeddings' }, { input: 'a' }, { model: 'demo', input: 'a' }],
  [
    'a template is the job’s alone',
    { ...JOB, endpoint: '/api/v1/generate', template_id: 'a_v1', model: null, temperature: null },
    { input: 'a', template_id: 'b_v1' },
    { input: 'a', max_tokens: 50, template_id: 'a_v1' },
  ],
  ['a job that says nothing adds nothing', { ...JOB, model: null, max_tokens: null, temperature: null }, { input: 1 }, { input: 1 }],
] as const)('%s', (_what, job, body, asked) => {
  expect(askedBody(job, body)).toEqual({ ...asked });
});

test.each([
  ['/v1/chat/completions', { max_tokens: 5 }, 5],
  ['/v1/chat/completions', { max_tokens: 5, max_completion_tokens: 6 }, 6],
  ['/v1/responses', { max_tokens: 5, max_output_tokens: 8 }, 8],
  ['/v1/embeddings', { max_tokens: 5 }, null],
  ['/api/v1/generate', {}, null],
] as const)('%s with %p allows %p tokens', (endpoint, body, tokens) => {
  expect(maxTokensOf(endpoint, body)).toBe(tokens);
});
