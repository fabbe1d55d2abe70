import { describe, expect, test } from 'bun:test';
import type { ProviderEntry } from '../contract/config-file.ts';
import type { Dialect } from '../core/model-request.ts';
import type { Call, Provider } from '../core/provider.ts';
import { overKeys } from './keys.ts';

const CALL = {} as Call;
type Built = { readonly key: string; readonly dialects: Dialect[] };

type Entry = Pick<ProviderEntry, 'api_key' | 'api_keys'>;

function built(keys: Entry['api_keys'], bad: readonly string[] = []): { readonly provider: Provider; readonly all: readonly Built[] } {
  const all: Built[] = [];
  const provider = overKeys<Entry>({ api_keys: keys }, ({ api_key: key = 'none' }) => {
    const dialects: Dialect[] = ['openai-chat', 'openai-responses'];
    all.push({ key, dialects });
    return {
      id: 'p',
      origin: null,
      open: true,
      models: [],
      get dialects() {
        return dialects;
      },
      check: () => (bad.includes(key) ? Promise.reject(new Error(`${key} is bad`)) : Promise.resolve()),
    };
  });
  return { provider, all };
}

describe('the provider of an entry', () => {
  test('with no key, or with one and no bounds, is one', () => {
    for (const keys of [undefined, ['only']]) {
      const { provider, all } = built(keys);
      expect([provider.byKey, all.map(({ key }) => key)]).toEqual([undefined, [keys?.[0] ?? 'none']]);
    }
    expect(built([{ key: 'bounded', weight: 1, rpm: 5 }]).provider.byKey?.map(({ key }) => key.rpm)).toEqual([5]);
  });

  test('with several is one by each, known by their names or by their last letters, if those give nothing away', () => {
    const { provider } = built(['short-key', 'a-key-of-twenty-chars', { key: 'another', name: 'mine', weight: 2 }]);
    expect(provider.byKey?.map(({ key: { name, weight } }) => [name, weight])).toEqual([
      ['key 1', 1],
      ['key 2 …hars', 1],
      ['mine', 2],
    ]);
    const again = built([{ key: 'exchanged', name: 'mine', weight: 2 }]).provider.byKey?.[0]?.key.id;
    expect(again).not.toBe(provider.byKey?.[2]?.key.id ?? '');
  });

  test('speaks what it speaks by all of them', () => {
    const { provider, all } = built(['one', 'two']);
    expect(provider.dialects).toEqual(['openai-chat', 'openai-responses']);
    all[1]?.dialects.pop();
    expect(provider.dialects).toEqual(['openai-chat']);
  });

  test('is alive where one of them is good', async () => {
    await built(['one', 'two'], ['one']).provider.check?.(CALL);
    expect(await built(['one', 'two'], ['one', 'two']).provider.check?.(CALL).catch(String)).toBe('Error: one is bad');
  });
});
