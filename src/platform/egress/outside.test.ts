import { afterEach, describe, expect, test } from 'bun:test';
import { until } from '../../../test/harness.ts';
import { manualClock } from '../../../test/manual-clock.ts';
import { type Script, scriptedServer } from '../../../test/scripted-server.ts';
import type { OutsideRequest } from '../../app.ts';
import { addressRule } from '../../core/public-address.ts';
import { createSendOutside } from './outside.ts';
import { CHUNKED, faultOf, OK, says } from './scripted-world.test.ts';

const NO_PROXIES = { httpProxy: null, httpsProxy: null, noProxy: [] };
const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

/** Everything that our side of the loopback is asked. `names` is what names mean; they may be called where `allowed` says so. */
function world(script: Script, { names = {}, allowed = [] }: { names?: Record<string, readonly string[]>; allowed?: readonly string[] } = {}) {
  const server = scriptedServer(script);
  stops.push(() => server.stop());
  const clock = manualClock();
  const resolve = async (name: string): Promise<readonly string[]> => names[name] ?? [];
  const sendOutside = createSendOutside({ clock, proxies: NO_PROXIES, mayCall: () => addressRule(allowed), resolve });
  const { port } = new URL(server.url);
  const post = (more: Partial<OutsideRequest> = {}): ReturnType<typeof sendOutside> =>
    sendOutside({ url: `http://hooks.example:${port}/in?a=1`, headers: { 'content-type': 'application/json' }, body: '{}', limitMs: 1000, ...more });
  return { server, clock, port, post };
}

const LOOPBACK = { names: { 'hooks.example': ['127.0.0.1'] }, allowed: ['127.0.0.1'] };

describe('what is sent to an address that somebody gave', () => {
  test('goes to the address that its name means, and names the host as it was given', async () => {
    const { post, port, server } = world(says(OK), LOOPBACK);
    expect(await post()).toMatchObject({ status: 200, text: 'ok' });
    expect(server.requests[0]).toStartWith(`POST /in?a=1 HTTP/1.1\r\nhost: hooks.example:${port}\r\n`);
  });

  test.each([
    ['is one of our own machine', ['127.0.0.1']],
    ['is one of a private network', ['10.0.0.1', 'fd00::1']],
    ['is unknown', []],
  ])('is refused before a connection where it %s', async (_, addresses) => {
    const { post, server } = world(says(OK), { names: { 'hooks.example': addresses } });
    expect(await faultOf(post())).toMatchObject({ fault: 'rejected', message: 'hooks.example is not an address of the public internet' });
    expect(server.opened()).toBe(0);
  });

  test.each(['127.0.0.1', '2130706433', '0x7f.1', '0177.0.0.1', '127.1', '0', '[::1]', '[::ffff:127.0.0.1]', '127.0.0.1.', '①②⑦.0.0.1', 'user@127.0.0.1'])(
    'is refused when the address is written as %s',
    async (host) => {
      const { post, port, server } = world(says(OK));
      expect(await faultOf(post({ url: `http://${host}:${port}/` }))).toMatchObject({ fault: 'rejected' });
      expect(server.opened()).toBe(0);
    },
  );

  test('never follows a redirect', async () => {
    const { post, server } = world(says('HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1/\r\ncontent-length: 0\r\n\r\n'), LOOPBACK);
    expect(await faultOf(post())).toMatchObject({ fault: 'failed', status: 302 });
    expect(server.opened()).toBe(1);
  });

  test('is given up when the time is over, in silence or in the middle of the answer', async () => {
    for (const script of [says(), says(`${CHUNKED}1\r\na\r\n`)]) {
      const { post, clock, server } = world(script, LOOPBACK);
      const fault = faultOf(post());
      await until(() => server.requests.length === 1);
      await clock.advance(1000);
      expect(await fault).toMatchObject({ fault: 'timeout' });
    }
  });

  test('is answered by no more than the beginning of an endless answer', async () => {
    const piece = `10000\r\n${'x'.repeat(0x1_00_00)}\r\n`;
    const { post } = world(says(CHUNKED, piece, piece, piece), LOOPBACK);
    expect((await post()).text).toBe('x'.repeat(64 * 1024));
  });

  test('hears how long to wait', async () => {
    const { post } = world(says('HTTP/1.1 429 Too Many Requests\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n'), LOOPBACK);
    const { status, headers, text } = await post();
    expect([status, headers.get('retry-after'), text]).toEqual([429, '7', '']);
  });
});
