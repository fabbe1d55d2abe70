import { expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

const SOURCE = join(import.meta.dir, '..');

/** What is loaded before any command runs: files of ours, and packages. */
function loadedAtStart(path: string, found: Set<string> = new Set()): Set<string> {
  const name = relative(SOURCE, path);
  if (found.has(name)) return found;
  found.add(name);
  const transpiler = new Bun.Transpiler({ loader: 'ts' });
  for (const { path: from, kind } of transpiler.scanImports(readFileSync(path, 'utf8').replace(/^#!.*/, ''))) {
    if (kind === 'dynamic-import') continue;
    if (from.startsWith('.')) loadedAtStart(join(dirname(path), from), found);
    else found.add(from);
  }
  return found;
}

test('the command line starts with commander and its own words alone', () => {
  const loaded = [...loadedAtStart(join(SOURCE, 'main.ts'))];
  expect(loaded).toContain('commander');
  expect(loaded.filter((name) => !/^(main\.ts|cli\/.*|contract\/version\.ts|commander)$/.test(name))).toEqual([]);
  expect(loaded.filter((name) => /^cli\/(client|generate|administration|users|keys|table)\.ts$/.test(name))).toEqual([]);
});
