import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VERSION } from '../src/contract/version.ts';
import { call, type Sluice, startSluice, until } from './harness.ts';
import { CTRL_C, type OnTerminal, onTerminal } from './terminal.ts';

type Ended = { readonly code: number; readonly out: string; readonly err: string };

/** Of what the shell script that finds Bun costs with the shortest program there is. Twice as much is usual, and 60 to 80 ms; with all of the service loaded it is ten times. */
const VERSION_LIMIT = 3;
const SLUICE = join(import.meta.dir, '../bin/sluice');
const BUN_SH = join(import.meta.dir, '../scripts/bun.sh');
const folder = mkdtempSync(join(tmpdir(), 'sluice-cli-'));
const terminals: OnTerminal[] = [];
let service: Sluice;

beforeAll(async () => {
  service = await startSluice();
});
afterAll(async () => {
  await Promise.all(terminals.map((running) => running.end()));
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

/** The same in a pipe. */
const shell = (line: string): Promise<Ended> => sluice(['-c', line], { command: 'sh' });

function cpuToSayVersion(...words: string[]): number {
  const { resourceUsage, stdout } = Bun.spawnSync(words, { cwd: folder });
  expect(stdout.toString()).toBe(`${VERSION}\n`);
  return Number(resourceUsage.cpuTime.total);
}

describe('the command line', () => {
  test('says its version, through a link too', async () => {
    const link = join(folder, 'linked');
    symlinkSync(SLUICE, link);
    expect(await sluice(['--version'])).toEqual({ code: 0, out: `${VERSION}\n`, err: '' });
    expect((await sluice(['-V'], { command: link })).out).toBe(`${VERSION}\n`);
  });

  test('helps without a word too, with examples and exit codes', async () => {
    const { code, out } = await sluice(['--help']);
    expect(code).toBe(0);
    for (const word of ['serve', 'migrate', 'config', 'doctor', 'generate', 'openapi', 'Examples:', '130']) expect(out).toContain(word);
    expect(await sluice([])).toEqual({ code: 0, out, err: '' });
  });

  test('exits with 2 where it is used wrongly, and guesses what was meant', async () => {
    const { code, out, err } = await sluice(['generat']);
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(/^error: unknown command 'generat'\n {2}Did you mean generate\?\n/);
    for (const words of [['generate', '--colour'], ['generate', '-T', 'warm', 'hi'], ['serve', '--port', '70000'], ['config']]) {
      expect([words, await sluice(words)]).toEqual([words, { code: 2, out: '', err: expect.stringMatching(/./) }]);
    }
  });

  test('says everything in JSON with --json, mistakes on standard error', async () => {
    expect(await sluice(['--version', '--json'])).toEqual({ code: 0, out: `{"version":"${VERSION}"}\n`, err: '' });
    const { code, out, err } = await sluice(['generat', '--json']);
    expect([code, out]).toEqual([2, '']);
    expect(JSON.parse(err)).toEqual({ error: { code: 'WRONG_USAGE', message: "unknown command 'generat'", hint: expect.stringContaining('Did you mean') } });
    const refused = await sluice(['generate', '--json', '-m', 'gpt-17', 'hi']);
    expect([refused.code, refused.out]).toEqual([1, '']);
    expect(JSON.parse(refused.err)).toMatchObject({ error: { code: 'MODEL_NOT_FOUND', status: 404, details: { available: expect.anything() } } });
  });

  test('openapi prints the document that the service serves', async () => {
    const { code, out } = await sluice(['openapi']);
    const served = await (await fetch(`${service.url}/openapi.json`)).text();
    expect([code, JSON.parse(out)]).toEqual([0, JSON.parse(served)]);
  });

  test('writes a large answer whole to whoever reads it slowly', async () => {
    const { out } = await sluice(['openapi']);
    expect(out.length).toBeGreaterThan(128 * 1024);
    expect(await shell(`"${SLUICE}" openapi | (sleep 0.5; cat)`)).toEqual({ code: 0, out, err: '' });
  });

  test('stops without a word when nobody reads on', async () => {
    const { code, out, err } = await shell(`{ "${SLUICE}" generate -m demo-slow --no-cache "Say hello to everybody"; echo $? >&2; } | head -c 1`);
    expect({ code, out, err }).toEqual({ code: 0, out: '[', err: '0\n' });
    await inFlight(0);
  });

  test('is there at once', () => {
    const shortest = `process.stdout.write('${VERSION}\\n')`;
    const turns = Array.from({ length: 7 }, () => ({ ours: cpuToSayVersion(SLUICE, '--version'), least: cpuToSayVersion('sh', BUN_SH, '-e', shortest) }));
    // The best of some turns of both: what a busy or a slow machine adds, it adds to both.
    expect(Math.min(...turns.map(({ ours }) => ours)) / Math.min(...turns.map(({ least }) => least))).toBeLessThan(VERSION_LIMIT);
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
    expect(err).toMatch(/^error: There is no model gpt-17\n {2}There is: .*\bdemo\b.*\n {2}MODEL_NOT_FOUND, request req_\S+\n$/);
  });

  test('says so when an answer breaks off', async () => {
    const { code, out, err } = await sluice(['generate', '-m', 'demo-cut', 'Say hello']);
    expect(code).toBe(1);
    expect(out).toMatch(/^\[demo\].*\n$/s);
    expect(err).toStartWith('error: the answer broke off');
  });

  test('says how to start the service when there is none', async () => {
    const { code, err } = await sluice(['generate', 'hi', '--base-url', 'http://127.0.0.1:1']);
    expect(code).toBe(1);
    expect(err).toContain('there is no service at http://127.0.0.1:1');
    expect(err).toContain('make start');
  });
});

type Health = { checks: { queue: { calls_in_flight: number } } };

async function inFlight(calls: number): Promise<void> {
  await until(async () => (await call<Health>(`${service.url}/health`)).json.checks.queue.calls_in_flight === calls);
}

function terminal(words: readonly string[], env: Record<string, string> = {}): OnTerminal {
  const running = onTerminal(words, { cwd: folder, env: { SLUICE_URL: service.url, ...env } });
  terminals.push(running);
  return running;
}

describe('at a terminal', () => {
  const SLOW = ['generate', '-m', 'demo-slow', '--no-cache', 'Say hello to everybody in the house'];

  test('serve shows the address, the models, the data and the sign-in, and how to try it', async () => {
    const running = terminal(['serve'], { API_PORT: '0', DATA_DIR: join(folder, 'banner') });
    const banner = await running.until((shown) => shown.includes('Try it'));
    const address = /Address +(http:\/\/127\.0\.0\.1:\d+)\n/.exec(banner)?.[1];
    expect((await call(`${address}/readyz`)).status).toBe(200);
    expect(banner).toMatch(/Models +demo \(built in, free/);
    expect(banner).toMatch(/Real answers +set the key of a provider, such as OPENAI_API_KEY/);
    expect(banner).toContain(`Data          ${join(folder, 'banner')} (`);
    const [, username, password] = /Sign-in +(\S+) \/ (\S+) /.exec(banner) ?? [];
    expect((await call(`${address}/auth/login`, { json: { username, password } })).status).toBe(200);
    running.press(CTRL_C);
    expect(await running.exited).toBe(0);
    expect(running.shown()).not.toMatch(/error|warning/i);
  });

  test('serve --json logs for a program, as it does without a terminal', async () => {
    const running = terminal(['serve', '--json', '--host', '127.0.0.1', '--port', '0'], { DATA_DIR: join(folder, 'json'), API_PORT: 'unused' });
    const shown = await running.until((text) => text.includes('"message":"ready"') && text.endsWith('\n'));
    for (const line of shown.trimEnd().split('\n')) expect(Object.keys(JSON.parse(line) as object)).toContain('message');
    running.press(CTRL_C);
    expect(await running.exited).toBe(0);
  });

  test('generate shows the answer as it comes, and Ctrl-C ends it on a line of its own', async () => {
    const running = terminal(SLOW);
    await running.until((shown) => shown.includes('[demo]'));
    running.press(CTRL_C);
    expect(await running.exited).toBe(130);
    expect(running.shown()).toMatch(/^\[demo\][^\n]*\n$/);
  });

  test('generate asks for a prompt where there is none', async () => {
    const running = terminal(['generate']);
    expect(await running.exited).toBe(2);
    expect(running.shown()).toStartWith('error: there is no prompt\n  Write it as an argument');
  });
});

test('generate that is interrupted says nothing and exits with 130, whole answer or in pieces', async () => {
  for (const more of [[], ['--no-stream']]) {
    const child = Bun.spawn([SLUICE, 'generate', '-m', 'demo-slow', '--no-cache', ...more, 'Say hello to everybody'], {
      cwd: folder,
      env: { PATH: process.env['PATH'] ?? '', HOME: folder, SLUICE_URL: service.url },
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
    });
    await inFlight(1);
    child.kill('SIGINT');
    const [err, code] = await Promise.all([new Response(child.stderr).text(), child.exited]);
    expect({ more, code, err, killedBy: child.signalCode }).toEqual({ more, code: 130, err: '', killedBy: null });
    await inFlight(0);
  }
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
