import { describe, expect, test } from 'bun:test';
import { AppError } from '../contract/errors.ts';
import { parseLine, type TextLine, textLines } from './jsonl.ts';

const MAX = 1000;

async function read(pieces: readonly Uint8Array[], lineBytesMax = MAX): Promise<TextLine[]> {
  const lines: TextLine[] = [];
  for await (const line of textLines(each(pieces), lineBytesMax)) lines.push(line);
  return lines;
}

async function* each(pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* pieces;
}

const BODIES: readonly (readonly [what: string, text: string, lines: readonly (readonly [number, string])[]])[] = [
  ['nothing', '', []],
  ['nothing but blank lines', '\n \n\r\n\t', []],
  ['one line without an end', '{}', [[1, '{}']]],
  [
    'LF and CRLF',
    '{}\n[]\r\n1\n',
    [
      [1, '{}'],
      [2, '[]'],
      [3, '1'],
    ],
  ],
  [
    'blank lines, which count',
    '\n{}\n\n\n1',
    [
      [2, '{}'],
      [5, '1'],
    ],
  ],
  ['a byte order mark', '\ufeff{}\n', [[1, '{}']]],
  [
    'characters of more bytes than one',
    '"é€😀"\n"\u2028"',
    [
      [1, '"é€😀"'],
      [2, '"\u2028"'],
    ],
  ],
];

describe.each(BODIES)('a body of %s', (_what, text, expected) => {
  const bytes = Buffer.from(text);
  const meant = expected.map(([line, content]) => ({ line, text: content }));
  test('is cut into its lines, wherever its bytes are cut', async () => {
    expect(await read([bytes])).toEqual(meant);
    for (let at = 0; at <= bytes.length; at++) expect(await read([bytes.subarray(0, at), bytes.subarray(at)])).toEqual(meant);
    expect(await read(Array.from(bytes, (_, at) => bytes.subarray(at, at + 1)))).toEqual(meant);
  });
});

async function refusal(run: () => unknown): Promise<{ readonly code: string; readonly message: string; readonly details: unknown }> {
  try {
    await run();
  } catch (cause) {
    if (cause instanceof AppError) return { code: cause.code, message: cause.message, details: cause.parts.details };
    throw cause;
  }
  throw new Error('it was not refused');
}

test('a line may be so long, and not longer, however it comes', async () => {
  expect(await read([Buffer.from(`${'x'.repeat(MAX)}\n`)])).toHaveLength(1);
  const long = Buffer.from(`{}\n${'x'.repeat(MAX + 1)}`);
  for (const pieces of [[long], [Buffer.concat([long, Buffer.from('\n')])], Array.from(long, (byte) => Buffer.of(byte))]) {
    expect(await refusal(() => read(pieces))).toMatchObject({ code: 'PAYLOAD_TOO_LARGE', details: { line: 2, max_bytes: MAX } });
  }
});

test('what is not UTF-8 is refused, with its line', async () => {
  expect(await refusal(() => read([Buffer.from('{}\n{}\n"'), Buffer.of(0xff), Buffer.from('"\n')]))).toMatchObject({
    code: 'INVALID_JSON',
    details: { line: 3 },
  });
});

test.each(['', 'x', '{', '{"a":1', "{'a':1}", '{"a":1}}', '[1,]', 'NaN', '{"a":\u0000}', '"\t"', 'undefined', '{"a":1} {"b":2}'])(
  '%j is no JSON',
  async (text) => {
    expect(await refusal(() => parseLine({ line: 7, text }))).toMatchObject({ code: 'INVALID_JSON', details: { line: 7 } });
  },
);

test('a million brackets are refused at once', async () => {
  const startedAt = performance.now();
  expect(await refusal(() => parseLine({ line: 1, text: '['.repeat(1_000_000) }))).toMatchObject({ code: 'INVALID_JSON', details: { line: 1, max_depth: 64 } });
  expect(performance.now() - startedAt).toBeLessThan(500);
});

test('names of every object are fields like others', () => {
  expect(Object.keys(parseLine({ line: 1, text: '{"__proto__":{"a":1},"constructor":2}' }) as object)).toEqual(['__proto__', 'constructor']);
  expect('a' in {}).toBe(false);
});
