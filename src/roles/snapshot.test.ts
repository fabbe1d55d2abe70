import { describe, expect, test } from 'bun:test';
import { tmpdir } from 'node:os';
import { readConfig } from '../platform/config.ts';
import { snapshot } from './snapshot.ts';

async function defaultWith(env: Record<string, string>): Promise<string> {
  const { defaultModel } = await snapshot(readConfig({ env, cwd: tmpdir() }), 1);
  return defaultModel;
}

describe('the default model', () => {
  test.each([
    ['demo', {}],
    ['gpt-4o-mini', { OPENAI_API_KEY: 'sk-1' }],
    ['gpt-4o-mini', { OPENAI_API_KEY: 'sk-1', ANTHROPIC_API_KEY: 'sk-2' }],
    ['anthropic/claude-haiku-5-5', { ANTHROPIC_API_KEY: 'sk-2' }],
    ['claude-opus-5-5', { ANTHROPIC_API_KEY: 'sk-2', DEFAULT_MODEL: 'claude-opus-5-5' }],
  ])('is %s with %j', async (model, env) => expect(await defaultWith(env)).toBe(model));
});
