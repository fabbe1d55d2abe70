import { describe, expect, test } from 'bun:test';
import { AppError } from '../contract/errors.ts';
import { multipartDecoder } from './multipart.ts';
import { boundaryOf, type PartHead } from './multipart-head.ts';

type Part = PartHead & { readonly content: string };
type Cut = (body: Buffer) => readonly Buffer[];

const whole: Cut = (body) => [body];
const inPieces =
  (size: number): Cut =>
  (body) =>
    Array.from({ length: Math.ceil(body.length / size) }, (_, index) => body.subarray(index * size, (index + 1) * size));

function read(pieces: readonly Buffer[], boundary = 'b'): Part[] {
  const decoder = multipartDecoder(boundary);
  const parts: { head: PartHead; pieces: Uint8Array[]; over: boolean }[] = [];
  for (const piece of pieces) {
    for (const event of decoder.push(piece)) {
      const last = parts.at(-1);
      if (event.type === 'part') parts.push({ head: event.head, pieces: [], over: false });
      else if (!last || last.over) throw new Error('bytes outside of a part');
      else if (event.type === 'bytes') last.pieces.push(Buffer.from(event.bytes));
      else last.over = true;
    }
  }
  decoder.end();
  return parts.map(({ head, pieces: bytes }) => Object.assign(head, { content: Buffer.concat(bytes).toString('latin1') }));
}

function refusal(pieces: readonly Buffer[], boundary?: string): string | null {
  try {
    read(pieces, boundary);
    return null;
  } catch (cause) {
    if (cause instanceof AppError && cause.code === 'INVALID_VALUE') return cause.message;
    throw cause;
  }
}

const latin = (text: string): Buffer => Buffer.from(text, 'latin1');
const part = (content: string, disposition = 'form-data; name="file"; filename="a.txt"'): string =>
  `--b\r\nContent-Disposition: ${disposition}\r\n\r\n${content}\r\n`;
const form = (...contents: string[]): string => `${contents.map((content) => part(content)).join('')}--b--\r\n`;

/** What the contents of the parts are, whatever stands in them. */
const GOOD: readonly (readonly [what: string, body: string, contents: readonly string[]])[] = [
  ['two parts', form('one', 'two'), ['one', 'two']],
  ['an empty part', form(''), ['']],
  ['line ends of every kind', form('\r\n', '\n\r', '\r\r\n\n', '\r\n\r\n'), ['\r\n', '\n\r', '\r\r\n\n', '\r\n\r\n']],
  [
    'almost a boundary',
    form('\r\n--', '\r\n-', '--b', '\n--b', '\r--b', '\r\n--a', '\r\n\r\n--'),
    ['\r\n--', '\r\n-', '--b', '\n--b', '\r--b', '\r\n--a', '\r\n\r\n--'],
  ],
  ['the beginning of a boundary before one', form('x\r', 'x\r\n', 'x\r\n-', 'x\r\n--'), ['x\r', 'x\r\n', 'x\r\n-', 'x\r\n--']],
  [
    'every byte',
    form(String.fromCharCode(...Array.from({ length: 256 }, (_, byte) => byte))),
    [String.fromCharCode(...Array.from({ length: 256 }, (_, byte) => byte))],
  ],
  ['something before and after', `a preamble\r\n${form('x')}an epilogue\r\n--b\r\n`, ['x']],
  ['nothing behind the last boundary', `${part('x')}--b--`, ['x']],
  ['spaces behind boundaries', `${part('x').replace('--b\r\n', '--b \t \r\n')}--b--  \r\n`, ['x']],
  ['no part at all', '--b--\r\n', []],
];

const BAD: readonly (readonly [what: string, body: string])[] = [
  ['nothing', ''],
  ['no boundary', 'hello'],
  ['another boundary', form('x').replaceAll('--b', '--c')],
  ['no end', part('x')],
  ['half an end', `${part('x')}--b-`],
  ['text behind a boundary', `${part('x')}--boundary\r\n`],
  ['LF for CRLF', form('x').replaceAll('\r\n', '\n')],
  ['no Content-Disposition', '--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--'],
  ['no head', '--b\r\n\r\nx\r\n--b--'],
  ['another disposition', `${part('x', 'attachment; filename="a"')}--b--`],
  ['no name', `${part('x', 'form-data; filename="a"')}--b--`],
  ['two names', `${part('x', 'form-data; name="a"; name="b"')}--b--`],
  ['a quote without its end', `${part('x', 'form-data; name="a')}--b--`],
  ['two dispositions', '--b\r\nContent-Disposition: form-data; name="a"\r\ncontent-disposition: form-data; name="b"\r\n\r\nx\r\n--b--'],
  ['a folded line', '--b\r\nContent-Disposition: form-data;\r\n name="a"\r\n\r\nx\r\n--b--'],
  ['a space before the colon', '--b\r\nContent-Disposition : form-data; name="a"\r\n\r\nx\r\n--b--'],
  ['base64', '--b\r\nContent-Disposition: form-data; name="a"\r\nContent-Transfer-Encoding: base64\r\n\r\neA==\r\n--b--'],
  ['a name in Latin-1', `${part('x', 'form-data; name="f\u00fc"')}--b--`],
  ['a long head', `${part('x', `form-data; name="${'a'.repeat(17_000)}"`)}--b--`],
  ['a head that never ends', `--b\r\nContent-Disposition: ${'a'.repeat(17_000)}`],
  ['101 parts', form(...Array.from({ length: 101 }, () => ''))],
  ['a long preamble', `${'x'.repeat(70_000)}\r\n${form('x')}`],
  ['a long epilogue', `${form('x')}${'x'.repeat(70_000)}`],
  ['spaces without end', `--b${' '.repeat(300)}`],
];

describe('the content of a part is what stands between the boundaries', () => {
  test.each(GOOD)('%s, cut at every byte', (_what, text, contents) => {
    const body = latin(text);
    const wanted = contents.map((content) => ({ name: 'file', filename: 'a.txt', type: null, content }));
    expect(read(whole(body))).toEqual(wanted);
    for (let at = 1; at < body.length; at++) expect(read([body.subarray(0, at), body.subarray(at)])).toEqual(wanted);
    for (const size of [1, 2, 3, 7]) expect(read(inPieces(size)(body))).toEqual(wanted);
  });

  test('a boundary of seventy characters in a body full of its beginnings', () => {
    const boundary = `${'-'.repeat(60)}0123456789`;
    const content = `\r\n--${'-'.repeat(59)}`.repeat(50);
    const body = latin(part(content).replaceAll('--b', `--${boundary}`) + `--${boundary}--`);
    for (const size of [1, 5, 61, 4096]) expect(read(inPieces(size)(body), boundary)[0]?.content).toBe(content);
  });

  test('what is cut anywhere is refused, and nothing after it is made up', () => {
    const body = latin(form('one', 'two'));
    for (let at = 0; at < body.length - 2; at++) expect(refusal([body.subarray(0, at)])).not.toBeNull();
  });

  test('no more than the beginning of a boundary is held back', () => {
    const decoder = multipartDecoder('b');
    decoder.push(latin(part('').slice(0, -2)));
    const sizes = decoder.push(Buffer.alloc(100_000)).map((event) => (event.type === 'bytes' ? event.bytes.length : 0));
    expect(sizes).toEqual([100_000]);
    expect(decoder.push(latin('x\r\n--'))).toMatchObject([{ bytes: latin('x') }]);
  });
});

test.each(BAD)('refused: %s, whole and in pieces', (_what, text) => {
  const body = latin(text);
  expect(refusal(whole(body))).toStartWith('The body is not valid multipart/form-data: ');
  for (const size of [1, 1000]) expect(refusal(inPieces(size)(body))).not.toBeNull();
});

test.each([
  ['as browsers, undici and curl write it', 'filename="übersicht 世界.jsonl"', 'übersicht 世界.jsonl'],
  ['with a quote, as browsers write it', 'filename="say %22hi%22.txt"', 'say "hi".txt'],
  ['with a quote, as curl writes it', String.raw`filename="say \"hi\" \\ there.txt"`, String.raw`say "hi" \ there.txt`],
  ['with a backslash that escapes nothing', String.raw`filename="C:\x\a.txt"`, String.raw`C:\x\a.txt`],
  ['as urllib3 wrote it', "filename*=utf-8''%C3%BCbersicht%20%E4%B8%96.txt", 'übersicht 世.txt'],
  ['in both ways', `filename="x"; filename*=UTF-8'de'%C3%BC`, 'ü'],
  ['without quotes', 'filename=a.txt', 'a.txt'],
  ['empty', 'filename=""', ''],
  ['with a semicolon', 'filename="a;b=c.txt"', 'a;b=c.txt'],
])('a file name %s', (_what, parameter, filename) => {
  const body = Buffer.from(`--b\r\ncontent-disposition: form-data; name="file"; ${parameter}\r\nCONTENT-TYPE:  application/jsonl \r\n\r\n{}\r\n--b--\r\n`);
  for (const size of [1, 9, 1000]) expect(read(inPieces(size)(body))).toEqual([{ name: 'file', filename, type: 'application/jsonl', content: '{}' }]);
});

test.each([
  ['multipart/form-data; boundary=abc', 'abc'],
  ['Multipart/Form-Data; charset=utf-8; Boundary="a b:c"', 'a b:c'],
  ['multipart/form-data', null],
  ['multipart/form-data; boundary=', null],
  ['multipart/form-data; boundary="ends with a space "', null],
  ['multipart/mixed; boundary=abc', null],
  [`multipart/form-data; boundary=${'a'.repeat(201)}`, null],
])('the boundary of %s is %p', (type, boundary) => {
  expect(boundaryOf(type)).toBe(boundary);
});
