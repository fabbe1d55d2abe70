import { describe, expect, test } from 'bun:test';
import { parseEnvFile } from './env-file.ts';

function value(line: string, environment: Record<string, string> = {}): string | undefined {
  return parseEnvFile(line, environment).entries.get('A')?.value;
}

describe('a line of .env', () => {
  const lines: [string, string][] = [
    ['A=1', '1'],
    ['export A=1', '1'],
    ['A = spaced  ', 'spaced'],
    ['A=two words', 'two words'],
    ['A=one # comment', 'one'],
    ['A="one # none" # comment', 'one # none'],
    ['A=', ''],
    ['A="a\\nb\\"c\\\\"', 'a\nb"c\\'],
    ["A='a\\n${B}'", 'a\\n${B}'],
    ['A=pa$$word', 'pa$$word'],
    ['A=\\${B}', '${B}'],
    ['A="first\nsecond"', 'first\nsecond'],
    ['\uFEFFA=1\r\n', '1'],
    ['A=1\nA=2', '2'],
    ['A=x=y', 'x=y'],
  ];
  test.each(lines)('%j holds %j', (line, expected) => {
    expect(value(line)).toBe(expected);
  });

  test('reads other variables, of the environment first', () => {
    expect(value('B=2\nA=${B}-${C:-none}-${D}')).toBe('2-none-');
    expect(value('B=2\nA=${B}', { B: '3' })).toBe('3');
  });

  test('is passed over with a warning where it is none', () => {
    const { entries, warnings } = parseEnvFile('# fine\n\nA 1\nB=2\nC="never closed\n', {});
    expect(entries.get('B')).toEqual({ value: '2', loaded: '2', line: 4 });
    expect(warnings.map(({ line }) => line)).toEqual([3, 5]);
  });
});

test('what Bun itself makes of .env is known, so that its values are told from those that were set', async () => {
  const text = ['A=1', 'B="x $A ${A} \\$A"', "C='x $A'", 'D=pa$$word', 'E=${NONE:-z}', 'F=un#commented', 'G="two\nlines"'].join('\n');
  const { mkdtemp, rm } = await import('node:fs/promises');
  const { tmpdir } = await import('node:os');
  const folder = await mkdtemp(`${tmpdir()}/env-file-`);
  try {
    await Bun.write(`${folder}/.env`, text);
    const run = Bun.spawn([process.execPath, '-e', 'console.log(JSON.stringify(process.env))'], { cwd: folder, env: {} });
    const loaded = JSON.parse(await new Response(run.stdout).text()) as Record<string, string>;
    for (const [name, entry] of parseEnvFile(text, {}).entries) expect([name, entry.loaded]).toEqual([name, loaded[name] ?? '(not loaded)']);
  } finally {
    await rm(folder, { recursive: true });
  }
});
