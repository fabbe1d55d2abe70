import { describe, expect, test } from 'bun:test';
import type { ProviderEntry } from '../contract/config-file.ts';
import { PackageProblem, packageSetup } from './ai-sdk-packages.ts';

type Part = Readonly<Record<string, unknown>>;

const make = (): object => ({});
const entry = (more: Partial<ProviderEntry> = {}): ProviderEntry => ({ kind: 'ai-sdk', models: [], base_url: 'https://llm.example.org/v1', ...more });
const problem = (name: string, given: ProviderEntry, module: Part): string => {
  try {
    packageSetup(name, given, module);
    return 'none';
  } catch (cause) {
    return cause instanceof PackageProblem ? `${cause.message} ${cause.hint}` : String(cause);
  }
};

describe('a package', () => {
  test('is made by its one function, whatever its names, or by the one that is named', () => {
    expect(problem('p', entry(), { createIt: make, createTheSame: make, create: () => ({}), it: {} })).toBe('none');
    expect(problem('p', entry({ factory: 'create' }), { createIt: make, create: () => ({}) })).toBe('none');
    expect(problem('p', entry(), { createIt: make, createOther: () => ({}) })).toContain(
      'makes several providers Choose one by `factory`: `createIt`, `createOther`.',
    );
  });

  test.each<[name: string, entry: ProviderEntry, origins: readonly string[]]>([
    ['p', entry(), ['https://llm.example.org']],
    ['p', entry({ origins: ['https://login.example.org/'] }), ['https://llm.example.org', 'https://login.example.org']],
    ['@ai-sdk/cohere', entry(), ['https://llm.example.org']],
    ['@ai-sdk/cohere', { kind: 'ai-sdk', models: [] }, ['https://api.cohere.com']],
    ['@ai-sdk/amazon-bedrock', { kind: 'ai-sdk', models: [], options: { region: 'cn-north-1' } }, ['https://bedrock-runtime.cn-north-1.amazonaws.com.cn']],
    [
      '@ai-sdk/google-vertex',
      { kind: 'ai-sdk', models: [], options: { location: 'eu' } },
      ['https://aiplatform.eu.rep.googleapis.com', 'https://oauth2.googleapis.com'],
    ],
    ['@ai-sdk/google-vertex', { kind: 'ai-sdk', models: [], api_key: 'k' }, ['https://aiplatform.googleapis.com']],
  ])('%s of %j goes to %j', (name, given, origins) => {
    expect(packageSetup(name, given, { createIt: make }).origins).toEqual([origins[0] ?? '', ...origins.slice(1)]);
  });

  test('gets options of its own, which it may change', () => {
    const options = Object.freeze({ deep: Object.freeze({ is: 1 }) });
    let got: Part = {};
    const createIt = (given: Part): object => Object.assign((got = given), { changed: true });
    packageSetup('p', entry({ options, api_key: 'k', headers: { a: 'b' } }), { createIt }).make(() => Promise.reject(new Error('nobody asks')));
    expect(got).toMatchObject({ deep: { is: 1 }, apiKey: 'k', headers: { a: 'b' }, baseURL: 'https://llm.example.org/v1' });
    expect(Object.isFrozen(got['deep'])).toBe(false);
  });
});
