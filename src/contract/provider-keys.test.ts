import { expect, test } from 'bun:test';
import { ConfigFile } from './config-file.ts';

const SERVER = { base_url: 'http://127.0.0.1:8100/v1' };

/** What is wrong with an entry, and where. */
function wrong(entry: object): string[] {
  const read = ConfigFile.safeParse({ providers: { p: { ...SERVER, ...entry } } });
  return read.success ? [] : read.error.issues.map(({ path, message }) => `${path.slice(2).join('.')}: ${message}`);
}

test('the keys of a provider are keys, or keys with bounds and names', () => {
  expect(wrong({ api_keys: ['one', { key: 'two', name: 'second', weight: 0.5, rpm: 1, max_parallel: 1 }] })).toEqual([]);
  for (const api_keys of [[], [''], [{ name: 'none' }], [{ key: 'one', weight: 0 }], [{ key: 'one', name: 'Über uns' }]]) {
    expect(wrong({ api_keys })).not.toEqual([]);
  }
});

test('no key and no name is there twice, and none is beside `api_key`; a message never has the key', () => {
  expect(wrong({ api_keys: ['a-key', { key: 'a-key' }] })).toEqual(['api_keys.1: is there twice']);
  const named = [
    { key: 'one', name: 'name' },
    { key: 'two', name: 'name' },
  ];
  expect(wrong({ api_keys: named })).toEqual(['api_keys.1.name: is the name of another key too']);
  expect(wrong({ api_key: 'a-key', api_keys: ['another'] })).toEqual(['api_keys: stands in the place of `api_key`: write that key here too']);
});
