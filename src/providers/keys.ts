import { createHash } from 'node:crypto';
import type { ProviderEntry } from '../contract/config-file.ts';
import type { KeyedProvider, Provider, ProviderKey } from '../core/provider.ts';

/** The provider of an entry: with several keys, or bounds for one, the same by each of them. */
export function overKeys<Entry extends Pick<ProviderEntry, 'api_key' | 'api_keys'>>(entry: Entry, build: (entry: Entry) => Provider): Provider {
  const { api_keys: keys = [] } = entry;
  const [first, ...others] = keys.map((each, index): KeyedProvider => {
    const key = typeof each === 'string' ? { key: each, weight: 1 } : each;
    return { key: keyOf(key, index), provider: build({ ...entry, api_key: key.key }) };
  });
  if (first === undefined) return build(entry);
  if (others.length === 0 && typeof keys[0] === 'string') return first.provider;
  const byKey = [first, ...others];
  return {
    ...first.provider,
    byKey,
    // What one of them has learned of the server is so for all.
    get dialects() {
      return (first.provider.dialects ?? []).filter((dialect) => byKey.every(({ provider }) => provider.dialects?.includes(dialect)));
    },
    ...(first.provider.check ? { check: (call) => checkOne(byKey, call) } : {}),
  };
}

type KeyEntry = Exclude<NonNullable<ProviderEntry['api_keys']>[number], string>;

function keyOf({ key, name, weight, rpm, max_parallel: maxParallel }: KeyEntry, index: number): ProviderKey {
  const id = createHash('sha256').update(key).digest('hex').slice(0, 16);
  return { name: name ?? `key ${index + 1}${tailOf(key)}`, id, weight, rpm: rpm ?? null, maxParallel: maxParallel ?? null };
}

/** A shorter key would be given away by its last letters. */
const SHOWN_FROM_LENGTH = 20;

function tailOf(key: string): string {
  return key.length < SHOWN_FROM_LENGTH ? '' : ` …${key.slice(-4)}`;
}

/** It is alive where one of its keys is good. */
async function checkOne(byKey: readonly KeyedProvider[], call: Parameters<NonNullable<Provider['check']>>[0]): Promise<void> {
  const failures: unknown[] = [];
  for (const { provider } of byKey) {
    try {
      return await provider.check?.(call);
    } catch (cause) {
      failures.push(cause);
    }
  }
  throw failures[0];
}
