import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { everyCommand, helpOf, pathOf } from './cli-page.ts';

const PAGE = readFileSync(join(import.meta.dir, '../docs/cli.md'), 'utf8').replaceAll('\r\n', '\n');
/** Lines are broken where they are too long. */
const flat = (text: string): string => text.replaceAll(/\s+/g, ' ');

const commands = everyCommand().map((command) => ({ path: pathOf(command), command }));

test('there are commands to look at', () => expect(commands.length).toBeGreaterThan(5));

describe.each(commands)('$path', ({ path, command }) => {
  const section = flat(PAGE.split(`\n## ${path}\n`)[1]?.split('\n## ')[0] ?? '');
  const parts = [
    ...command.options.map(({ flags, description }) => ({ term: flags, description })),
    ...command.registeredArguments.map((argument) => ({ term: argument.name(), description: argument.description })),
  ];

  test('is described, and in docs/cli.md', () => {
    expect(command.description()).toMatch(/\.$/);
    expect(section).toContain(flat(command.description()));
    if (command.parent) expect(command.summary()).not.toBe('');
    expect(PAGE).toContain(`| [\`${path}\`](#${path.replaceAll(' ', '-')}) |`);
  });

  test('has every argument and option described, and in docs/cli.md', () => {
    expect(parts.filter(({ description }) => description === '')).toEqual([]);
    expect(parts.filter(({ term, description }) => !section.includes(`${term} ${flat(description)}`))).toEqual([]);
  });

  test('ends its help with examples of options that exist', () => {
    const examples = helpOf(command).split('\nExamples:\n')[1]?.split('\n\n')[0] ?? '';
    expect(examples).toContain(command.parent ? path : 'sluice serve');
    const known = new Set(everyCommand().flatMap(({ options }) => options.flatMap(({ short, long }) => [short, long])));
    const used = [...examples.matchAll(/ (--?[a-z][a-z-]*)/gi)].map(([, flag]) => flag);
    expect(used.filter((flag) => !known.has(flag))).toEqual([]);
  });
});
