import { afterAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig } from '../config.ts';
import { ConfigError } from './config-error.ts';

const cwd = mkdtempSync(join(tmpdir(), 'config-'));
afterAll(() => rmSync(cwd, { recursive: true }));

function fileOf(text: string | null) {
  rmSync(join(cwd, 'sluice.config.yaml'), { force: true });
  if (text !== null) writeFileSync(join(cwd, 'sluice.config.yaml'), text);
  return readConfig({ env: {}, cwd }).file;
}

test('without a word, cards and keys are replaced, and things are kept for 400, 30, 730 and 30 days', () => {
  const said = { privacy: { redact: ['card', 'key'] }, retention: { ledger_days: 400, bodies_days: 30, audit_days: 730, files_days: 30 } };
  expect(fileOf(null)).toMatchObject(said);
  // What stands in for a file that is not there is what the schema makes of an empty one.
  expect(fileOf('models: {}')).toEqual(fileOf(null));
  expect(fileOf('retention: { bodies_days: 7 }').retention).toEqual({ ...said.retention, bodies_days: 7 });
});

test('a pattern that some text could make slow is refused with its line and reason', () => {
  const text = "privacy:\n  redact:\n    - email\n    - { name: twice, pattern: '(a+)\\1' }\n";
  expect(() => fileOf(text)).toThrow(ConfigError);
  expect(() => fileOf(text)).toThrow('sluice.config.yaml:4:31: the pattern refers back with `\\1`');
});
