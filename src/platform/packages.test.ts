import { afterAll, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installPackage } from '../../test/ai-sdk/packages.ts';
import { installedName, loadPackage, packageFolders } from './packages.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-packages-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('a package is never fetched, though Bun has it in its cache for every folder', async () => {
  const empty = join(folder, 'empty');
  mkdirSync(empty);
  expect(await loadPackage('@ai-sdk/cohere', [empty])).toBeNull();
  expect(await loadPackage('@ai-sdk/cohere', packageFolders(empty))).toHaveProperty('createCohere');
});

test('what was installed for the configuration comes before what came with the service', async () => {
  installPackage(folder, 'zod', "export const whose = 'our own';");
  expect(await loadPackage('zod', packageFolders(folder))).toMatchObject({ whose: 'our own' });
});

test('a part of a package is in the package', () => {
  expect(['@ai-sdk/google-vertex/anthropic', '@ai-sdk/cohere', 'plain', 'plain/part'].map(installedName)).toEqual([
    '@ai-sdk/google-vertex',
    '@ai-sdk/cohere',
    'plain',
    'plain',
  ]);
});
