import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { Http1Answer } from './http1-answer.ts';

type Read = {
  readonly status: number | null;
  readonly body: string;
  readonly ended: boolean;
  readonly reusable: boolean;
  readonly fault: string | null;
};

/** What becomes of these reads, and of a connection that is closed after them where `closes`. */
function read(pieces: readonly string[], { closes = false, bodiless = false } = {}): Read {
  const answer = new Http1Answer(bodiless);
  const body = pieces.map((piece) => answer.push(Buffer.from(piece, 'latin1')).toString('latin1')).join('');
  if (closes) answer.close();
  return { status: answer.head?.status ?? null, body, ended: answer.ended, reusable: answer.reusable, fault: answer.fault?.message ?? null };
}

const whole = (status: number, body: string, reusable = true): Read => ({ status, body, ended: true, reusable, fault: null });
const OK = 'HTTP/1.1 200 OK\r\n';

type Case = readonly [what: string, text: string, outcome: Read];
const ANSWERS: readonly Case[] = [
  ['a length', `${OK}Content-Length: 5\r\n\r\nhello`, whole(200, 'hello')],
  ['a length of nothing', `${OK}content-length: 0\r\n\r\n`, whole(200, '')],
  ['the same length twice', `${OK}content-length: 2\r\ncontent-length: 2, 2\r\n\r\nok`, whole(200, 'ok')],
  ['chunks', `${OK}Transfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n`, whole(200, 'hello world')],
  ['chunks with extensions', `${OK}transfer-encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n1 ;x="y;z"\r\n!\r\n00\r\n\r\n`, whole(200, 'hello!')],
  ['trailers', `${OK}transfer-encoding: chunked\r\n\r\nA\r\n0123456789\r\n0\r\nx-sum: 1\r\nx-more: 2\r\n\r\n`, whole(200, '0123456789')],
  ['no reason', 'HTTP/1.1 404\r\ncontent-length: 1\r\n\r\n?', whole(404, '?')],
  ['interim answers before it', `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n${OK}content-length: 1\r\n\r\na`, whole(200, 'a')],
  ['no body by its status', 'HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\n', whole(204, '')],
  ['no body because nothing changed', 'HTTP/1.1 304 Not Modified\r\ntransfer-encoding: chunked\r\n\r\n', whole(304, '')],
  ['HTTP/1.0', 'HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\na', whole(200, 'a', false)],
  ['connection: close', `${OK}Connection: foo, Close\r\ncontent-length: 1\r\n\r\na`, whole(200, 'a', false)],
  ['connection: keep-alive', `${OK}connection: keep-alive\r\ncontent-length: 1\r\n\r\na`, whole(200, 'a')],
  ['a word that only looks like close', `${OK}connection: closed\r\ncontent-length: 1\r\n\r\na`, whole(200, 'a')],
  ['bytes beyond its end', `${OK}content-length: 1\r\n\r\nabc`, whole(200, 'a', false)],
  ['bytes beyond its last chunk', `${OK}transfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n\n`, whole(200, 'a', false)],
  ['header names that only look like others', `${OK}x-content-length: 9\r\ncontent-length-x: 9\r\ncontent-length: 1\r\n\r\na`, whole(200, 'a')],
];

const UNTIL_CLOSE: readonly Case[] = [
  ['neither length nor chunks', `${OK}\r\nall\r\n\r\nof it`, whole(200, 'all\r\n\r\nof it', false)],
  ['neither, and nothing', 'HTTP/1.0 200 OK\r\n\r\n', whole(200, '', false)],
];

const refused = (words: RegExp, body = '', status: number | null = null) => ({ words, body, status });
const REFUSED: readonly (readonly [what: string, text: string, outcome: ReturnType<typeof refused>])[] = [
  ['no HTTP', 'SSH-2.0-OpenSSH_9.2\r\n\r\n', refused(/not an answer in HTTP/)],
  ['HTTP/2', 'HTTP/2 200 OK\r\n\r\n', refused(/not an answer in HTTP/)],
  ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n', refused(/not an answer in HTTP/)],
  ['a status below 100', 'HTTP/1.1 099 OK\r\n\r\n', refused(/not an answer in HTTP/)],
  ['another protocol', 'HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\n\r\n', refused(/another protocol/)],
  ['a header in two lines', `${OK}x-a: 1\r\n 2\r\ncontent-length: 0\r\n\r\n`, refused(/another line/)],
  ['a line that is no header', `${OK}nonsense\r\n\r\n`, refused(/not a header/)],
  ['a blank before the colon', `${OK}content-length : 5\r\n\r\nhello`, refused(/not a header/)],
  ['a NUL', `${OK}x-a: a\0b\r\n\r\n`, refused(/NUL/)],
  ['a bare CR', `${OK}x-a: a\rb\r\n\r\n`, refused(/lines do not end/)],
  ['a bare LF', `${OK}x-a: a\ncontent-length: 5\r\n\r\nhello`, refused(/lines do not end/)],
  ['lines that end in LF alone', 'HTTP/1.1 200 OK\ncontent-length: 5\n\nhello', refused(/lines do not end/)],
  ['two lengths', `${OK}content-length: 5\r\ncontent-length: 6\r\n\r\nhello!`, refused(/two lengths/)],
  ['two lengths in a list', `${OK}content-length: 5, 6\r\n\r\nhello!`, refused(/length that is none/)],
  ['a negative length', `${OK}content-length: -5\r\n\r\n`, refused(/length that is none/)],
  ['a length in hexadecimal', `${OK}content-length: 0x5\r\n\r\nhello`, refused(/length that is none/)],
  ['a length beyond counting', `${OK}content-length: 9999999999999999\r\n\r\n`, refused(/length that is none/)],
  ['an empty length', `${OK}content-length:\r\n\r\n`, refused(/length that is none/)],
  ['length and chunks', `${OK}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`, refused(/both a length and chunks/)],
  ['an unknown transfer encoding', `${OK}transfer-encoding: gzip\r\n\r\n`, refused(/unknown transfer/)],
  ['another one before chunks', `${OK}transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n`, refused(/unknown transfer/)],
  ['chunks of chunks', `${OK}transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`, refused(/unknown transfer/)],
  ['a chunk without a size', `${OK}transfer-encoding: chunked\r\n\r\n1\r\na\r\n;x\r\n`, refused(/proper size/, 'a', 200)],
  ['a chunk of negative size', `${OK}transfer-encoding: chunked\r\n\r\n-1\r\n`, refused(/proper size/, '', 200)],
  ['a chunk of 0x5', `${OK}transfer-encoding: chunked\r\n\r\n0x5\r\nhello\r\n`, refused(/proper size/, '', 200)],
  ['a chunk beyond counting', `${OK}transfer-encoding: chunked\r\n\r\nfffffffffffffff\r\n`, refused(/proper size/, '', 200)],
  ['a chunk longer than it says', `${OK}transfer-encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n`, refused(/./, 'a', 200)],
  ['a line of a chunk that ends in LF', `${OK}transfer-encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n`, refused(/./, '', 200)],
  ['a bare CR behind a size', `${OK}transfer-encoding: chunked\r\n\r\n1\rX\na\r\n`, refused(/does not end/, '', 200)],
  ['a trailer that is none', `${OK}transfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\nnonsense\r\n\r\n`, refused(/not a header/, 'a', 200)],
];

const bytesOf = (text: string): string[] => [...text];

describe('an answer with', () => {
  for (const [what, text, outcome] of ANSWERS) {
    test(`${what} is read to its end, and the same cut anywhere`, () => {
      expect(read([text])).toEqual(outcome);
      for (let at = 1; at < text.length; at++) expect({ at, ...read([text.slice(0, at), text.slice(at)]) }).toEqual({ at, ...outcome });
      expect(read(bytesOf(text))).toEqual(outcome);
    });

    test(`${what} has not ended before its last byte`, () => {
      const needed = outcome.reusable || !what.startsWith('bytes beyond') ? text.length : text.length - (what.includes('chunk') ? 1 : 2);
      for (let at = 0; at < needed; at++) expect({ at, ended: read([text.slice(0, at)], { closes: true }).ended }).toEqual({ at, ended: false });
    });
  }

  for (const [what, text, outcome] of UNTIL_CLOSE) {
    test(`${what} lasts until the connection is closed`, () => {
      expect(read([text])).toMatchObject({ ended: false });
      for (let at = 0; at < text.length; at++) expect(read([text.slice(0, at), text.slice(at)], { closes: true })).toEqual(outcome);
      expect(read(bytesOf(text), { closes: true })).toEqual(outcome);
    });
  }

  for (const [what, text, outcome] of REFUSED) {
    test(`${what} is refused, cut anywhere too, and what came before counts`, () => {
      for (const pieces of [[text], bytesOf(text), ...bytesOf(text).map((_, at) => [text.slice(0, at), text.slice(at)])]) {
        const found = read(pieces);
        expect(found.fault).toMatch(outcome.words);
        expect(found).toMatchObject({ body: outcome.body, status: outcome.status, ended: false, reusable: false });
      }
    });
  }

  test('a body that was not asked for has none, as the answer to a CONNECT', () => {
    expect(read([`${OK}content-length: 5\r\n\r\n`], { bodiless: true })).toEqual(whole(200, ''));
    expect(read([`${OK}\r\nhello`], { bodiless: true })).toEqual(whole(200, '', false));
  });
});

const longHead = (bytes: number): string => `${OK}x-long: ${'a'.repeat(bytes - OK.length - 'x-long: '.length)}`;
const longChunkLine = (bytes: number): string => `${OK}transfer-encoding: chunked\r\n\r\n1;${'x'.repeat(bytes - 2)}\r\n`;
const inReads = (text: string): readonly string[][] => [[text], [text.slice(0, -3), ...text.slice(-3)], [text.slice(0, 100), text.slice(100)]];

describe('a limit', () => {
  test('of 64 KB holds for a head, to the byte', () => {
    for (const pieces of inReads(`${longHead(65_536)}\r\n\r\n`)) expect(read(pieces).fault).toBeNull();
    for (const pieces of inReads(`${longHead(65_537)}\r\n\r\n`)) expect(read(pieces).fault).toMatch(/more than 65536 bytes/);
    expect(read([longHead(65_600)]).fault).toMatch(/more than 65536 bytes/);
  });

  test('of 1 KB holds for the line of a chunk, to the byte', () => {
    for (const pieces of inReads(longChunkLine(1024))) expect(read(pieces).fault).toBeNull();
    for (const pieces of inReads(longChunkLine(1025))) expect(read(pieces).fault).toMatch(/more than 1024 bytes/);
  });

  test('of 64 KB holds for trailers together', () => {
    const trailers = `x: ${'a'.repeat(1000)}\r\n`.repeat(70);
    expect(read([`${OK}transfer-encoding: chunked\r\n\r\n0\r\n${trailers}\r\n`]).fault).toMatch(/trailers/);
  });

  test('of many lines is none: a head of 20,000 headers within 64 KB is read', () => {
    expect(read([`${OK}${'a:\r\n'.repeat(16_000)}content-length: 1\r\n\r\nb`])).toEqual(whole(200, 'b'));
  });
});

describe('the head', () => {
  const answer = new Http1Answer();
  answer.push(
    Buffer.from(
      `${OK}Retry-After:  7 \r\nX-Two: 1\r\nx-two: 2\r\nKeep-Alive: max=5, timeout=30\r\nContent-Encoding: GZip\r\ncontent-length: 3\r\nx-retry-after: 9\r\n\r\n`,
    ),
  );

  test('gives the first header of a name, without blanks around it', () => {
    expect(['retry-after', 'x-two', 'two', 'http/1.1 200 ok', 'absent'].map((name) => answer.head?.get(name))).toEqual(['7', '1', null, null, null]);
  });

  test('says how the body is coded, and how long the connection is kept', () => {
    expect(answer.head).toMatchObject({ status: 200, encoding: 'gzip', keepAliveMs: 30_000 });
  });
});

const chunked = (body: readonly string[]): string => `${body.map((each) => `${each.length.toString(16)}\r\n${each}\r\n`).join('')}0\r\n\r\n`;

function cut(sent: string, at: readonly number[]): string[] {
  const places = [0, ...at.map((each) => each % (sent.length + 1)), sent.length].toSorted((a, b) => a - b);
  return places.slice(1).map((place, index) => sent.slice(places[index], place));
}

describe('whatever a server sends', () => {
  const text = fc.string({ minLength: 1, maxLength: 60, unit: 'binary-ascii' });
  const cuts = fc.array(fc.nat(), { maxLength: 8 });

  test('chunks give the body that they were made of, cut as they may be', () => {
    fc.assert(
      fc.property(fc.array(text), cuts, (body, at) => {
        const sent = `${OK}transfer-encoding: chunked\r\n\r\n${chunked(body)}`;
        expect(read(cut(sent, at))).toEqual(whole(200, body.join('')));
      }),
      { numRuns: 1000 },
    );
  });

  test('nothing but a fault comes of noise, and the same however it is cut', () => {
    const pieces = fc.constantFrom(
      'HTTP/1.1 200 OK',
      '\r\n',
      '\r',
      '\n',
      ' ',
      ':',
      'content-length',
      'transfer-encoding: chunked',
      '5',
      'a',
      '0',
      ';',
      '\0',
      'hello',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(pieces, text), { maxLength: 30 }), cuts, (sent, at) => {
        const noise = `${OK}${sent.join('')}`;
        const { fault, ...all } = read([noise], { closes: true });
        const { fault: cutFault, ...parts } = read(cut(noise, at), { closes: true });
        expect({ ...parts, isRefused: cutFault !== null }).toEqual({ ...all, isRefused: fault !== null });
      }),
      { numRuns: 2000 },
    );
  });
});
