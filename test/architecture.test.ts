import { describe, expect, test } from 'bun:test';
import * as rules from './architecture/rules.ts';
import { readSource } from './architecture/source.ts';
import { projectFiles, readProjectFile } from './tree.ts';

const sources = projectFiles()
  .filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'))
  .map((path) => readSource(path, readProjectFile(path)));
/** Unit tests stand beside what they test and may build it with whatever they need; they are not shipped. */
const shipped = sources.filter((source) => source.path.startsWith('src/') && !source.path.endsWith('.test.ts'));

function breaches(rule: rules.Rule, among = shipped): readonly string[] {
  return among.flatMap((source) => rule(source).map((words) => `${source.path}: ${words}`));
}

describe('the tree', () => {
  test('has files to look at', () => expect(shipped.length).toBeGreaterThan(20));
  test('imports only along the table', () => expect(breaches(rules.importTable)).toEqual([]));
  test('has no cycle between folders', () => expect(rules.folderCycle(shipped)).toBeNull());
  test('leaves the process through platform/egress.ts alone', () => expect([...breaches(rules.egress), ...breaches(rules.sockets)]).toEqual([]));
  test('reads the environment in platform/config alone', () => expect(breaches(rules.environment)).toEqual([]));
  test('knows Bun in platform/ and http/server.ts alone', () => expect(breaches(rules.runtime)).toEqual([]));
  test('has SQL in platform/postgres and store.ts alone', () => expect(breaches(rules.sql)).toEqual([]));
  test('asks nowhere outside providers/ which provider it is', () => expect(breaches(rules.providerBlind)).toEqual([]));
  test('has no file whose name says nothing', () => expect(breaches(rules.names, sources)).toEqual([]));
  test('has no any', () => expect(breaches(rules.anyType, sources)).toEqual([]));
  test('has no default export', () => expect(breaches(rules.defaultExport, sources)).toEqual([]));
  test('tests the service from outside with nothing but its contract', () => expect(breaches(rules.blackBox, sources)).toEqual([]));
});

type Case = readonly [path: string, text: string, verdict: 'breach' | 'fine'];

function proves(name: string, rule: rules.Rule, cases: readonly Case[]): void {
  describe(`the rule about ${name}`, () => {
    for (const [path, text, verdict] of cases) {
      test(`${verdict}: ${path}: ${text.replaceAll('\n', '⏎')}`, () => {
        expect(rule(readSource(path, text)).length > 0).toBe(verdict === 'breach');
      });
    }
  });
}

proves('imports', rules.importTable, [
  ['src/core/a.ts', "import { b } from '../platform/b.ts';", 'breach'],
  ['src/core/a.ts', "import type { B } from '../gateway/b.ts';", 'breach'],
  ['src/core/a.ts', "const b = await import('../http/b.ts');", 'breach'],
  ['src/core/a.ts', "export { b } from '../wire/b.ts';", 'breach'],
  ['src/core/a.ts', "import {\n  b,\n  c,\n} from '../wire/b.ts';", 'breach'],
  ['src/core/a.ts', "type B = typeof import('../wire/b.ts');", 'breach'],
  ['src/core/a.ts', "import { b } from '../contract/b.ts';", 'fine'],
  ['src/core/a.ts', "// import { b } from '../platform/b.ts';", 'fine'],
  ['src/features/x/a.ts', "import { b } from '../y/b.ts';", 'breach'],
  ['src/features/x/a.ts', "import { routes } from '../index.ts';", 'breach'],
  ['src/features/x/a.ts', "import { b } from './b.ts';", 'fine'],
  ['src/features/index.ts', "import { routes } from './x/routes.ts';", 'fine'],
  ['src/features/x/a.ts', "import { b } from '../../providers/b.ts';", 'breach'],
  ['src/gateway/a.ts', "import { b } from '../http/b.ts';", 'breach'],
  ['src/http/a.ts', "import { b } from '../features/x/b.ts';", 'breach'],
  ['src/cli/a.ts', "import { b } from '../core/b.ts';", 'breach'],
  ['src/platform/a.ts', "import { b } from '../roles/b.ts';", 'breach'],
  ['src/main.ts', "import { b } from './gateway/b.ts';", 'breach'],
  ['src/main.ts', "const { serve } = await import('./roles/serve.ts');", 'fine'],
  ['src/app.ts', "import { b } from './core/b.ts';", 'breach'],
  ['src/app.ts', "import type { B } from './core/b.ts';", 'fine'],
  ['src/app.ts', "import { type B, type C } from './core/b.ts';", 'fine'],
  ['src/core/a.ts', "import { x } from '../../scripts/x.ts';", 'breach'],
  ['src/core/a.ts', "import { readFile } from 'node:fs/promises';", 'breach'],
  ['src/gateway/a.ts', "import { spawn } from 'node:child_process';", 'breach'],
  ['src/features/x/a.ts', "import { sql } from 'kysely';", 'breach'],
  ['src/features/x/store.ts', "import { sql } from 'kysely';", 'fine'],
  ['src/app.ts', "import type { Kysely } from 'kysely';", 'fine'],
  ['src/features/x/store.ts', "import pg from 'pg';", 'breach'],
  ['src/wire/a.ts', "import { serve } from 'bun';", 'breach'],
]);

proves('the way out', rules.egress, [
  ['src/gateway/a.ts', 'const answer = await fetch(url);', 'breach'],
  ['src/gateway/a.ts', 'globalThis.fetch(url)', 'breach'],
  ['src/providers/a.ts', 'const text = `${await fetch(url)}`;', 'breach'],
  ['src/providers/a.ts', 'new WebSocket(url)', 'breach'],
  ['src/platform/egress.ts', 'await fetch(url)', 'fine'],
  ['src/http/server.ts', 'Bun.serve({\n  async fetch(request, server) {\n    return answer();\n  },\n})', 'fine'],
  ['src/gateway/a.ts', "throw new Error('fetch(url) failed'); // fetch(url)", 'fine'],
]);

proves('sockets', rules.sockets, [
  ['src/gateway/a.ts', "import { connect } from 'node:net';", 'breach'],
  ['src/gateway/a.ts', "import net from 'node:net';", 'breach'],
  ['src/gateway/a.ts', "import * as net from 'net';", 'breach'],
  ['src/http/a.ts', "import { BlockList, isIP } from 'node:net';", 'fine'],
]);

proves('the environment', rules.environment, [
  ['src/platform/log.ts', 'process.env.DEBUG', 'breach'],
  ['src/core/a.ts', 'Bun.env', 'breach'],
  ['src/platform/config.ts', 'process.env', 'fine'],
]);

proves('Bun', rules.runtime, [
  ['src/http/router.ts', 'Bun.hash(path)', 'breach'],
  ['src/http/server.ts', 'Bun.serve({})', 'fine'],
  ['src/roles/api.ts', "log('Bun. It runs.') // Bun.version", 'fine'],
]);

proves('SQL', rules.sql, [
  ['src/features/x/get.ts', "app.db.selectFrom('users')", 'breach'],
  ['src/gateway/a.ts', "query('select id from users')", 'breach'],
  ['src/gateway/a.ts', 'query(`DELETE FROM users`)', 'breach'],
  ['src/platform/a.ts', 'await sql`select 1`', 'breach'],
  ['src/features/x/store.ts', "app.db.selectFrom('users')", 'fine'],
  ['src/cli/a.ts', "'Select a model, then ask from the console'", 'fine'],
]);

proves('which provider', rules.providerBlind, [
  ['src/gateway/a.ts', "if (provider.id === 'openai') {}", 'breach'],
  ['src/gateway/a.ts', "switch (name) { case 'anthropic': }", 'breach'],
  ['src/http/a.ts', 'if (call.provider === "groq") {}', 'breach'],
  ['src/roles/a.ts', "entry.name !== 'demo'", 'breach'],
  ['src/providers/index.ts', "entry.kind === 'openai'", 'fine'],
  ['src/gateway/a.ts', "if (dialect === 'openai-chat') {}", 'fine'],
  ['src/gateway/a.ts', 'if (a.provider === b.provider) {}', 'fine'],
  ['src/http/a.ts', "if (surface === 'anthropic') {}", 'fine'],
]);

proves('names', rules.names, [
  ['src/core/utils.ts', '', 'breach'],
  ['src/helpers/a.ts', '', 'breach'],
  ['src/core/string-utils.ts', '', 'breach'],
  ['src/core/retry.ts', '', 'fine'],
]);

proves('any', rules.anyType, [
  ['src/core/a.ts', 'function f(x: any): void {}', 'breach'],
  ['src/core/a.ts', 'const x = y as any;', 'breach'],
  ['src/core/a.ts', 'type X = Map<string, any>;', 'breach'],
  ['src/core/a.ts', '// oxlint-disable-next-line typescript/no-explicit-any\ntype X = Map<string, any>;', 'fine'],
  ['src/core/a.ts', "const text = 'as any'; // : any", 'fine'],
  ['src/core/a.ts', 'const pattern = /: any/;', 'fine'],
  ['src/core/a.ts', "const x = { origin: any ? '*' : origin };", 'fine'],
]);

proves('default exports', rules.defaultExport, [
  ['src/core/a.ts', 'export default function f() {}', 'breach'],
  ['src/core/a.ts', 'export { f as default };', 'breach'],
  ['src/core/a.ts', 'export const f = 1; // export default', 'fine'],
]);

proves('black boxes', rules.blackBox, [
  ['test/generate.test.ts', "import { run } from '../src/gateway/run.ts';", 'breach'],
  ['test/fake-upstream/a.ts', "import { run } from '../../src/wire/run.ts';", 'breach'],
  ['test/fake-upstream/a.ts', "import { run } from '../../src/core/run.ts';", 'fine'],
  ['test/generate.test.ts', "import { ERRORS } from '../src/contract/errors.ts';", 'fine'],
]);

describe('cycles', () => {
  const a = readSource('src/a/x.ts', "import '../b/x.ts';");
  const b = readSource('src/b/x.ts', "import type { C } from '../c/x.ts';");
  const c = readSource('src/c/x.ts', "import { a } from '../a/x.ts';");
  test('are found over three folders, through types too', () => expect(rules.folderCycle([a, b, c])).toEqual(['a', 'b', 'c', 'a']));
  test('are not seen where there are none', () => expect(rules.folderCycle([a, b])).toBeNull());
});

describe('reading sources', () => {
  test('sees every import that the transpiler sees', () => {
    const transpiler = new Bun.Transpiler({ loader: 'ts' });
    for (const source of sources) {
      const own = new Set(source.imports.map((each) => each.from));
      const missed = transpiler.scanImports(source.raw.replace(/^#!.*/, '')).filter((each) => !own.has(each.path));
      expect({ path: source.path, missed }).toEqual({ path: source.path, missed: [] });
    }
  });

  test('keeps what stands between the texts of a template', () => {
    const source = readSource('a.ts', 'const x = `a ${fetch({ b: `c ${d}` })} e`; // f');
    expect(source.code.replaceAll(/ +/g, ' ')).toBe('const x = ` ${fetch({ b: ` ${d}` })} `; ');
  });

  test('tells division from a regular expression', () => {
    expect(readSource('a.ts', "const x = a / b; const y = /'/; const z = 'w';").code).toBe('const x = a / b; const y =    ; const z =    ;');
  });
});
