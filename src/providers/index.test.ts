import { describe, expect, test } from 'bun:test';
import type { ProviderEntry } from '../contract/config-file.ts';
import { SETTINGS } from '../contract/settings.ts';
import type { Dialect } from '../core/model-request.ts';
import type { Call, UpstreamRequest } from '../core/provider.ts';
import { BUILT_IN } from './built-in.ts';
import { buildProviders } from './index.ts';

const NOTHING = { openaiApiKey: null, openaiBaseUrl: null };
const ALL_KEYS = Object.fromEntries(BUILT_IN.map(({ key }) => [key, 'key-0123456789']));
const entry = (more: Partial<ProviderEntry> = {}): ProviderEntry => ({ kind: 'openai-compatible', base_url: 'http://127.0.0.1:11434/v1', models: [], ...more });

/** An upstream that answers everything whole. */
function callInto(requests: UpstreamRequest[]): Call {
  const text = JSON.stringify({ choices: [{ message: { content: 'Hi' } }], status: 'completed', output: [] });
  return {
    signal: new AbortController().signal,
    requestId: 'req_1',
    random: () => 0,
    sleep: () => Promise.resolve(),
    send: (request) => {
      requests.push(request);
      return Promise.resolve({
        status: 200,
        headers: new Headers({ 'content-type': 'application/json' }),
        text: () => Promise.resolve(text),
        async *chunks() {},
      });
    },
  };
}

/** What Azure is sent for a sign of life, an embedding and a chat. */
async function askedOfAzure(more: Partial<ProviderEntry>, dialect: Dialect = 'openai-chat'): Promise<readonly UpstreamRequest[]> {
  const azure = entry({ kind: 'azure', base_url: 'https://us.openai.azure.com/', api_key: 'az-0123456789', models: ['my gpt'], ...more });
  const provider = buildProviders(NOTHING, { providers: { azure } }).get('azure');
  const requests: UpstreamRequest[] = [];
  const call = callInto(requests);
  const request = { model: 'my gpt', messages: [], stream: false, dialect };
  await Promise.allSettled([provider?.check?.(call), provider?.embed?.({ model: 'my gpt', texts: ['a'] }, call)]);
  for await (const batch of provider?.chat?.(request, call) ?? []) expect(batch.length).toBeGreaterThan(0);
  return requests;
}

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
    const requests: UpstreamRequest[] = [];
    await provider?.check?.(callInto(requests));
    expect(provider?.origin).toBe('http://127.0.0.1:11434');
    expect(requests).toHaveLength(1);
    expect(JSON.stringify(requests)).not.toContain('sk-of-the-environment');
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

  test('every key of a provider among the settings makes one, and every address belongs to one', () => {
    const settings = Object.keys(SETTINGS);
    const keys: readonly string[] = BUILT_IN.map(({ key }) => key);
    const addresses = new Set<unknown>(BUILT_IN.map(({ address }) => address));
    expect(settings.filter((name) => name.endsWith('ApiKey')).toSorted()).toEqual(keys.toSorted());
    expect(settings.filter((name) => name.endsWith('BaseUrl') && !addresses.has(name))).toEqual([]);
    expect([...buildProviders(ALL_KEYS, { providers: {} }).keys()]).toEqual([...BUILT_IN.map(({ id }) => id), 'demo']);
  });

  test('each has the models of its vendor, with their prices', () => {
    for (const { id, origin, models } of buildProviders(ALL_KEYS, { providers: {} }).values()) {
      expect({ id, priced: models.length > 0 && models.every(({ price }) => price !== undefined) }).toEqual({ id, priced: true });
      if (origin !== null) expect(origin).toStartWith('https://');
    }
  });

  test("Anthropic is asked where the environment says, and its models keep their prices at another server's", () => {
    const settings = { anthropicBaseUrl: 'http://127.0.0.1:8080/v1' };
    const [byAddress] = buildProviders(settings, { providers: {} }).values();
    expect([byAddress?.id, byAddress?.origin, byAddress?.dialects]).toEqual(['anthropic', 'http://127.0.0.1:8080', ['anthropic-messages']]);
    const file = { claude: entry({ kind: 'anthropic' }), other: entry({ kind: 'anthropic', models: ['claude-opus-4-5', 'qwen3'] }) };
    const [claude, other] = buildProviders(NOTHING, { providers: file }).values();
    expect(claude?.models.length).toBeGreaterThan(10);
    expect(other?.models.map(({ price }) => price?.inputNanoUsd)).toEqual([5000, undefined]);
  });

  test('what a vendor cannot do its models cannot, however it is configured', () => {
    const deepseek = entry({ base_url: 'https://api.deepseek.com/v1', models: ['deepseek-flash'] });
    const inFile = buildProviders(NOTHING, { providers: { mine: deepseek } }).get('mine');
    const byKey = buildProviders({ deepseekApiKey: 'sk-1' }, { providers: {} }).get('deepseek');
    for (const { capabilities } of [...(inFile?.models ?? []), ...(byKey?.models ?? [])]) expect(capabilities).not.toContain('json_schema');
    expect(byKey?.describe?.('deepseek-next').capabilities).not.toContain('json_schema');
  });

  describe('Azure OpenAI', () => {
    test('is asked as OpenAI is, with the key in a header of its own', async () => {
      for (const base_url of ['https://us.openai.azure.com', 'https://us.openai.azure.com/openai/v1/']) {
        const requests = await askedOfAzure({ base_url });
        expect(requests.map(({ url }) => url)).toEqual(
          ['/models', '/embeddings', '/chat/completions'].map((path) => `https://us.openai.azure.com/openai/v1${path}`),
        );
        for (const { headers } of requests) expect([headers['api-key'], headers['authorization']]).toEqual(['az-0123456789', undefined]);
      }
    });

    test('with a dated version the deployments stand in the addresses', async () => {
      const urls = (await askedOfAzure({ api_version: '2024-10-21' })).map(({ url }) => url.slice('https://us.openai.azure.com/openai'.length));
      const deployment = '/deployments/my%20gpt';
      expect(urls).toEqual(['/models', `${deployment}/embeddings`, `${deployment}/chat/completions`].map((path) => `${path}?api-version=2024-10-21`));
      const responses = await askedOfAzure({ api_version: '2025-03-01-preview', dialects: ['openai-responses'] }, 'openai-responses');
      expect(responses.at(-1)?.url).toBe('https://us.openai.azure.com/openai/responses?api-version=2025-03-01-preview');
    });
  });

  test('the name of the built-in demo is taken', () => {
    expect(() => buildProviders(NOTHING, { providers: { demo: entry() } })).toThrow('providers.demo');
  });
});
