import { afterEach, describe, expect, test } from 'bun:test';
import { Canceller } from '../../core/cancellation.ts';
import { UpstreamError } from '../../core/provider.ts';
import { faultOf, OK, says, scriptedWorld, stopServers, TIMES } from './scripted-world.test.ts';
import { type Peer, until } from '../../../test/scripted-server.ts';

afterEach(stopServers);

function refuse(): never {
  throw new UpstreamError('rejected', 'not now');
}

describe('what goes out', () => {
  test('is one request in HTTP/1.1, its length counted in bytes', async () => {
    const { server, ask } = scriptedWorld(says(OK));
    const headers = { Authorization: 'Bearer sk-1', 'X-Title': 'Übung' };
    await (await ask({ url: `${server.url}/v1/chat?a=b%20c`, headers, body: '{"ü":1}' })).text();
    expect(Buffer.from(server.requests[0] ?? '', 'latin1').toString()).toBe(
      `POST /v1/chat?a=b%20c HTTP/1.1\r\nhost: 127.0.0.1:${server.port}\r\nauthorization: Bearer sk-1\r\nx-title: Übung\r\naccept-encoding: identity\r\ncontent-length: 8\r\n\r\n{"ü":1}`,
    );
  });

  test('has no length where it has no body', async () => {
    const { server, send } = scriptedWorld(says(OK));
    await send({ method: 'GET', url: `${server.url}/v1/models`, headers: {}, signal: new Canceller() });
    expect(server.requests).toEqual([`GET /v1/models HTTP/1.1\r\nhost: 127.0.0.1:${server.port}\r\naccept-encoding: identity\r\n\r\n`]);
  });

  test('is announced in the moment before, and does not go out where that fails', async () => {
    const { server, ask } = scriptedWorld(says(OK));
    let announced = 0;
    await (await ask({ beforeSending: () => void announced++ })).text();
    expect(await faultOf(ask({ beforeSending: refuse }))).toMatchObject({ fault: 'rejected', message: 'not now' });
    await until(() => server.open() === 0);
    expect([announced, server.requests.length]).toEqual([1, 1]);
    server.stop();
    await faultOf(ask({ beforeSending: () => void announced++ }));
    expect(announced).toBe(1);
  });

  for (const [what, headers] of [
    ['a CR and LF in a value', { 'x-a': 'b\r\nx-evil: 1' }],
    ['a LF in a value', { 'x-a': 'b\nx-evil: 1' }],
    ['a NUL in a value', { 'x-a': 'b\0' }],
    ['a colon in a name', { 'x-a: 1\r\nx-b': '1' }],
    ['a length of its own', { 'Content-Length': '0' }],
    ['a framing of its own', { 'Transfer-Encoding': 'chunked' }],
  ] as const) {
    test(`never has ${what}`, async () => {
      const { server, ask } = scriptedWorld(says(OK));
      expect(await faultOf(ask({ headers }))).toMatchObject({ fault: 'connect' });
      expect(server.opened()).toBe(0);
    });
  }

  test('goes to an origin of a provider and nowhere else', async () => {
    const { server, ask } = scriptedWorld(says(OK));
    expect((await faultOf(ask({ url: `http://localhost:${server.port}/v1` }))).message).toContain('is not the address of a configured provider');
    expect(server.opened()).toBe(0);
  });

  for (const body of ['a1é'.repeat(2_500_000), 'é'.repeat(2_500_000)]) {
    test(`of ${Buffer.byteLength(body)} bytes in ${body.length} characters is received as it was, however slowly it is read`, async () => {
      const { server, ask } = scriptedWorld({
        ...says(OK),
        heard(_, peer) {
          peer.stopReading();
          setTimeout(peer.readOn, 1);
        },
      });
      expect(await (await ask({ body })).text()).toBe('ok');
      const [head = '', received = ''] = (server.requests[0] ?? '').split('\r\n\r\n');
      expect(head).toContain(`content-length: ${Buffer.byteLength(body)}`);
      expect(Buffer.from(received, 'latin1').toString() === body).toBe(true);
    });
  }

  test('of which nothing is taken for the write timeout fails, on a connection that was idle too', async () => {
    const { server, clock, ask, text } = scriptedWorld({
      ...says(OK),
      heard(_, peer) {
        if (server.requests.length === 1) peer.stopReading();
      },
    });
    await text();
    const failed = faultOf(ask({ body: 'a'.repeat(40_000_000) }));
    await until(() => server.heard() > 1_000);
    await clock.advance(TIMES.writeMs - 1);
    expect(server.open()).toBe(1);
    await clock.advance(1);
    expect(await failed).toEqual({ fault: 'timeout', message: 'the provider took nothing of the request for 5000 ms', status: null });
    await until(() => server.open() === 0);
  });

  test('of which something is taken now and then does not, and has its answer waited for as long as any', async () => {
    const peers: Peer[] = [];
    const { server, clock, ask } = scriptedWorld({ opened: (peer) => void peers.push(peer), heard: (_, peer) => peer.stopReading() });
    const failed = faultOf(ask({ body: 'a'.repeat(24_000_000) }));
    await until(() => server.heard() > 0);
    const before = clock.monotonic();
    while (server.requests.length === 0) {
      await clock.advance(TIMES.writeMs / 20);
      peers[0]?.readOn();
      await Bun.sleep(1);
    }
    expect(clock.monotonic() - before).toBeGreaterThan(TIMES.writeMs);
    expect(server.open()).toBe(1);
    await clock.advance(TIMES.readMs);
    expect(await failed).toMatchObject({ fault: 'timeout', message: 'no answer within 20000 ms' });
  });

  test('and is refused half way is answered by the refusal', async () => {
    const refusal = 'HTTP/1.1 413 Payload Too Large\r\nconnection: close\r\n';
    for (const framed of [`${refusal}content-length: 5\r\n\r\nlarge`, `${refusal}\r\nlarge`]) {
      for (const how of ['end', 'reset'] as const) {
        const { ask } = scriptedWorld({
          opened(peer) {
            peer.stopReading();
            peer.say(framed);
            setTimeout(peer[how], 50);
          },
        });
        const response = await ask({ body: 'a'.repeat(40_000_000) });
        expect([response.status, await response.text()]).toEqual([413, 'large']);
      }
    }
  });

  test('and is answered half way leaves its connection to no other call', async () => {
    const { server, ask } = scriptedWorld({
      opened(peer) {
        peer.stopReading();
        peer.say(OK);
      },
    });
    expect(await (await ask({ body: 'a'.repeat(40_000_000) })).text()).toBe('ok');
    await until(() => server.open() === 0);
  });
});
