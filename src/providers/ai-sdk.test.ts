import { describe, expect, test } from 'bun:test';
import type { ProviderEntry } from '../contract/config-file.ts';
import { Canceller } from '../core/cancellation.ts';
import { type Call, type ModelFacts, UpstreamError } from '../core/provider.ts';
import { aiSdkProvider } from './ai-sdk.ts';

type Part = Readonly<Record<string, unknown>>;
const factsOf = (id: string): ModelFacts => ({ id, contextTokens: 1, outputTokensMax: 1, capabilities: [] });

/** Of a package whose models do this. */
async function faultOf(doStream: () => unknown, options: Part = {}): Promise<UpstreamError> {
  const module = { createIt: () => ({ languageModel: () => ({ specificationVersion: 'v3', doStream }) }) };
  const entry: ProviderEntry = { kind: 'ai-sdk', package: 'p', models: [], base_url: 'https://llm.example.org', options };
  const provider = aiSdkProvider({ id: 'it', entry, module, models: [], describe: factsOf });
  const call: Call = {
    send: () => Promise.reject(new Error('nobody asks')),
    signal: new Canceller(),
    requestId: 'r',
    random: () => 0,
    sleep: () => Promise.resolve(),
  };
  try {
    for await (const batch of provider.chat?.({ model: 'm', messages: [], stream: true }, call) ?? []) expect(batch).not.toEqual([]);
  } catch (cause) {
    if (cause instanceof UpstreamError) return cause;
  }
  throw new Error('it did not fail as an upstream does');
}
const named = (name: string, message: string): Error => Object.assign(new Error(message), { name });
function streamOf(...parts: readonly Part[]): object {
  const left = [...parts];
  const pull = (controller: ReadableStreamDefaultController): void => (left.length > 0 ? controller.enqueue(left.shift()) : controller.close());
  return { stream: new ReadableStream({ pull }) };
}

describe('a package that fails', () => {
  test.each<[what: string, work: () => unknown, fault: string, words: string | null]>([
    ['refuses the request', () => Promise.reject(named('AI_UnsupportedFunctionalityError', "'images' not supported")), 'rejected', "'images' not supported"],
    ['misses a key', () => Promise.reject(named('AI_LoadAPIKeyError', 'the key is missing')), 'unauthorized', null],
    ['has another mistake before it asks', () => Promise.reject(new Error('no credentials')), 'unauthorized', null],
    ['could not connect', () => Promise.reject(named('AI_APICallError', 'Cannot connect to API')), 'connect', 'Cannot connect to API'],
    ['says an error in the stream', () => Promise.resolve(streamOf({ type: 'error', error: 'the model is gone' })), 'failed', 'the model is gone'],
    [
      'says whose error it is',
      () => Promise.resolve(streamOf({ type: 'error', error: { type: 'rate_limit_error', message: 'slower' } })),
      'rate_limited',
      'slower',
    ],
    ['gives no stream', () => Promise.resolve({}), 'broken', null],
    ['ends a stream without a finish', () => Promise.resolve(streamOf({ type: 'text-delta', delta: 'Hal' })), 'broken', null],
  ])('because it %s', async (_, work, fault, words) => {
    const error = await faultOf(work);
    expect([error.fault, error.words]).toEqual([fault as UpstreamError['fault'], words]);
  });

  test('gives away none of the secrets of its options', async () => {
    const error = named('AI_InvalidArgumentError', 'not with hush-hush-hush in eu-central-1');
    const { words } = await faultOf(() => Promise.reject(error), { region: 'eu-central-1', nested: { credentials: { pin: 'hush-hush-hush' } } });
    expect(words).toBe('not with [key] in eu-central-1');
  });
});
