import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VERSION } from '../src/contract/version.ts';
import { type Sluice, startSluice } from './harness.ts';

type Ended = { readonly code: number; readonly out: string; readonly err: string };

const SLUICE = join(import.meta.dir, '../bin/sluice');
const folder = mkdtempSync(join(tmpdir(), 'sluice-cli-'));
let service: Sluice;

beforeAll(async () => {
  service = await startSluice();
});
afterAll(async () => {
  await service.stop();
  rmSync(folder, { recursive: true });
});

/** Runs the command in an empty folder, so that nothing of this one is read. */
async function sluice(words: readonly string[], more: { env?: Record<string, string>; input?: string; command?: string } = {}): Promise<Ended> {
  const child = Bun.spawn([more.command ?? SLUICE, ...words], {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', HOME: folder, SLUICE_URL: service.url, ...more.env },
    stdin: new Blob([more.input ?? '']),
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const [out, err, code] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited]);
  return { code, out, err };
}

describe('the command line', () => {
  test('says its version, through a link too', async () => {
    const link = join(folder, 'linked');
    symlinkSync(SLUICE, link);
    expect(await sluice(['--version'])).toEqual({ code: 0, out: `${VERSION}\n`, err: '' });
    expect((await sluice(['-V'], { command: link })).out).toBe(`${VERSION}\n`);
  });

  test('helps, with examples', async () => {
    const { code, out } = await sluice(['--help']);
    expect(code).toBe(0);
    for (const word of ['serve', 'migrate', 'config', 'doctor', 'generate', 'openapi', 'Examples:']) expect(out).toContain(word);
  });

  test('exits with 2 where it is used wrongly, and guesses what was meant', async () => {
    const { code, out, err } = await sluice(['generat']);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain('Did you mean generate?');
    expect((await sluice(['generate', '--colour'])).code).toBe(2);
  });

  test('openapi prints the document that the service serves', async () => {
    const { code, out } = await sluice(['openapi']);
    const served = await (await fetch(`${service.url}/openapi.json`)).text();
    expect([code, JSON.parse(out)]).toEqual([0, JSON.parse(served)]);
  });
});

describe('generate', () => {
  test('writes the answer and nothing else to standard output', async () => {
    const { code, out, err } = await sluice(['generate', 'Say hello']);
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain('[demo]');
  });

  test('reads the prompt from a pipe, with and without the dash', async () => {
    const whole = await sluice(['generate', '--no-stream', '-'], { input: 'Say hello to Ada' });
    const streamed = await sluice(['generate'], { input: 'Say hello to Ada' });
    expect([whole.code, streamed.code]).toEqual([0, 0]);
    expect(streamed.out).toBe(whole.out);
  });

  test('--json is the JSON of the service, -u says tokens and cost on standard error', async () => {
    const { code, out, err } = await sluice(['generate', '--json', '-u', 'Say hello']);
    expect(code).toBe(0);
    expect(Object.keys(JSON.parse(out) as object)).toContain('response');
    expect(err).toMatch(/^demo · \d+ in, \d+ out · \$0\.000000 · .* · cache (hit|miss) · req_/);
  });

  test('says what the service refused, and exits with 1', async () => {
    const { code, out, err } = await sluice(['generate', '-m', 'gpt-17', 'hi']);
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(/^error: There is no model gpt-17\n {2}MODEL_NOT_FOUND, request req_/);
  });

  test('says so when an answer breaks off', async () => {
    const { code, err } = await sluice(['generate', '-m', 'demo-cut', 'Say hello']);
    expect(code).toBe(1);
    expect(err).toContain('the answer broke off');
  });

  test('says how to start the service when there is none', async () => {
    const { code, err } = await sluice(['generate', 'hi', '--base-url', 'http://127.0.0.1:1']);
    expect(code).toBe(1);
    expect(err).toContain('there is no service at http://127.0.0.1:1');
    expect(err).toContain('make start');
  });
});

describe('config check', () => {
  test('prints what is in force and where it comes from, secrets masked', async () => {
    const env = { OPENAI_API_KEY: 'sk-canary-canary-canary-1234', PORT: '8123' };
    const { code, out } = await sluice(['config', 'check'], { env });
    expect(code).toBe(0);
    expect(out).toMatch(/API_PORT +8123 +environment \(PORT\)/);
    expect(out).toMatch(/OPENAI_API_KEY +sk-…1234/);
    expect(out).not.toContain('canary');
    const { out: json } = await sluice(['config', 'check', '--json'], { env });
    expect(JSON.parse(json)).toMatchObject({ ok: true });
  });

  test('lists all that is wrong, and exits with 1', async () => {
    const { code, out, err } = await sluice(['config', 'check'], { env: { API_PORT: 'x', ENV: 'staging' } });
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain('API_PORT (environment)');
    expect(err).toContain('ENV (environment)');
  });
});

const findings = async (env: Record<string, string>): Promise<{ code: number; found: Record<string, { ok: boolean; mend?: string }> }> => {
  const { code, out } = await sluice(['doctor', '--json'], { env: { DATA_DIR: service.dataDir, API_PORT: '0', ...env } });
  const report = JSON.parse(out) as { findings: { check: string; ok: boolean; mend?: string }[] };
  return { code, found: Object.fromEntries(report.findings.map((finding) => [finding.check, finding])) };
};

describe('doctor', () => {
  test('finds nothing where all is well, beside a service that runs', async () => {
    const { code, found } = await findings({});
    expect([code, Object.values(found).every(({ ok }) => ok)]).toEqual([0, true]);
  });

  test('names what is wrong, and how to mend it', async () => {
    const { code, found } = await findings({
      DATABASE_URL: 'postgres://nobody:x@127.0.0.1:1/none',
      OPENAI_API_KEY: 'sk-x',
      OPENAI_BASE_URL: 'http://127.0.0.1:2/v1',
      DATA_DIR: '/dev/null/data',
    });
    expect(code).toBe(1);
    for (const check of ['database', 'openai', 'data folder']) expect([check, found[check]?.ok, typeof found[check]?.mend]).toEqual([check, false, 'string']);
  });
});
