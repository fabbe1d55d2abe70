import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { recitingModel } from './gguf/models.ts';
import { ggufBytes } from './gguf/writer.ts';
import { CTRL_C, onTerminal } from './terminal.ts';

/** `sluice models`, against a server that gives files away as Hugging Face does, and in every bad way. */
const MODEL = ggufBytes(recitingModel());
const SHA256 = createHash('sha256').update(MODEL).digest('hex');
const MAIN = join(import.meta.dir, '../src/main.ts');

type Asked = { readonly host: string; readonly path: string; readonly range: string | undefined; readonly authorization: string | undefined };
type Script = (request: IncomingMessage, response: ServerResponse, time: number) => void;

let folder: string;
let mirror: { url: string; close: () => void };
let elsewhere: { url: string; close: () => void };
let asked: Asked[] = [];
let script: Script;

beforeAll(async () => {
  mirror = await serve('mirror');
  elsewhere = await serve('elsewhere');
});
afterAll(() => {
  mirror.close();
  elsewhere.close();
});
beforeEach(() => {
  if (folder) rmSync(folder, { recursive: true, force: true });
  folder = mkdtempSync(join(tmpdir(), 'sluice-pull-'));
  asked = [];
  script = give;
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function serve(host: string): Promise<{ url: string; close: () => void }> {
  const server = createServer((request, response) => {
    const { range, authorization } = request.headers;
    asked.push({ host, path: request.url ?? '', range, authorization });
    script(request, response, asked.length);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = (): void => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}

/** As a good server does: ranges, and the checksum as the ETag. */
function give(request: IncomingMessage, response: ServerResponse): void {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  const isRange = from > 0 && request.headers['if-range'] === `"${SHA256}"`;
  const bytes = isRange ? MODEL.subarray(from) : MODEL;
  const range = isRange ? { 'content-range': `bytes ${from}-${MODEL.length - 1}/${MODEL.length}` } : {};
  response.writeHead(isRange ? 206 : 200, { etag: `"${SHA256}"`, 'content-length': bytes.length, ...range }).end(bytes);
}

/** Breaks off after this much of what it would have given. */
function giveUntil(bytes: number): Script {
  return (request, response) => {
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const head = from > 0 ? { 'content-range': `bytes ${from}-${MODEL.length - 1}/${MODEL.length}` } : {};
    response.writeHead(from > 0 ? 206 : 200, { etag: `"${SHA256}"`, 'content-length': MODEL.length - from, ...head });
    response.write(MODEL.subarray(from, from + bytes));
    // What is on its way is thrown away where the end comes at once.
    setTimeout(() => response.destroy(), 100);
  };
}

type Ended = { readonly code: number; readonly out: string; readonly err: string };

async function sluice(words: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  const child = Bun.spawn([process.execPath, '--no-env-file', MAIN, 'models', ...words], {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', HOME: folder, DATA_DIR: join(folder, 'data'), MODEL_MIRROR: mirror.url, ...env },
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const [out, err, code] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited]);
  return { code, out, err };
}

const pull = (words: readonly string[] = ['some/repository/tiny.gguf'], env: Record<string, string> = {}) => sluice(['pull', ...words], env);
const models = () => join(folder, 'data', 'models');
const here = () => (existsSync(models()) ? readdirSync(models()).toSorted() : []);

describe('sluice models pull', () => {
  test('fetches a file from the mirror, and puts it into its place', async () => {
    const { code, out, err } = await pull();
    expect({ code, out }).toEqual({ code: 0, out: '' });
    expect(err).toContain('tiny is here now: ask for `local/tiny`');
    expect(asked.map(({ path }) => path)).toEqual(['/some/repository/resolve/main/tiny.gguf']);
    expect(here()).toEqual(['tiny.gguf']);
    expect(readFileSync(join(models(), 'tiny.gguf')).equals(MODEL)).toBe(true);
    const again = await pull();
    expect([again.code, asked.length]).toEqual([0, 1]);
    expect(again.err).toContain('is here already');
  });

  test('says JSON alone with --json', async () => {
    const { out, err } = await pull(['some/repository/tiny.gguf', '--name', 'other', '--json']);
    expect(JSON.parse(out)).toEqual({ name: 'other', path: join(models(), 'other.gguf'), bytes: MODEL.length });
    expect(err).toBe('');
  });

  test('goes on where the connection was cut, as often as it brings something', async () => {
    script = (request, response, time) => (time < 4 ? giveUntil(100_000)(request, response, time) : give(request, response));
    const { code, err } = await pull();
    expect(code).toBe(0);
    expect(err).toContain('trying again');
    expect(asked.map(({ range }) => range)).toEqual([undefined, 'bytes=100000-', 'bytes=200000-', 'bytes=300000-']);
    expect(readFileSync(join(models(), 'tiny.gguf')).equals(MODEL)).toBe(true);
  });

  test('goes on where another command was ended', async () => {
    script = giveUntil(150_000);
    const first = Bun.spawn([process.execPath, '--no-env-file', MAIN, 'models', 'pull', 'some/repository/tiny.gguf'], {
      cwd: folder,
      env: { PATH: process.env['PATH'] ?? '', DATA_DIR: join(folder, 'data'), MODEL_MIRROR: mirror.url },
      stderr: 'ignore',
    });
    while (asked.length < 1 || !here().includes('tiny.gguf.part.json')) await Bun.sleep(10);
    while (readFileSync(join(models(), 'tiny.gguf.part')).length < 150_000) await Bun.sleep(10);
    first.kill('SIGKILL');
    await first.exited;
    expect((await sluice(['list'])).out).toMatch(/tiny +partly here/);
    script = give;
    const before = asked.length;
    expect((await pull()).code).toBe(0);
    expect(asked[before]?.range).toMatch(/^bytes=\d{6}-$/);
    expect(here()).toEqual(['tiny.gguf']);
  });

  test('begins anew where the source has another file by now', async () => {
    mkdirSync(models(), { recursive: true });
    writeFileSync(join(models(), 'tiny.gguf.part'), Buffer.alloc(1000, 1));
    writeFileSync(join(models(), 'tiny.gguf.part.json'), JSON.stringify({ etag: '"another"' }));
    expect((await pull()).code).toBe(0);
    expect(asked[0]?.range).toBe('bytes=1000-');
    expect(readFileSync(join(models(), 'tiny.gguf')).equals(MODEL)).toBe(true);
  });

  test('keeps no file with a wrong checksum, whoever stated the right one', async () => {
    script = (_, response) => void response.writeHead(200, { 'x-linked-etag': `"${'0'.repeat(64)}"` }).end(MODEL);
    const stated = await pull();
    expect([stated.code, here()]).toEqual([1, []]);
    expect(stated.err).toContain('the checksum is wrong');
    script = give;
    const told = await pull(['some/repository/tiny.gguf', '--sha256', 'f'.repeat(64)]);
    expect([told.code, here()]).toEqual([1, []]);
    // The list knows what TinyLlama's file has.
    const known = await pull(['tinyllama']);
    expect(known.err).toContain('9fecc3b3cd76bba89d504f29b616eedf7da85b96540e490ca5824d3f7d2776a0');
    expect(await pull(['some/repository/tiny.gguf', '--sha256', SHA256.toUpperCase()])).toMatchObject({ code: 0 });
  });

  test('keeps no file that is no model', async () => {
    script = (_, response) => void response.writeHead(200).end('<html>Sign in first</html>'.repeat(10));
    const page = await pull();
    expect([page.code, here()]).toEqual([1, []]);
    expect(page.err).toContain('tiny is no model that can run here: its file cannot be loaded: it is not a GGUF file');
    script = (_, response) => void response.writeHead(200).end(MODEL.subarray(0, 300_000));
    expect((await pull()).err).toContain('cut off or damaged');
  });

  test('takes the token to the mirror, and not to where that leads', async () => {
    script = (request, response) => {
      if (request.headers.host === new URL(mirror.url).host)
        response.writeHead(302, { location: `${elsewhere.url}/cdn/1`, 'x-linked-etag': `"${SHA256}"` }).end();
      else response.writeHead(200).end(MODEL);
    };
    expect((await pull(undefined, { HF_TOKEN: 'hf_secret' })).code).toBe(0);
    expect(asked.map(({ host, authorization }) => [host, authorization])).toEqual([
      ['mirror', 'Bearer hf_secret'],
      ['elsewhere', undefined],
    ]);
    asked = [];
    script = give;
    expect((await pull([`${elsewhere.url}/a/b/blob/main/other.gguf`], { HF_TOKEN: 'hf_secret' })).code).toBe(0);
    expect(asked).toEqual([{ host: 'elsewhere', path: '/a/b/resolve/main/other.gguf', range: undefined, authorization: undefined }]);
  });

  test('says what is wrong, and what to do about it', async () => {
    script = (_, response) => void response.writeHead(401).end();
    expect((await pull()).err).toContain('Set HF_TOKEN');
    script = (_, response) => void response.writeHead(404).end();
    expect((await pull()).err).toContain(`there is nothing at ${mirror.url}/some/repository/resolve/main/tiny.gguf`);
    script = (request, response) => void response.writeHead(302, { location: request.url }).end();
    expect((await pull()).err).toContain('more than 10 times');
    expect((await pull(['nobody'])).err).toContain('there is no model "nobody" in the list');
    expect(await pull(['a/b/model.safetensors'])).toMatchObject({ code: 2, err: expect.stringContaining('no GGUF file') });
    expect(await pull(['a/b/model-00001-of-00003.gguf'])).toMatchObject({ code: 2, err: expect.stringContaining('one part of several') });
    expect(await pull(['a/b/tiny.gguf', '--name', '../../evil'])).toMatchObject({ code: 1, err: expect.stringContaining('cannot be the name') });
    expect(here()).toEqual([]);
  });

  test('does not begin what the disk has no room for', async () => {
    script = (_, response) => {
      response.writeHead(200, { 'content-length': 10 ** 16 });
      response.write('GGUF');
    };
    const { code, err } = await pull();
    expect([code, err]).toEqual([1, expect.stringMatching(/has [\d.]+ [kMG]B left, and 10000000 GB are needed/)]);
  });

  test('does not begin what another command is at, and takes over from one that was killed', async () => {
    mkdirSync(models(), { recursive: true });
    writeFileSync(join(models(), 'tiny.gguf.lock'), String(process.pid));
    expect(await pull()).toMatchObject({ code: 1, err: expect.stringContaining(`another command is fetching tiny (process ${process.pid})`) });
    const ended = Bun.spawnSync(['true']).pid;
    writeFileSync(join(models(), 'tiny.gguf.lock'), String(ended));
    expect((await pull()).code).toBe(0);
    expect(here()).toEqual(['tiny.gguf']);
  });

  test('takes a file by hand, and refuses one that is no model', async () => {
    const file = join(folder, 'mine.gguf');
    writeFileSync(file, MODEL);
    expect((await pull(['mine/of/tiny.gguf', '--file', file])).code).toBe(0);
    writeFileSync(file, MODEL.subarray(0, 1000));
    const cut = await pull(['mine/of/other.gguf', '--file', file]);
    expect([cut.code, here()]).toEqual([1, ['tiny.gguf']]);
    expect((await pull(['mine/of/other.gguf', '--file', join(folder, 'lost.gguf')])).err).toContain('does not exist');
    expect(asked).toEqual([]);
  });
});

describe('on a terminal', () => {
  test('a bar shows share, rate and time left, and Ctrl-C keeps what has come', async () => {
    script = (_, response) => {
      response.writeHead(200, { etag: '"x"', 'content-length': MODEL.length });
      let at = 0;
      const timer = setInterval(() => {
        if (at > MODEL.length / 2) return;
        response.write(MODEL.subarray(at, (at += 10_000)));
      }, 30);
      response.on('close', () => clearInterval(timer));
    };
    const running = onTerminal(['models', 'pull', 'some/repository/tiny.gguf'], {
      cwd: folder,
      env: { DATA_DIR: join(folder, 'data'), MODEL_MIRROR: mirror.url, LANG: 'C.UTF-8' },
    });
    try {
      await running.until((shown) => /tiny ▕█+.? +▏ +\d+% \d+ kB of \d+ kB, \d+ kB\/s, \d+ s left/.test(shown));
      running.press(CTRL_C);
      expect(await running.exited).toBe(130);
      expect(here()).toEqual(['tiny.gguf.part', 'tiny.gguf.part.json']);
    } finally {
      await running.end();
    }
  });
});

describe('sluice models list, info and rm', () => {
  test('tell what is here and what can be had', async () => {
    await pull();
    writeFileSync(join(models(), 'broken.gguf'), 'no');
    const { out, err } = await sluice(['list'], { LOCAL_MODEL: 'tiny' });
    expect(out).toMatch(/^NAME +STATE +SIZE +MAKES +CONTEXT +LICENCE +SOURCE$/m);
    expect(out).toMatch(/^tiny +served +\d+ kB +text +2048 +mit/m);
    expect(out).toMatch(/^tinyllama +can be had +669 MB +text +2048 +Apache-2.0 +TheBloke/m);
    expect(out).toMatch(/^nomic-embed +can be had +146 MB +vectors/m);
    expect(err).toContain('broken: its file cannot be loaded: it is not a GGUF file');
    const { data } = JSON.parse((await sluice(['list', '--json'])).out) as { data: { name: string; state: string }[] };
    expect(data.find(({ name }) => name === 'broken')?.state).toBe('unusable');
  });

  test('tell what a file says of itself', async () => {
    await pull();
    expect((await sluice(['info', 'tiny'])).out).toMatch(/^architecture +llama$/m);
    expect(JSON.parse((await sluice(['info', 'tinyllama', '--json'])).out)).toMatchObject({ name: 'tinyllama', license: 'Apache-2.0', bytes: 668_788_096 });
    expect(await sluice(['info', 'nobody'])).toMatchObject({ code: 1, err: expect.stringContaining('there is no model "nobody"') });
  });

  test('remove only what is meant', async () => {
    await pull();
    expect(await sluice(['rm', 'tiny'])).toMatchObject({ code: 2 });
    expect(here()).toEqual(['tiny.gguf']);
    expect((await sluice(['rm', 'tiny', '--yes'])).code).toBe(0);
    expect(here()).toEqual([]);
    expect(await sluice(['rm', 'tiny', '--yes'])).toMatchObject({ code: 1, err: expect.stringContaining('there is no model "tiny" here') });
  });
});
