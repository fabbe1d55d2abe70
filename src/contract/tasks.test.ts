import { describe, expect, test } from 'bun:test';
import { AnalyzeBody, CompleteBody, IntroBody, SummarizeBody, TranslateBody } from './tasks.ts';

const BODIES = {
  '/summarize': SummarizeBody,
  '/translate': TranslateBody,
  '/analyze': AnalyzeBody,
  '/complete': CompleteBody,
  '/api/generate-intro': IntroBody,
};

describe('bodies', () => {
  test.each<[keyof typeof BODIES, object]>([
    ['/summarize', { text: ' \n' }],
    ['/summarize', { text: 'x', max_words: 0 }],
    ['/summarize', { text: 'x', max_words: 10_001 }],
    ['/summarize', { text: 'x', max_words: 1.5 }],
    ['/summarize', { text: 'x', style: 'poem' }],
    ['/summarize', { text: 'x', model: 'gpt' }],
    ['/translate', { text: 'x' }],
    ['/translate', { text: 'x', target_language: '' }],
    ['/analyze', {}],
    ['/complete', { text: 'x', max_tokens: 16_385 }],
    ['/complete', { text: 'x', temperature: 2.1 }],
    ['/complete', { text: 'x', stop: ['a', 'b', 'c', 'd', 'e'] }],
    ['/complete', { text: 'x', stop: '' }],
    ['/api/generate-intro', { script: 'x', count: 6 }],
    ['/api/generate-intro', { script: 'x', count: 0 }],
  ])('%s refuses %p', (path, body) => {
    expect(BODIES[path].safeParse(body).success).toBe(false);
  });
});
