import { describe, expect, test } from 'bun:test';
import { checkServer, type ServerFacts } from './server-check.ts';

const GOOD: ServerFacts = { version: 180_004, version_text: '18.4', fsync: 'on', synchronous_commit: 'on', standby: false, encoding: 'UTF8' };

function warningsFor(facts: ServerFacts): string[] {
  const warnings: string[] = [];
  checkServer(facts, 'db.example:5432/app', { warning: (message) => warnings.push(message) });
  return warnings;
}

describe('a server of DATABASE_URL', () => {
  test('passes without a word when it is recent, durable, writable and UTF-8', () => {
    expect(warningsFor(GOOD)).toEqual([]);
    expect(warningsFor({ ...GOOD, version: 140_000, version_text: '14.0', synchronous_commit: 'remote_apply' })).toEqual([]);
  });

  for (const [what, facts, words] of [
    ['older than Postgres 14', { version: 130_014, version_text: '13.14' }, 'Postgres 13.14; Sluice needs 14 or newer'],
    ['a read-only replica', { standby: true }, 'read-only replica'],
    ['not UTF-8', { encoding: 'SQL_ASCII' }, 'SQL_ASCII'],
  ] as const) {
    test(`is refused when it is ${what}`, () => {
      expect(() => warningsFor({ ...GOOD, ...facts })).toThrow(words);
    });
  }

  for (const setting of ['fsync', 'synchronous_commit'] as const) {
    test(`is warned of when ${setting} is off`, () => {
      expect(warningsFor({ ...GOOD, [setting]: 'off' }).join('; ')).toMatch(new RegExp(`^[^;]*${setting} = off[^;]*$`));
    });
  }
});
