import { afterAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installPackage } from '../../test/ai-sdk/packages.ts';
import { readProjectFile } from '../../test/tree.ts';
import { readConfig } from '../platform/config.ts';
import { allowedOrigins, snapshot } from './snapshot.ts';

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

describe('providers by packages', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-snapshot-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const KEYS = { BEDROCK_API_KEY: 'b', AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 's', COHERE_API_KEY: 'c' };

  async function origins(text: string): Promise<readonly string[]> {
    const path = join(folder, 'sluice.config.yaml');
    installPackage(folder, 'a-provider', 'export const createIt = () => ({});');
    writeFileSync(path, text);
    const env = { ...KEYS, SLUICE_CONFIG: path, DATA_DIR: folder };
    const config = await snapshot(readConfig({ env, cwd: folder }), 1);
    const named = new Map([...config.providers].filter(([id]) => id in config.file.providers));
    return [...allowedOrigins({ ...config, providers: named })].toSorted();
  }

  test('of docs/providers.md are all good, and calls may go to their addresses alone', async () => {
    const examples = [...readProjectFile('docs/providers.md').matchAll(/^```yaml\n(.*?)^```/gms)].map(([, text = '']) => text);
    const found: (readonly string[])[] = [];
    for (const text of examples) found.push(await origins(text));
    expect(found).toEqual([
      ['https://bedrock-runtime.eu-central-1.amazonaws.com'],
      ['https://bedrock-runtime.eu-central-1.amazonaws.com'],
      ['https://europe-west1-aiplatform.googleapis.com', 'https://oauth2.googleapis.com'],
      ['https://api.cohere.com', 'https://llm.example.org', 'https://login.example.org'],
    ]);
  });

  const bedrock = { kind: 'ai-sdk', package: '@ai-sdk/amazon-bedrock' };
  test.each<[what: string, entry: object, words: string]>([
    ['a package that is not there', { kind: 'ai-sdk', package: '@ai-sdk/nobody/deep' }, 'npm install --prefix'],
    ['a package that makes no providers', { kind: 'ai-sdk', package: 'zod' }, '`zod` is no provider package of the Vercel AI SDK'],
    ['a package of which nobody knows where it goes', { kind: 'ai-sdk', package: 'a-provider' }, 'nobody knows where `a-provider` sends requests to'],
    ['no region', bedrock, '`options.region` is missing'],
    ['a region that would be another address', { ...bedrock, options: { region: 'x.example.org/' } }, '`options.region` is not a good name'],
    ['nobody to ask Vertex as', { kind: 'ai-sdk', package: '@ai-sdk/google-vertex', options: { location: 'global' } }, 'no service account is named'],
    ['another function', { ...bedrock, factory: 'createNothing', options: { region: 'eu-central-1' } }, 'It has `createAmazonBedrock`'],
    ['a path in the place of a name', { kind: 'ai-sdk', package: '../evil' }, 'the name of a package on npm'],
    ['no package', { kind: 'ai-sdk' }, '`providers.it.package` is missing'],
    ['a package of another kind', { base_url: 'http://127.0.0.1:1/v1', package: 'zod' }, 'is not for the kind `openai-compatible`'],
    ['an origin with a path', { ...bedrock, origins: ['https://example.org/v1'] }, 'an address without a path'],
  ])('names %s', async (_, entry, words) => {
    expect(await origins(JSON.stringify({ providers: { it: entry } })).catch(String)).toContain(words);
  });
});
