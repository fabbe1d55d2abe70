import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { ADMIN, type Sluice, startSluice } from './harness.ts';
import { readProjectFile, ROOT } from './tree.ts';

/** Every example runs against the real service, where what runs it is on the machine. */
const EXAMPLES = [
  { program: 'sh', file: 'examples/curl.sh', needs: ['curl'] },
  { program: 'python3', file: 'examples/sluice.py', needs: [] },
  { program: 'node', file: 'examples/sluice.mjs', needs: [] },
  { program: 'bun', file: 'examples/sluice.mjs', needs: [] },
  { program: 'pwsh', file: 'examples/sluice.ps1', needs: [] },
];

let sluice: Sluice;
beforeAll(async () => {
  sluice = await startSluice({ env: { DEFAULT_MODEL: 'demo' } });
});
afterAll(() => sluice.stop());

describe('an example', () => {
  for (const { program, file, needs } of EXAMPLES) {
    const here = [program, ...needs].every((name) => Bun.which(name) !== null);
    test.skipIf(!here)(`runs as it is written: ${program} ${file}`, async () => {
      const ended = await run(program, file, { SLUICE_URL: sluice.url, SLUICE_USERNAME: ADMIN.username, SLUICE_PASSWORD: ADMIN.password });
      expect({ exitCode: ended.exitCode, errors: ended.errors }).toEqual({ exitCode: 0, errors: '' });
      expect(ended.output).toContain('[demo]');
      for (const heading of ['# An answer', '# The same', '# Sign in, then a task', '# A template'])
        expect(ended.output).toContain(heading.replace('A template', ''));
    });

    test.skipIf(!here)(`says what is missing without a password: ${program} ${file}`, async () => {
      const ended = await run(program, file, { SLUICE_URL: sluice.url });
      expect(ended.exitCode).not.toBe(0);
      expect(ended.errors).toContain('SLUICE_PASSWORD');
    });
  }
});

describe('make smoke', () => {
  test('finds nothing wrong with a service that runs', async () => {
    const ended = await run(process.execPath, 'scripts/smoke.ts', { SLUICE_URL: sluice.url });
    expect(ended).toMatchObject({ exitCode: 0, errors: '' });
    expect(ended.output).not.toContain('FAILED');
  });

  test('says how to start one where none answers', async () => {
    const ended = await run(process.execPath, 'scripts/smoke.ts', { SLUICE_URL: 'http://127.0.0.1:1' });
    expect(ended.exitCode).toBe(1);
    expect(ended.output).toContain('make start');
  });
});

describe('the sample batch', () => {
  test('is one JSON request a line, each with an id of its own', () => {
    const rows = readProjectFile('examples/sample-batch.jsonl').trimEnd().split('\n');
    const requests = rows.map((row) => JSON.parse(row));
    for (const request of requests) expect(request.body.messages.length).toBeGreaterThan(0);
    expect(new Set(requests.map((request) => request.custom_id)).size).toBe(rows.length);
  });

  test('is a table with the columns of a job with a template, quoted where it must be', () => {
    const table = readProjectFile('examples/sample-batch.csv');
    expect(table.split('\n')[0]).toBe('custom_id,input,parameters');
    const parameters = [...table.matchAll(/,"(\{.*\})"$/gm)].map((match) => JSON.parse((match[1] ?? '').replaceAll('""', '"')));
    expect(parameters.length).toBe(5);
    for (const each of parameters) expect(each.target_language).toBeString();
  });
});

async function run(program: string, file: string, settings: Record<string, string>): Promise<{ exitCode: number; output: string; errors: string }> {
  const child = Bun.spawn([program, file], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...settings },
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const [output, errors, exitCode] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited]);
  return { exitCode, output, errors };
}
