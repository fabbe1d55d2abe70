import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { basename } from 'node:path';
import { ADMIN, call, type Sluice, signIn, startSluice } from './harness.ts';
import { readProjectFile, ROOT } from './tree.ts';

/** Every example runs against the real service, where what runs it is on the machine. */
const EXAMPLES = [
  { program: 'sh', file: 'examples/curl.sh', needs: ['sh', 'curl'] },
  { program: 'python3', file: 'examples/sluice.py', needs: ['python3'] },
  { program: 'node', file: 'examples/sluice.mjs', needs: ['node'] },
  { program: process.execPath, file: 'examples/sluice.mjs', needs: [] },
  { program: 'pwsh', file: 'examples/sluice.ps1', needs: ['pwsh'] },
].filter(({ needs }) => needs.every((name) => Bun.which(name) !== null));

let sluice: Sluice;
beforeAll(async () => {
  sluice = await startSluice({ env: { DEFAULT_MODEL: 'demo' } });
});
afterAll(() => sluice.stop());

describe('an example', () => {
  for (const { program, file } of EXAMPLES) {
    test(`runs as it is written: ${basename(program)} ${file}`, async () => {
      const ended = await run(program, file, { SLUICE_URL: sluice.url, SLUICE_USERNAME: ADMIN.username, SLUICE_PASSWORD: ADMIN.password });
      expect({ exitCode: ended.exitCode, errors: ended.errors }).toEqual({ exitCode: 0, errors: '' });
      expect(ended.output).toContain('[demo]');
      for (const heading of ['# An answer', '# The same', '# Sign in, then a task', '# A template'])
        expect(ended.output).toContain(heading.replace('A template', ''));
    });

    test(`says what is missing without a password: ${basename(program)} ${file}`, async () => {
      const ended = await run(program, file, { SLUICE_URL: sluice.url });
      expect(ended.exitCode).not.toBe(0);
      expect(ended.errors).toContain('SLUICE_PASSWORD');
    });
  }
});

/** Few machines have PowerShell, so what the example sends is read out of it and sent, and what it reads of the answers is looked for in them. */
describe('examples/sluice.ps1', () => {
  const text = readProjectFile('examples/sluice.ps1');
  const values: Record<string, string> = { $Username: ADMIN.username, '$env:SLUICE_PASSWORD': ADMIN.password };
  type Sent = { readonly path: string; readonly body: unknown; readonly reads: readonly string[] };
  const sent = [...text.matchAll(/^(?:\$(\w+) = )?\(?Send-Request '([^']+)' (@\{.*?\})(?: \$Headers)?(?:\)\.(\w+))?$/gm)].map(
    ([, variable, path = '', body = '', field]): Sent => ({
      path,
      body: tableOf(body, values),
      reads: field === undefined ? readOf(text, variable ?? '') : [field],
    }),
  );

  test('sends what the service takes, and reads what it answers', async () => {
    expect(sent.map(({ path }) => path)).toEqual(['/generate', '/auth/login', '/translate', '/api/v1/generate']);
    const headers = await signIn(sluice.url);
    for (const { path, body, reads } of sent) {
      const { status, json } = await call(`${sluice.url}${path}`, { json: body, headers });
      expect([path, status]).toEqual([path, 200]);
      expect(reads.length).toBeGreaterThan(0);
      for (const read of reads) expect(json).toHaveProperty(read);
    }
  });

  test('streams with a body that the service takes', async () => {
    const [, path = '', body = ''] = /"\$Url(\/\S+)"\)[\s\S]*?StringContent\]::new\('([^']+)'/.exec(text) ?? [];
    const { status, text: streamed } = await call(`${sluice.url}${path}`, { json: JSON.parse(body), headers: { accept: 'text/plain' } });
    expect([path, status]).toEqual(['/generate?stream=true', 200]);
    expect(streamed).toContain('[demo]');
  });
});

/** What is read of an answer that is kept in a variable: `$Answer.usage.total_tokens`. */
function readOf(text: string, variable: string): readonly string[] {
  return [...text.matchAll(new RegExp(`\\$${variable}\\.([\\w.]+)`, 'g'))].map(([, path = '']) => path);
}

/** A table of PowerShell, such as `@{ text = 'Hi'; parameters = @{ target_language = 'French' } }`, as JSON would have it. */
function tableOf(table: string, values: Readonly<Record<string, string>>): unknown {
  const json = table
    .replaceAll(/\$[\w:]+/g, (name) => `'${values[name] ?? ''}'`)
    .replaceAll('@{', '{')
    .replaceAll(/(\w+) = /g, '"$1": ')
    .replaceAll(/'([^']*)'/g, '"$1"')
    .replaceAll('; ', ', ');
  return JSON.parse(json);
}

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
