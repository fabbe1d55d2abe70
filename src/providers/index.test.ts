import { describe, expect, test } from 'bun:test';
import type { ProviderEntry } from '../contract/config-file.ts';
import { buildProviders } from './index.ts';

const NOTHING = { openaiApiKey: null, openaiBaseUrl: null };
const entry = (more: Partial<ProviderEntry> = {}): ProviderEntry => ({ kind: 'openai-compatible', base_url: 'http://127.0.0.1:11434/v1', models: [], ...more });

describe('buildProviders', () => {
  test('without a key there is the demo alone', () => {
    expect([...buildProviders(NOTHING, { providers: {} }).keys()]).toEqual(['demo']);
  });

  test('a key or an address makes the OpenAI provider', () => {
    const byKey = buildProviders({ ...NOTHING, openaiApiKey: 'sk-1' }, { providers: {} }).get('openai');
    const byAddress = buildProviders({ ...NOTHING, openaiBaseUrl: 'http://127.0.0.1:8080/v1' }, { providers: {} }).get('openai');
    expect([byKey?.origin, byAddress?.origin]).toEqual(['https://api.openai.com', 'http://127.0.0.1:8080']);
    expect(byKey?.models.map(({ id }) => id)).toContain('gpt-4o-mini');
  });

  test('entries of the file come after the environment and before the demo, which is the order of bare names', () => {
    const providers = buildProviders({ ...NOTHING, openaiApiKey: 'sk-1' }, { providers: { ollama: entry(), vllm: entry() } });
    expect([...providers.keys()]).toEqual(['openai', 'ollama', 'vllm', 'demo']);
  });

  test("an entry of the name `openai` takes the environment's place, with an address and a key of its own", async () => {
    const provider = buildProviders({ ...NOTHING, openaiApiKey: 'sk-of-the-environment' }, { providers: { openai: entry() } }).get('openai');
    const headers: unknown[] = [];
    const signal = new AbortController().signal;
    await provider?.check?.({
      signal,
      requestId: 'req_1',
      random: () => 0,
      sleep: () => Promise.resolve(),
      send: (request) => {
        headers.push(request.headers);
        return Promise.resolve({ status: 200, headers: new Headers(), text: () => Promise.resolve('{}'), async *chunks() {} });
      },
    });
    expect(provider?.origin).toBe('http://127.0.0.1:11434');
    expect(headers).toHaveLength(1);
    expect(JSON.stringify(headers)).not.toContain('sk-of-the-environment');
  });

  test("OpenAI's prices are for OpenAI's models only", () => {
    const providers = buildProviders(NOTHING, {
      providers: {
        proxy: entry({ models: ['gpt-4o-mini', 'mine'] }),
        second: entry({ kind: 'openai', models: ['gpt-4o-mini'] }),
        third: entry({ kind: 'openai' }),
      },
    });
    const prices = (id: string): unknown[] | undefined => providers.get(id)?.models.map(({ id: model, price }) => [model, price?.inputNanoUsd]);
    expect(prices('proxy')).toEqual([
      ['gpt-4o-mini', undefined],
      ['mine', undefined],
    ]);
    expect(prices('second')).toEqual([['gpt-4o-mini', 150]]);
    expect(prices('third')?.length).toBeGreaterThan(10);
  });

  test('the name of the built-in demo is taken', () => {
    expect(() => buildProviders(NOTHING, { providers: { demo: entry() } })).toThrow('providers.demo');
  });
});
