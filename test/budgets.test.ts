import { describe, expect, test } from 'bun:test';
import { readSource } from './architecture/source.ts';
import { projectFiles, readProjectFile } from './tree.ts';

/**
 * Numbers that only go down. Whoever has to raise one does so in a commit of its own and says why there; whoever makes one smaller writes the
 * smaller number here.
 */
const LIMITS = {
  runTimeDependencies: 7,
  longestFileLines: 300,
  /** `oxlint-disable` in a file. */
  lintExceptions: 2,
  /** Rules switched off, and kinds of file excepted from one, in .oxlintrc.json. */
  lintRulesOff: 17,
};

type Package = {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly trustedDependencies?: readonly string[];
};

const manifest = JSON.parse(readProjectFile('package.json')) as Package;
const files = projectFiles().filter((path) => /\.(ts|tsx|mjs)$/.test(path));

describe('a budget', () => {
  test('of run-time dependencies is kept', () => {
    // Binaries of one thing for several systems are one dependency; each machine gets one of them.
    const optional = new Set(Object.keys(manifest.optionalDependencies).map((name) => name.split('/')[0]));
    expect(Object.keys(manifest.dependencies).length).toBeLessThanOrEqual(LIMITS.runTimeDependencies);
    expect(Object.keys(manifest.dependencies).length + optional.size).toBeLessThan(20);
  });

  test('of lines in a file is kept', () => {
    const long = files.map((path) => ({ path, lines: codeLines(path) })).filter(({ lines }) => lines > LIMITS.longestFileLines);
    expect(long).toEqual([]);
  });

  test('of exceptions from the lint rules is kept', () => {
    const exceptions = files.flatMap((path) =>
      (readProjectFile(path).match(/^.*(?:oxlint|eslint)-disable.*$/gm) ?? []).map((line) => `${path}: ${line.trim()}`),
    );
    // This file and the rules about the tree speak of them.
    const real = exceptions.filter((line) => !/^test\/(budgets|architecture)/.test(line));
    expect(real.slice(LIMITS.lintExceptions)).toEqual([]);
    expect(readProjectFile('.oxlintrc.json').match(/"off"/g)?.length).toBeLessThanOrEqual(LIMITS.lintRulesOff);
  });
});

describe('what comes from others', () => {
  test('runs no script of its own when it is installed', () => {
    expect(manifest.trustedDependencies ?? []).toEqual([]);
    expect(readProjectFile('scripts/bun.sh')).toContain('install --frozen-lockfile --ignore-scripts');
    expect(readProjectFile('build.ps1')).toContain("'install', '--frozen-lockfile', '--ignore-scripts'");
    expect(readProjectFile('deploy/Dockerfile')).toContain('install --frozen-lockfile --production --ignore-scripts');
  });

  test('is pinned to one version each', () => {
    const versions = Object.entries({ ...manifest.dependencies, ...manifest.optionalDependencies, ...manifest.devDependencies });
    expect(versions.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([]);
  });
});

function codeLines(path: string): number {
  const { text } = readSource(path, readProjectFile(path));
  return text.split('\n').filter((line) => line.trim() !== '').length;
}
