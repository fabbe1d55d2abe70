import { afterEach, describe, expect, test } from 'bun:test';
import { Canceller } from '../../core/cancellation.ts';
import { endOfTurn } from '../../core/end-of-turn.ts';
import type { UpstreamResponse } from '../../core/provider.ts';
import { type Peer, until } from '../../../test/scripted-server.ts';
import { CHUNKED, faultOf, OK, says, scriptedWorld, stopServers, TIMES } from './scripted-world.test.ts';

afterEach(stopServers);

const MB = 1024 * 1024;
/** What the systems on both sides may hold of an answer besides us: some 10 MB on loopback. */
const IN_SYSTEMS_MB = 24;

function piecesOf(response: UpstreamResponse): AsyncIterator<Uint8Array, unknown> {
  return response.chunks()[Symbol.asyncIterator]();
}

describe('silence', () => {
  test('before an answer is a timeout, to the millisecond', async () => {
    const { server, clock, ask } = scriptedWorld({});
    const failed = faultOf(ask());
    await until(() => server.requests.length === 1);
    await clock.advance(TIMES.readMs - 1);
    expect(server.open()).toBe(1);
    await clock.advance(1);
    expect(await failed).toEqual({ fault: 'timeout', message: 'no answer within 20000 ms', status: null });
    await until(() => server.open() === 0);
  });

  test('counts from the last byte, in the head too', async () => {
    const peers: Peer[] = [];
    const { clock, ask } = scriptedWorld({ asked: (_, peer) => void peers.push(peer) });
    const asked = ask();
    await until(() => peers.length === 1);
    for (const byte of 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n') {
      await clock.advance(TIMES.readMs - 1);
      peers[0]?.say(byte);
      await Bun.sleep(2);
    }
    expect((await asked).status).toBe(200);
  });

  for (const how of ['whole', 'in pieces'] as const) {
    test(`in the middle of an answer that is read ${how} is a timeout`, async () => {
      const { server, clock, ask } = scriptedWorld(says(`${CHUNKED}3\r\none\r\n`));
      const response = await ask();
      const reader = piecesOf(response);
      if (how === 'in pieces') await reader.next();
      const failed = faultOf(how === 'whole' ? response.text() : reader.next());
      await clock.advance(TIMES.readMs);
      expect(await failed).toEqual({ fault: 'timeout', message: 'silent for 20000 ms in the middle of the answer', status: null });
      await until(() => server.open() === 0);
    });
  }

  test('of a reader is not the silence of the provider', async () => {
    const peers: Peer[] = [];
    const { clock, ask } = scriptedWorld({
      asked(_, peer) {
        peers.push(peer);
        peer.say(`${CHUNKED}3\r\none\r\n`);
      },
    });
    const reader = piecesOf(await ask());
    await clock.advance(10 * TIMES.readMs);
    await reader.next();
    await clock.advance(10 * TIMES.readMs);
    const next = reader.next();
    await clock.advance(TIMES.readMs - 1);
    peers[0]?.say('3\r\ntwo\r\n');
    expect((await next).done).toBe(false);
    await clock.advance(10 * TIMES.readMs);
    const last = reader.next();
    await clock.advance(TIMES.readMs - 1);
    peers[0]?.say('0\r\n\r\n');
    expect(await last).toEqual({ done: true, value: undefined });
  });
});

describe('a reader that is slow', () => {
  const poured: (() => number)[] = [];
  const pouring = {
    asked(_: string, peer: Peer) {
      peer.say('HTTP/1.1 200 OK\r\ncontent-length: 67108864\r\n\r\n');
      poured.push(peer.pour(Buffer.alloc(MB, 'x'), 64));
    },
  };

  test('holds the provider up, and not our memory', async () => {
    const { ask } = scriptedWorld(pouring);
    const reader = piecesOf(await ask());
    const before = process.memoryUsage().rss;
    await reader.next();
    let still = -1;
    await until(() => {
      const sent = poured.at(-1)?.() ?? 0;
      const isStill = sent === still;
      still = sent;
      return isStill;
    });
    await Bun.sleep(100);
    expect(poured.at(-1)?.()).toBeLessThan(IN_SYSTEMS_MB * MB);
    let read = 0;
    for (let step = await reader.next(); !step.done; step = await reader.next()) {
      read += step.value.length;
      if (read % 7 === 0) await Bun.sleep(1);
    }
    expect(poured.at(-1)?.()).toBe(64 * MB);
    expect(process.memoryUsage().rss - before).toBeLessThan(96 * MB);
  });

  test('and then leaves frees the provider at once', async () => {
    const { server, ask } = scriptedWorld(pouring);
    const reader = piecesOf(await ask());
    await reader.next();
    await Bun.sleep(20);
    await reader.return?.();
    await until(() => server.open() === 0);
  });

  test('reads the whole text all the same when it asks for it late', async () => {
    const { ask } = scriptedWorld(pouring);
    const response = await ask();
    await Bun.sleep(50);
    expect((await response.text()).length).toBe(64 * MB);
  });
});

describe('who leaves', () => {
  const STALLED = says(`${CHUNKED}3\r\none\r\n`);

  test('before the call is not asked for anything', async () => {
    const { server, ask } = scriptedWorld(says(OK));
    const signal = new Canceller();
    signal.abort('gone');
    expect(await ask({ signal }).catch((reason: unknown) => reason)).toBe('gone');
    expect(server.opened()).toBe(0);
  });

  test('before the answer closes the connection, and hears its own reason', async () => {
    const { server, ask } = scriptedWorld({});
    const signal = new Canceller();
    const asked = ask({ signal });
    await until(() => server.requests.length === 1);
    signal.abort('gone');
    expect(await asked.catch((reason: unknown) => reason)).toBe('gone');
    await until(() => server.open() === 0);
  });

  test('while the connection is opened leaves none behind', async () => {
    const { server, ask } = scriptedWorld(says(OK));
    const signal = new Canceller();
    const asked = ask({ signal });
    // The connection is begun with all that is sent in this turn.
    await endOfTurn();
    signal.abort('gone');
    expect(await asked.catch((reason: unknown) => reason)).toBe('gone');
    await until(() => server.opened() === 1 && server.open() === 0);
    expect(server.requests).toEqual([]);
  });

  test('in the middle of an answer closes the connection, and hears its own reason', async () => {
    for (const how of ['whole', 'in pieces'] as const) {
      const { server, ask } = scriptedWorld(STALLED);
      const signal = new Canceller();
      const response = await ask({ signal });
      const reader = piecesOf(response);
      if (how === 'in pieces') await reader.next();
      const reading = how === 'whole' ? response.text() : reader.next();
      signal.abort('gone');
      expect(await reading.then(String, (reason: unknown) => reason)).toBe('gone');
      await until(() => server.open() === 0);
    }
  });

  test('without waiting for the piece that was asked for closes the connection too', async () => {
    const { server, ask } = scriptedWorld(STALLED);
    const reader = piecesOf(await ask());
    await reader.next();
    const waiting = reader.next();
    await reader.return?.();
    expect(await waiting).toEqual({ done: true, value: undefined });
    await until(() => server.open() === 0);
  });

  test('after the answer is no loss to the connection', async () => {
    const { server, ask } = scriptedWorld(says(OK));
    const signal = new Canceller();
    const response = await ask({ signal });
    await until(() => server.requests.length === 1);
    expect(await response.text()).toBe('ok');
    signal.abort('gone');
    await (await ask()).text();
    expect(server.opened()).toBe(1);
  });
});

describe('many calls', () => {
  test('2,000 at once go out at once', async () => {
    const waiting: Peer[] = [];
    const { server, text } = scriptedWorld({ asked: (_, peer) => void waiting.push(peer) });
    const calls = Array.from({ length: 2_000 }, text);
    await until(() => waiting.length === 2_000, 20_000);
    for (const peer of waiting) peer.say(OK);
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['ok']));
    expect(server.opened()).toBe(2_000);
    // As many as are worth keeping.
    await until(() => server.open() === 256);
  });

  test('200 that are given up leave no connection behind', async () => {
    const { server, ask } = scriptedWorld(STALLED_OR_SILENT);
    const signals = Array.from({ length: 200 }, () => new Canceller());
    const calls = signals.map((signal) => ask({ signal }).then((response) => response.text(), String));
    await until(() => server.requests.length === 200);
    for (const signal of signals) signal.abort(new Error('gone'));
    await Promise.allSettled(calls);
    await until(() => server.open() === 0);
  });
});

const STALLED_OR_SILENT = {
  asked(_: string, peer: Peer) {
    if (peer.number % 2 === 0) peer.say(`${CHUNKED}3\r\none\r\n`);
  },
};
