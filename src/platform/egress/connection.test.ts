import { afterEach, describe, expect, test } from 'bun:test';
import { until } from '../../../test/scripted-server.ts';
import { faultOf, OK, says, scriptedWorld, stopServers } from './scripted-world.test.ts';

afterEach(stopServers);

describe('a connection', () => {
  test('serves one call after the other', async () => {
    const { server, text } = scriptedWorld(says(OK));
    for (let call = 0; call < 5; call++) expect(await text()).toBe('ok');
    expect([server.requests.length, server.opened()]).toEqual([5, 1]);
  });

  test('serves the next call too when the answer came in chunks, or had no body', async () => {
    const { server, text } = scriptedWorld(says('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n', '0\r\n\r\n'));
    for (let call = 0; call < 3; call++) expect(await text()).toBe('ok');
    expect(server.opened()).toBe(1);
    const empty = scriptedWorld(says('HTTP/1.1 204 No Content\r\n\r\n'));
    for (let call = 0; call < 3; call++) expect(await empty.text()).toBe('');
    expect(empty.server.opened()).toBe(1);
  });

  test('serves one call at a time', async () => {
    const { server, text } = scriptedWorld(says(OK));
    await Promise.all(Array.from({ length: 10 }, text));
    await Promise.all(Array.from({ length: 10 }, text));
    expect([server.requests.length, server.opened()]).toEqual([20, 10]);
  });

  for (const [what, answer] of [
    ['that the server wants closed', 'HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok'],
    ['of HTTP/1.0', 'HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok'],
    ['with bytes beyond the answer', `${OK}HTTP/1.1 200 OK\r\n`],
    ['that is kept for no longer than a second', 'HTTP/1.1 200 OK\r\nkeep-alive: timeout=1\r\ncontent-length: 2\r\n\r\nok'],
  ] as const) {
    test(`${what} serves no other call, and is closed`, async () => {
      const { server, text } = scriptedWorld(says(answer));
      for (let call = 0; call < 3; call++) expect(await text()).toBe('ok');
      await until(() => server.open() === 0);
      expect(server.opened()).toBe(3);
    });
  }

  test('is closed after 15 idle seconds, or a second before the server would', async () => {
    for (const [keepAlive, idleMs] of [
      ['', 15_000],
      ['keep-alive: timeout=5, max=100\r\n', 4_000],
      ['keep-alive: timeout=600\r\n', 15_000],
    ] as const) {
      const { server, clock, text } = scriptedWorld(says(`HTTP/1.1 200 OK\r\n${keepAlive}content-length: 2\r\n\r\nok`));
      await text();
      await clock.advance(idleMs - 1);
      await text();
      expect(server.opened()).toBe(1);
      await clock.advance(idleMs);
      await text();
      expect(server.opened()).toBe(2);
      await clock.advance(idleMs + 1_000);
      await until(() => server.open() === 0);
    }
  });

  test('that says something while it is idle is not used again', async () => {
    const { server, text } = scriptedWorld({
      asked(_, peer) {
        peer.say(OK);
        if (peer.number === 1) setTimeout(() => peer.say('HTTP/1.1 408 Request Timeout\r\n\r\n'), 5);
      },
    });
    await text();
    await until(() => server.open() === 0);
    expect([await text(), server.opened()]).toEqual(['ok', 2]);
  });

  test('that was closed while it was idle is replaced', async () => {
    const { server, text } = scriptedWorld({
      asked(_, peer) {
        peer.say(OK);
        if (peer.number === 1) peer.end();
      },
    });
    await text();
    await until(() => server.open() === 0);
    expect([await text(), server.opened()]).toEqual(['ok', 2]);
  });

  for (const how of ['end', 'reset'] as const) {
    test(`that ends (${how}) under a call before a byte of its answer is replaced once, and a new one is not`, async () => {
      let calls = 0;
      const { server, ask, text } = scriptedWorld({
        asked(_, peer) {
          if (++calls === 1) peer.say(OK);
          else peer[how]();
        },
      });
      await text();
      const failed = { fault: 'connect', message: 'the connection was closed before the answer', status: null } as const;
      expect(await faultOf(ask())).toEqual(failed);
      expect([server.requests.length, server.opened()]).toEqual([3, 2]);
      expect(await faultOf(ask())).toEqual(failed);
      expect([server.requests.length, server.opened()]).toEqual([4, 3]);
    });
  }

  test('that is replaced brings the answer, to a long body too', async () => {
    const body = 'b'.repeat(8_000_000);
    const { server, ask, text } = scriptedWorld({
      asked: (_, peer) => peer.say(OK),
      heard(_, peer) {
        if (peer.number === 1 && server.requests.length === 1) peer.reset();
      },
    });
    await text();
    expect(await (await ask({ body })).text()).toBe('ok');
    expect([server.opened(), server.requests[1]?.endsWith(body)]).toEqual([2, true]);
  });

  test('that half an answer came by is not replaced', async () => {
    const { server, ask, text } = scriptedWorld({
      asked(_, peer) {
        peer.say(server.requests.length === 1 ? OK : 'HTTP/1.1 2');
        if (server.requests.length > 1) peer.end();
      },
    });
    await text();
    expect(await faultOf(ask())).toMatchObject({ fault: 'connect' });
    expect([server.requests.length, server.opened()]).toEqual([2, 1]);
  });
});
