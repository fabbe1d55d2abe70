import { afterEach, describe, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ManualClock, manualClock } from '../../../test/manual-clock.ts';
import { Canceller } from '../../core/cancellation.ts';
import { endOfTurn } from '../../core/end-of-turn.ts';
import type { UpstreamResponse } from '../../core/provider.ts';
import { createSend } from '../egress.ts';
import { until } from '../../../test/scripted-server.ts';
import { faultOf, OK, says, scriptedWorld, stopServers, TIMES } from './scripted-world.test.ts';

const swallowing: { kill(signal: 'SIGKILL'): void }[] = [];
afterEach(() => {
  stopServers();
  for (const child of swallowing.splice(0)) child.kill('SIGKILL');
});

type Asking = (signal?: Canceller) => Promise<UpstreamResponse>;

function askerOf(origin: string, clock: ManualClock = manualClock(), httpsProxy: string | null = null): Asking {
  const proxies = { httpProxy: null, httpsProxy, noProxy: [] };
  const send = createSend({ clock, times: () => TIMES, allowedOrigins: () => new Set([origin]), proxies });
  return (signal = new Canceller()) => send({ method: 'GET', url: `${origin}/`, headers: {}, signal });
}

/** So many may wait at the runtime's listeners, whatever they are asked to take. */
const BACKLOG = 512;

/** A host that swallows packets: a process that listens, is stopped, and has no room left for who knocks. */
async function swallowingHost(): Promise<{ readonly origin: string; readonly die: () => void }> {
  const program = "const s = require('node:net').createServer().listen(0, '127.0.0.1', () => console.log(s.address().port));";
  const child = Bun.spawn([process.execPath, '-e', program], { stdout: 'pipe' });
  swallowing.push(child);
  const { value } = await child.stdout.getReader().read();
  const port = Number(Buffer.from(value ?? []).toString());
  child.kill('SIGSTOP');
  let held = 0;
  const socket = { open: () => void held++, data: () => undefined };
  for (let each = 0; each < BACKLOG + 100; each++) Bun.connect({ hostname: '127.0.0.1', port, socket }).catch(() => undefined);
  await until(() => held > BACKLOG);
  return { origin: `http://127.0.0.1:${port}`, die: () => child.kill('SIGKILL') };
}

describe('no connection', () => {
  test('because nobody listens says so', async () => {
    const { server, ask } = scriptedWorld(says(OK));
    server.stop();
    expect(await faultOf(ask())).toEqual({ fault: 'connect', message: 'connection refused', status: null });
  });

  test('because nobody knows the name says so', async () => {
    const ask = askerOf('http://no-such-host.invalid');
    expect(await faultOf(ask())).toEqual({ fault: 'connect', message: 'the name of the host is not known', status: null });
  });

  test('because nothing comes back is a fault after the connect timeout', async () => {
    const { origin } = await swallowingHost();
    const clock = manualClock();
    const failed = faultOf(askerOf(origin, clock)());
    await clock.advance(TIMES.connectMs);
    expect(await failed).toEqual({ fault: 'connect', message: 'no connection within 10000 ms', status: null });
  });

  test('to a host that swallows packets is not tried without end, and tried again when that is over', async () => {
    const { origin, die } = await swallowingHost();
    const ask = askerOf(origin);
    const signal = new Canceller();
    const left = Array.from({ length: 512 }, () => ask(signal).catch(() => undefined));
    await endOfTurn();
    signal.abort('gone');
    await Promise.all(left);
    expect((await faultOf(ask())).message).toBe('no connection: 512 earlier attempts still wait for one');
    die();
    let last = '';
    const limitAt = performance.now() + 20_000;
    while (last !== 'connection refused' && performance.now() < limitAt) {
      await Bun.sleep(100);
      last = (await faultOf(ask())).message;
    }
    expect(last).toBe('connection refused');
  });
});

describe('no secure connection', () => {
  test('where the certificate is signed by nobody but itself, and nothing of the call goes out', async () => {
    const { server, ask } = scriptedWorld(says(OK), selfSigned());
    const message = 'no secure connection to 127.0.0.1: self signed certificate (DEPTH_ZERO_SELF_SIGNED_CERT)';
    expect(await faultOf(ask())).toEqual({ fault: 'connect', message, status: null });
    expect(server.requests).toEqual([]);
    await until(() => server.open() === 0);
  });

  test('where the server does not speak TLS', async () => {
    const { server } = scriptedWorld({ heard: (_, peer) => peer.say('HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n') });
    expect(await faultOf(askerOf(server.url.replace('http:', 'https:'))())).toMatchObject({
      fault: 'connect',
      message: expect.stringContaining('no secure connection to 127.0.0.1: error:100000f7') as string,
    });
  });

  test('where the server does not finish its greeting within the connect timeout', async () => {
    const { server, clock } = scriptedWorld({});
    const failed = faultOf(askerOf(server.url.replace('http:', 'https:'), clock)());
    await until(() => server.opened() === 1);
    await clock.advance(TIMES.connectMs);
    expect(await failed).toEqual({ fault: 'connect', message: 'no connection within 10000 ms', status: null });
    await until(() => server.open() === 0);
  });
});

describe('a proxy', () => {
  for (const [what, answer, message] of [
    ['that refuses', 'HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n', 'the proxy refused to connect with 403'],
    ['that wants a password', 'HTTP/1.1 407 Proxy Authentication Required\r\n\r\n', 'the proxy refused to connect with 407'],
    ['that is none', 'SSH-2.0-OpenSSH_9.2\r\n', 'the proxy did not answer in HTTP'],
    ['that says more than it was asked', 'HTTP/1.1 200 OK\r\n\r\nhello', 'the proxy sent more than its consent'],
  ] as const) {
    test(`${what} is a fault of the connection`, async () => {
      const { server } = scriptedWorld(says(answer));
      expect(await faultOf(askerOf('https://api.test', manualClock(), server.url)())).toEqual({ fault: 'connect', message, status: null });
      expect(server.requests).toEqual(['CONNECT api.test:443 HTTP/1.1\r\nhost: api.test:443\r\n\r\n']);
      await until(() => server.open() === 0);
    });
  }

  test('that does not answer within the connect timeout is one too', async () => {
    const { server, clock } = scriptedWorld({});
    const failed = faultOf(askerOf('https://api.test', clock, server.url)());
    await until(() => server.requests.length === 1);
    await clock.advance(TIMES.connectMs);
    expect(await failed).toEqual({ fault: 'connect', message: 'no connection within 10000 ms', status: null });
    await until(() => server.open() === 0);
  });

  test('that consents and is not who the address says is not trusted', async () => {
    const { server } = scriptedWorld({
      asked(_, peer) {
        peer.say('HTTP/1.1 200 Connection Established\r\n\r\n');
      },
      heard(bytes, peer) {
        if (bytes[0] === 22) peer.say('HTTP/1.1 400 Bad Request\r\n\r\n');
      },
    });
    expect(await faultOf(askerOf('https://api.test', manualClock(), server.url)())).toMatchObject({
      fault: 'connect',
      message: expect.stringContaining('no secure connection to api.test') as string,
    });
  });
});

/** A certificate for 127.0.0.1 that nobody has signed but itself. */
function selfSigned(): { readonly key: string; readonly cert: string } {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-certificate-'));
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  try {
    const made = Bun.spawnSync(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'key', '-out', 'cert', ...subject], { cwd: folder });
    if (!made.success) throw new Error(made.stderr.toString());
    return { key: readFileSync(join(folder, 'key'), 'utf8'), cert: readFileSync(join(folder, 'cert'), 'utf8') };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
