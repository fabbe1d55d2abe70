import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { call, type Sluice, startSluice } from './harness.ts';
import { type Peer, scriptedServer, type ScriptedServer, until } from './scripted-server.ts';

/** How calls leave the process, as the settings and the environment say: through proxies, and by TLS to those who are believed. */
const FOLDER = mkdtempSync(join(tmpdir(), 'sluice-egress-'));
const ANSWER = JSON.stringify({ id: 'c', model: 'm', choices: [{ message: { content: 'said in secret' }, finish_reason: 'stop' }] });
const SAID = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${ANSWER.length}\r\n\r\n${ANSWER}`;

afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

function openssl(...words: readonly string[]): void {
  const made = Bun.spawnSync(['openssl', ...words], { cwd: FOLDER, stderr: 'pipe' });
  if (!made.success) throw new Error(made.stderr.toString());
}

/** An authority that only this test knows. */
function makeAuthority(): void {
  openssl(
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
    '-subj',
    '/CN=A test',
    '-addext',
    'basicConstraints=critical,CA:TRUE',
  );
}

function certificateFor(names: string): { readonly key: string; readonly cert: string } {
  writeFileSync(join(FOLDER, 'names'), `subjectAltName=${names}\n`);
  openssl('req', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'key', '-out', 'csr', '-subj', '/CN=provider');
  openssl('x509', '-req', '-in', 'csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-out', 'cert', '-days', '2', '-extfile', 'names');
  return { key: readFileSync(join(FOLDER, 'key'), 'utf8'), cert: readFileSync(join(FOLDER, 'cert'), 'utf8') };
}

const provider = (tls?: { readonly key: string; readonly cert: string }): ScriptedServer => scriptedServer({ asked: (_, peer) => peer.say(SAID) }, tls);

async function said(sluice: Sluice, prompt: string): Promise<string> {
  const { status, json, text } = await call<{ response: string }>(`${sluice.url}/generate`, { json: { prompt } });
  return status === 200 ? json.response : text;
}

/** Sluice before a provider at this address, with these settings; what it logs of a failed attempt comes with the answer. */
async function served(env: Record<string, string>, prompts = 1): Promise<{ readonly answers: readonly string[]; readonly reasons: readonly unknown[] }> {
  const sluice = await startSluice({ env: { OPENAI_API_KEY: 'sk-upstream-000000000000', UPSTREAM_MAX_RETRIES: '0', ...env } });
  const answers: string[] = [];
  for (let prompt = 0; prompt < prompts; prompt++) answers.push(await said(sluice, `prompt ${prompt}`));
  await sluice.stop();
  // The lines come through a pipe, and the last one says that all are there.
  await until(() => sluice.logs().some((line) => line.message === 'stopped'));
  const failed = sluice.logs().filter((line) => line.message === 'an upstream attempt failed');
  return { answers, reasons: failed.map((line) => line['reason']) };
}

describe('a provider at an https:// address', () => {
  let secure: ScriptedServer;
  beforeAll(() => {
    makeAuthority();
    secure = provider(certificateFor('DNS:localhost,IP:127.0.0.1'));
  });
  afterAll(() => secure.stop());

  test('is called when NODE_EXTRA_CA_CERTS names who signed its certificate, over one connection', async () => {
    const { answers } = await served({ OPENAI_BASE_URL: `https://localhost:${secure.port}/v1`, NODE_EXTRA_CA_CERTS: join(FOLDER, 'ca.pem') }, 3);
    expect(answers).toEqual(['said in secret', 'said in secret', 'said in secret']);
    expect([secure.opened(), secure.requests.length]).toEqual([1, 3]);
    expect(secure.requests[0]).toContain(`host: localhost:${secure.port}\r\n`);
  });

  test('is not called when nobody whom we believe has signed its certificate', async () => {
    const before = secure.requests.length;
    const { reasons } = await served({ OPENAI_BASE_URL: `https://localhost:${secure.port}/v1` });
    expect(reasons).toEqual([expect.stringContaining('no secure connection to localhost: unable to verify the first certificate')]);
    expect(secure.requests.length).toBe(before);
  });

  test('is not called when its certificate is for another name', async () => {
    const other = provider(certificateFor('DNS:other.test'));
    const { reasons } = await served({ OPENAI_BASE_URL: `https://localhost:${other.port}/v1`, NODE_EXTRA_CA_CERTS: join(FOLDER, 'ca.pem') });
    expect(reasons).toEqual([expect.stringContaining("no secure connection to localhost: Hostname/IP does not match certificate's altnames")]);
    expect(other.requests).toEqual([]);
    other.stop();
  });
});

/** Passes bytes on to this server when it is asked to connect, and answers what it is asked itself. */
function proxyTo(server: ScriptedServer): ScriptedServer {
  const tunnels = new Map<Peer, { readonly write: (bytes: Uint8Array) => number }>();
  return scriptedServer({
    heard: (bytes, peer) => void tunnels.get(peer)?.write(bytes),
    asked(request, peer) {
      if (!request.startsWith('CONNECT ')) {
        peer.say(SAID);
        return;
      }
      void Bun.connect({
        hostname: '127.0.0.1',
        port: server.port,
        socket: {
          open(socket) {
            tunnels.set(peer, socket);
            peer.say('HTTP/1.0 200 Connection established\r\nvia: a test\r\n\r\n');
          },
          data: (_, bytes) => peer.say(bytes),
          close: () => peer.end(),
        },
      });
    },
  });
}

describe('a proxy', () => {
  let secure: ScriptedServer;
  let proxy: ScriptedServer;
  beforeAll(() => {
    secure = provider(certificateFor('DNS:provider.test'));
    proxy = proxyTo(secure);
  });
  afterAll(() => {
    proxy.stop();
    secure.stop();
  });

  test('of HTTPS_PROXY passes on what it cannot read, and gets its password for itself', async () => {
    const { answers } = await served(
      {
        OPENAI_BASE_URL: 'https://provider.test:8443/v1',
        HTTPS_PROXY: `http://user:p%40ss@127.0.0.1:${proxy.port}`,
        NODE_EXTRA_CA_CERTS: join(FOLDER, 'ca.pem'),
      },
      3,
    );
    expect(answers).toEqual(['said in secret', 'said in secret', 'said in secret']);
    const consent = `CONNECT provider.test:8443 HTTP/1.1\r\nhost: provider.test:8443\r\nproxy-authorization: Basic ${btoa('user:p@ss')}\r\n\r\n`;
    expect(proxy.requests[0]).toBe(consent);
    expect([proxy.opened(), secure.opened(), secure.requests.length]).toEqual([1, 1, 3]);
    expect(secure.requests[0]).toMatch(/^POST \/v1\/chat\/completions HTTP\/1.1\r\nhost: provider.test:8443\r\n/);
    expect(secure.requests.join('')).not.toContain('proxy-authorization');
  });

  test('of HTTPS_PROXY is not believed to be the provider', async () => {
    const before = secure.requests.length;
    const { reasons } = await served({
      OPENAI_BASE_URL: 'https://other.test/v1',
      https_proxy: `http://127.0.0.1:${proxy.port}`,
      NODE_EXTRA_CA_CERTS: join(FOLDER, 'ca.pem'),
    });
    expect(reasons).toEqual([expect.stringContaining('no secure connection to other.test: Hostname/IP does not match')]);
    expect(secure.requests.length).toBe(before);
  });

  test('of HTTP_PROXY is asked for the whole address, unless NO_PROXY spares it or the provider is on this machine', async () => {
    const open = provider();
    const env = { HTTP_PROXY: `http://127.0.0.1:${proxy.port}` };
    const before = proxy.requests.length;
    expect((await served({ ...env, OPENAI_BASE_URL: 'http://provider.test/v1' })).answers).toEqual(['said in secret']);
    expect(proxy.requests[before]).toMatch(/^POST http:\/\/provider.test\/v1\/chat\/completions HTTP\/1.1\r\nhost: provider.test\r\n/);
    expect((await served({ ...env, OPENAI_BASE_URL: `${open.url}/v1` })).answers).toEqual(['said in secret']);
    const spared = await served({ ...env, OPENAI_BASE_URL: 'http://provider.invalid/v1', NO_PROXY: 'a.test, .invalid' });
    expect(spared.reasons).toEqual(['the name of the host is not known']);
    expect([proxy.requests.length, open.requests.length]).toEqual([before + 1, 1]);
    open.stop();
  });
});
