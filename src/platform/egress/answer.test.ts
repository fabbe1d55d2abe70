import { afterEach, describe, expect, test } from 'bun:test';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { until } from '../../../test/scripted-server.ts';
import { CHUNKED, faultOf, OK, readPieces, says, scriptedWorld, stopServers } from './scripted-world.test.ts';

afterEach(stopServers);

describe('an answer', () => {
  test('comes after any number of interim ones', async () => {
    const { ask } = scriptedWorld(says('HTTP/1.1 100 Continue\r\n\r\n', 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n', OK));
    const response = await ask();
    expect([response.status, response.headers.get('link'), await response.text()]).toEqual([200, null, 'ok']);
  });

  test('is read byte by byte as in one piece', async () => {
    const answer = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nx-a: b\r\n\r\n3\r\nüü\r\n1;x=y\r\n!\r\n0\r\n\r\n'.replace('üü', 'ü!');
    const { ask } = scriptedWorld({
      asked(_, peer) {
        const bytes = Buffer.from(answer);
        let at = 0;
        const next = (): void => {
          if (at < bytes.length) peer.say(bytes.subarray(at, ++at));
          if (at < bytes.length) setTimeout(next, 1);
        };
        next();
      },
    });
    const response = await ask();
    expect([response.headers.get('x-a'), await response.text()]).toEqual(['b', 'ü!!']);
  });

  test('lasts until the connection is closed where nothing else ends it', async () => {
    const { text } = scriptedWorld({
      asked(_, peer) {
        peer.say('HTTP/1.1 200 OK\r\n\r\nall of');
        peer.say(' it');
        peer.end();
      },
    });
    expect(await text()).toBe('all of it');
  });

  test('has no byte order mark in its text, and what is not UTF-8 replaced', async () => {
    const { text } = scriptedWorld(says('HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n', new Uint8Array([0xef, 0xbb, 0xbf, 0x61, 0xff, 0x62])));
    expect(await text()).toBe('a\ufffdb');
  });

  for (const status of [301, 304, 307]) {
    test(`of ${status} is not followed`, async () => {
      const { server, ask } = scriptedWorld(says(`HTTP/1.1 ${status} Elsewhere\r\nlocation: /other\r\ncontent-length: 0\r\n\r\n`));
      expect(await faultOf(ask())).toEqual({
        fault: 'failed',
        message: `redirected with ${status}, which is not followed: set the provider's base URL to its final address`,
        status,
      });
      await until(() => server.open() === 0);
      expect(server.requests).toHaveLength(1);
    });
  }

  test('that is no HTTP is a broken one, and its connection is closed', async () => {
    const { server, ask } = scriptedWorld({ opened: (peer) => peer.say('SSH-2.0-OpenSSH_9.2\r\n') });
    expect(await faultOf(ask())).toMatchObject({ fault: 'broken' });
    await until(() => server.open() === 0);
  });

  for (const how of ['end', 'reset'] as const) {
    test(`that breaks off (${how}) is a broken one, after all that it said`, async () => {
      const { ask } = scriptedWorld({
        asked(_, peer) {
          peer.say(`${CHUNKED}3\r\none\r\n3\r\ntwo`);
          setTimeout(peer[how], 20);
        },
      });
      const pieces: string[] = [];
      expect(await faultOf(readPieces(await ask(), pieces))).toEqual({
        fault: 'broken',
        message: 'the connection broke in the middle of the answer',
        status: null,
      });
      expect(pieces.join('')).toBe('onetwo');
    });

    test(`that breaks off (${how}) is broken for whoever reads it whole, sooner or later`, async () => {
      const { server, ask } = scriptedWorld({
        asked(_, peer) {
          peer.say('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf');
          setTimeout(peer[how], 20);
        },
      });
      expect(await faultOf((await ask()).text())).toMatchObject({ fault: 'broken' });
      const late = await ask();
      await until(() => server.open() === 0);
      expect(await faultOf(late.text())).toMatchObject({ fault: 'broken' });
    });
  }

  test('whose chunks turn to garbage is broken after all that came before', async () => {
    const { ask } = scriptedWorld(says(`${CHUNKED}3\r\none\r\nxyz\r\n`));
    const response = await ask();
    const reader = response.chunks()[Symbol.asyncIterator]();
    expect(Buffer.from((await reader.next()).value as Uint8Array).toString()).toBe('one');
    expect(await faultOf(reader.next())).toMatchObject({ fault: 'broken', message: 'The provider sent a chunk without a proper size.' });
  });

  test('of more than 64 MB is not read as one text', async () => {
    const { server, ask } = scriptedWorld({
      asked(_, peer) {
        peer.say('HTTP/1.1 200 OK\r\ncontent-length: 68157440\r\n\r\n');
        peer.pour(new Uint8Array(1024 * 1024), 65);
      },
    });
    expect(await faultOf((await ask()).text())).toMatchObject({ fault: 'broken', message: 'the answer has more than 64 MB' });
    await until(() => server.open() === 0);
  });
});

const TEXT = 'coded '.repeat(1_000);
const coded = (name: string, bytes: Uint8Array) => says(`HTTP/1.1 200 OK\r\ncontent-encoding: ${name}\r\ncontent-length: ${bytes.length}\r\n\r\n`, bytes);

describe('an answer that is coded although nobody asked', () => {
  for (const [name, bytes] of [
    ['gzip', gzipSync(TEXT)],
    ['X-GZip', gzipSync(TEXT)],
    ['deflate', deflateSync(TEXT)],
    ['br', brotliCompressSync(TEXT)],
    ['identity', Buffer.from(TEXT)],
  ] as const) {
    test(`is decoded: ${name}, whole and in pieces`, async () => {
      const { server, ask, text } = scriptedWorld(coded(name, bytes));
      expect(await text()).toBe(TEXT);
      const pieces: string[] = [];
      await readPieces(await ask(), pieces);
      expect(pieces.join('')).toBe(TEXT);
      expect(server.opened()).toBe(1);
    });
  }

  test('is broken where nobody knows the code', async () => {
    const { server, ask } = scriptedWorld(coded('zstd, gzip', gzipSync(TEXT)));
    expect(await faultOf(ask())).toEqual({ fault: 'broken', message: 'the answer is coded as "zstd, gzip", which nobody asked for', status: null });
    await until(() => server.open() === 0);
  });

  test('is broken where the code is', async () => {
    const { ask } = scriptedWorld(coded('gzip', gzipSync(TEXT).subarray(0, 30)));
    expect(await faultOf((await ask()).text())).toMatchObject({ fault: 'broken', message: 'the answer is coded as gzip, and not well' });
  });

  test('is broken where the connection is', async () => {
    const { ask } = scriptedWorld({
      asked(_, peer) {
        peer.say('HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 1000\r\n\r\n');
        peer.say(gzipSync(TEXT).subarray(0, 20));
        setTimeout(peer.end, 20);
      },
    });
    expect(await faultOf((await ask()).text())).toMatchObject({ fault: 'broken', message: 'the connection broke in the middle of the answer' });
  });

  test('of 256 MB in 256 KB is given up at 64 MB', async () => {
    const bomb = gzipSync(Buffer.alloc(256 * 1024 * 1024));
    const { ask } = scriptedWorld(coded('gzip', bomb));
    const before = process.memoryUsage().rss;
    expect(await faultOf((await ask()).text())).toMatchObject({ fault: 'broken', message: 'the answer has more than 64 MB' });
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 * 1024);
  });

  test('closes its connection when its reader leaves', async () => {
    const { server, ask } = scriptedWorld({
      asked(_, peer) {
        const bytes = gzipSync(TEXT);
        peer.say(`HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: ${bytes.length + 1}\r\n\r\n`);
        peer.say(bytes);
      },
    });
    for await (const piece of (await ask()).chunks()) if (piece.length > 0) break;
    await until(() => server.open() === 0);
  });
});
