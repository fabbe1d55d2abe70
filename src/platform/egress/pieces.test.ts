import { afterEach, describe, expect, test } from 'bun:test';
import { Canceller } from '../../core/cancellation.ts';
import { type Peer, until } from '../../../test/scripted-server.ts';
import { faultOf, OK, says, scriptedWorld, stopServers, TIMES } from './scripted-world.test.ts';

afterEach(stopServers);

const MB = 1024 * 1024;
/** What the systems on both sides may hold of a request besides us: some 10 MB on loopback. */
const IN_SYSTEMS_MB = 24;

/** So many pieces of a megabyte, and how many of them were asked for. */
function source(pieces: number, wait: () => Promise<void> = () => Promise.resolve()) {
  const made = { count: 0, left: false };
  async function* bytes(): AsyncGenerator<Uint8Array> {
    try {
      for (; made.count < pieces; made.count++) {
        await wait();
        yield new Uint8Array(MB).fill(97 + (made.count % 26));
      }
    } finally {
      made.left = true;
    }
  }
  return { made, pieces: { bytes: bytes(), length: pieces * MB } };
}

async function* texts(...all: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of all) {
    await Promise.resolve();
    yield Buffer.from(text);
  }
}

async function* breaking(): AsyncGenerator<Uint8Array> {
  yield* texts('one');
  throw new Error('the database is away');
}

describe('a body in pieces', () => {
  test('of known length goes out under that length', async () => {
    const { server, ask } = scriptedWorld(says(OK));
    await (await ask({ pieces: { bytes: texts('one ', '', 'two'), length: 7 } })).text();
    expect(server.requests[0]).toEndWith('content-length: 7\r\n\r\none two');
  });

  test('of unknown length goes out in chunks', async () => {
    let heard = '';
    const { ask } = scriptedWorld({
      heard(bytes, peer) {
        heard += bytes.toString();
        if (heard.endsWith('\r\n0\r\n\r\n')) peer.say(OK);
      },
    });
    await (await ask({ pieces: { bytes: texts('one ', '', 'two'), length: null } })).text();
    expect(heard).toEndWith('transfer-encoding: chunked\r\n\r\n4\r\none \r\n3\r\ntwo\r\n0\r\n\r\n');
  });

  test('is made no faster than it is taken, and arrives as it was made', async () => {
    const peers: Peer[] = [];
    const { server, ask } = scriptedWorld({
      ...says(OK),
      opened(peer) {
        peer.stopReading();
        peers.push(peer);
      },
    });
    const { made, pieces } = source(40);
    const asked = ask({ pieces });
    await until(() => made.count > 0);
    await Bun.sleep(50);
    expect(made.count).toBeLessThan(IN_SYSTEMS_MB);
    peers[0]?.readOn();
    expect(await (await asked).text()).toBe('ok');
    const body = (server.requests[0] ?? '').split('\r\n\r\n')[1] ?? '';
    expect(body.length).toBe(40 * MB);
    expect(body.slice(27 * MB - 1, 27 * MB + 1)).toBe('ab');
  });

  test('of which nothing is taken for the write timeout fails, and is made no further', async () => {
    const { server, clock, ask } = scriptedWorld({ opened: (peer) => peer.stopReading() });
    const { made, pieces } = source(64);
    const failed = faultOf(ask({ pieces }));
    await until(() => made.count > 1);
    await Bun.sleep(50);
    await clock.advance(TIMES.writeMs);
    expect(await failed).toMatchObject({ fault: 'timeout', message: 'the provider took nothing of the request for 5000 ms' });
    await until(() => made.left && server.open() === 0);
  });

  test('may take its time to be made; the answer behind it has the read timeout', async () => {
    const made = Promise.withResolvers<void>();
    const { server, clock, ask } = scriptedWorld({});
    const { pieces } = source(1, () => made.promise);
    const failed = faultOf(ask({ pieces }));
    await until(() => server.heard() > 0);
    await clock.advance(10 * (TIMES.readMs + TIMES.writeMs));
    expect(server.open()).toBe(1);
    made.resolve();
    await until(() => server.heard() > MB);
    await clock.advance(TIMES.readMs);
    expect(await failed).toMatchObject({ fault: 'timeout', message: 'no answer within 20000 ms' });
  });

  test('that cannot be made to its end never looks whole', async () => {
    for (const length of [6, null]) {
      let heard = '';
      const { server, ask } = scriptedWorld({ heard: (bytes) => void (heard += bytes.toString()) });
      expect(await ask({ pieces: { bytes: breaking(), length } }).catch((cause: unknown) => cause)).toEqual(new Error('the database is away'));
      await until(() => server.opened() === 1 && server.open() === 0);
      expect(heard).toContain('one');
      expect(heard).not.toContain('0\r\n\r\n');
    }
  });

  test.each([2, 4])('of another length than the announced %d bytes is not sent as one of that length', async (length) => {
    const { server, ask } = scriptedWorld({});
    const failure: unknown = await ask({ pieces: { bytes: texts('abc'), length } }).catch((cause: unknown) => cause);
    expect(failure).toEqual(new Error(`a body of ${length} bytes was announced, and another was made`));
    await until(() => server.opened() === 1 && server.open() === 0);
    expect(server.requests).toEqual([]);
  });

  test('that is refused half way is answered by the refusal, and made no further', async () => {
    const { server, ask } = scriptedWorld({
      opened(peer) {
        peer.stopReading();
        peer.say('HTTP/1.1 413 Payload Too Large\r\ncontent-length: 5\r\nconnection: close\r\n\r\nlarge');
        setTimeout(peer.end, 50);
      },
    });
    const { made, pieces } = source(64);
    const response = await ask({ pieces });
    expect([response.status, await response.text()]).toEqual([413, 'large']);
    await until(() => made.left && server.open() === 0);
  });

  test('ends with its caller', async () => {
    const { server, ask } = scriptedWorld({ opened: (peer) => peer.stopReading() });
    const [{ made, pieces }, signal] = [source(64), new Canceller()];
    const asked = ask({ pieces, signal }).catch((cause: unknown) => cause);
    await until(() => made.count > 1);
    signal.abort(new Error('left'));
    expect(await asked).toEqual(new Error('left'));
    await until(() => made.left && server.open() === 0);
  });

  test('goes out on a connection of its own, which may serve the next call', async () => {
    const { server, ask, text } = scriptedWorld(says(OK));
    await text();
    await (await ask({ pieces: { bytes: texts('a'), length: 1 } })).text();
    expect(server.opened()).toBe(2);
    await text();
    expect(server.opened()).toBe(2);
  });
});
