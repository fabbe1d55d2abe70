import { expect, test } from 'bun:test';
import { randomBytes } from 'node:crypto';
import { apiKeyOf, apiKeyPrefix, isApiKey, looksLikeApiKey } from './api-key.ts';

test('a key holds all of its 256 bits, and nothing but letters and digits', () => {
  expect(apiKeyOf(new Uint8Array(32))).toMatch(/^sk-sluice-0{43}[0-9A-Za-z]{6}$/);
  expect(apiKeyOf(new Uint8Array(32).fill(255))).toMatch(/^sk-sluice-[0-9A-Za-z]{49}$/);
  const keys = Array.from({ length: 1000 }, () => apiKeyOf(randomBytes(32)));
  expect(new Set(keys).size).toBe(1000);
  expect(keys.every(isApiKey)).toBe(true);
});

test('one wrong character, two that changed places, and one too many or too few are noticed', () => {
  const key = apiKeyOf(randomBytes(32));
  for (let at = 'sk-sluice-'.length; at < key.length; at++) {
    const other = key[at] === 'x' ? 'y' : 'x';
    expect(isApiKey(`${key.slice(0, at)}${other}${key.slice(at + 1)}`)).toBe(false);
  }
  const swapped = apiKeyOf(new Uint8Array(32).map((_, index) => index * 7));
  expect(isApiKey(`${swapped.slice(0, 20)}${swapped[21]}${swapped[20]}${swapped.slice(22)}`)).toBe(false);
  for (const wrong of ['', 'sk-sluice-', key.slice(0, -1), `${key}0`, ` ${key}`, key.toLowerCase(), `${key}\n`]) expect(isApiKey(wrong)).toBe(false);
});

test('what is shown of a key is its beginning and few of its characters', () => {
  const key = apiKeyOf(randomBytes(32));
  expect(key.startsWith(apiKeyPrefix(key))).toBe(true);
  expect(apiKeyPrefix(key)).toHaveLength(16);
  expect(looksLikeApiKey(key)).toBe(true);
});
