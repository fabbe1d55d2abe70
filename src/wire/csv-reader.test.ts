import { describe, expect, test } from 'bun:test';
import { AppError } from '../contract/errors.ts';
import { csvRecord } from './csv.ts';
import { csvDecoder, type CsvRecord } from './csv-reader.ts';

const MAX = 100_000;

function decode(pieces: readonly Uint8Array[], recordCharsMax = MAX): CsvRecord[] {
  const decoder = csvDecoder(recordCharsMax);
  const records = pieces.flatMap((piece) => [...decoder.push(piece)]);
  return [...records, ...decoder.end()];
}

type Table = readonly [what: string, text: string, records: readonly (readonly [line: number, ...fields: string[]])[]];
const TABLES: readonly Table[] = [
  ['nothing', '', []],
  ['blank lines alone', '\n\r\n\r\n', []],
  ['one field', 'a', [[1, 'a']]],
  [
    'lines that end in LF',
    'a,b\nc,d\n',
    [
      [1, 'a', 'b'],
      [2, 'c', 'd'],
    ],
  ],
  [
    'in CRLF',
    'a,b\r\nc,d\r\n',
    [
      [1, 'a', 'b'],
      [2, 'c', 'd'],
    ],
  ],
  [
    'in CR',
    'a,b\rc,d\r',
    [
      [1, 'a', 'b'],
      [2, 'c', 'd'],
    ],
  ],
  [
    'without an end',
    'a,b\nc,d',
    [
      [1, 'a', 'b'],
      [2, 'c', 'd'],
    ],
  ],
  ['a byte order mark', '\ufeffa,b\n', [[1, 'a', 'b']]],
  [
    'empty fields',
    ',\n,,\n',
    [
      [1, '', ''],
      [2, '', '', ''],
    ],
  ],
  ['an empty field that is quoted', '""\n', [[1, '']]],
  [
    'blank lines between',
    'a\n\n\nb\n',
    [
      [1, 'a'],
      [4, 'b'],
    ],
  ],
  [
    'commas, quotes and lines in quotes',
    '"a,b","say ""hi""","two\nlines"\nc',
    [
      [1, 'a,b', 'say "hi"', 'two\nlines'],
      [3, 'c'],
    ],
  ],
  [
    'CRLF and CR in quotes',
    '"a\r\nb\rc",d\r\ne',
    [
      [1, 'a\r\nb\rc', 'd'],
      [4, 'e'],
    ],
  ],
  ['nothing but quotes', '"""",""""""\n', [[1, '"', '""']]],
  ['quotes in the midst of a field', 'a "b" c,5" pipe\n', [[1, 'a "b" c', '5" pipe']]],
  ['spaces, which belong to fields', ' a , b \n', [[1, ' a ', ' b ']]],
  [
    'characters of two, three and four bytes',
    'é,€,😀\n"👩🏽‍🚀",世界\n',
    [
      [1, 'é', '€', '😀'],
      [2, '👩🏽‍🚀', '世界'],
    ],
  ],
  ['NUL, and other line ends, which are none', 'a\0b,c\u2028d\v\n', [[1, 'a\0b', 'c\u2028d\v']]],
  ['a quoted field at the very end', 'a,"b"', [[1, 'a', 'b']]],
  ['a comma at the very end', 'a,', [[1, 'a', '']]],
  ['formulas, which are text', '=1+1,@x\n', [[1, '=1+1', '@x']]],
];

describe.each(TABLES)('a table with %s', (_what, text, expected) => {
  const bytes = Buffer.from(text);
  const meant = expected.map(([line, ...fields]) => ({ line, fields }));

  test('is read', () => expect(decode([bytes])).toEqual(meant));
  test('and the same cut in two at every byte', () => {
    for (let at = 0; at <= bytes.length; at++) expect(decode([bytes.subarray(0, at), bytes.subarray(at)])).toEqual(meant);
  });
  test('and byte by byte', () => expect(decode(Array.from(bytes, (_, at) => bytes.subarray(at, at + 1)))).toEqual(meant));
});

test('what we write ourselves is read as it was', () => {
  const rows = [
    ['a', 'b,c', 'd"e'],
    ['two\r\nlines', '', ' x '],
    ['😀', '0', '""'],
  ];
  expect(decode([Buffer.from(rows.map((row) => csvRecord(row)).join(''))]).map(({ fields }) => fields)).toEqual(rows);
});

function refusal(run: () => unknown): Pick<AppError, 'code' | 'message'> & { readonly details: unknown } {
  try {
    run();
  } catch (cause) {
    if (cause instanceof AppError) return { code: cause.code, message: cause.message, details: cause.parts.details };
    throw cause;
  }
  throw new Error('it was not refused');
}

test.each([
  ['a quote that is never closed', 'a\n\n"b,c\nd', { line: 3 }],
  ['text behind a quoted field', 'a\n"b" c\n', { line: 2 }],
])('%s is refused, with its line', (_what, text, details) => {
  expect(refusal(() => decode([Buffer.from(text)]))).toMatchObject({ code: 'INVALID_VALUE', details });
});

test('what is not UTF-8 is refused, at its end too', () => {
  expect(refusal(() => decode([Buffer.from('a\n'), Buffer.of(0xff, 0x0a)]))).toMatchObject({ code: 'INVALID_VALUE', details: { line: 2 } });
  expect(refusal(() => decode([Buffer.from('a\n'), Buffer.of(0xe2, 0x82)]))).toMatchObject({ code: 'INVALID_VALUE', details: { line: 2 } });
});

test('a record may be so long, and not longer, quoted or not, in one piece or many', () => {
  expect(decode([Buffer.from(`${'x'.repeat(99)}\n`)], 100)).toHaveLength(1);
  for (const text of [`a\n${'x'.repeat(101)}`, `a\n"${'x'.repeat(101)}`, `a\n${'x,'.repeat(51)}`]) {
    expect(refusal(() => decode([Buffer.from(text)], 100))).toMatchObject({ code: 'PAYLOAD_TOO_LARGE', details: { line: 2, max_bytes: 100 } });
    expect(
      refusal(() =>
        decode(
          Array.from(Buffer.from(text), (byte) => Buffer.of(byte)),
          100,
        ),
      ),
    ).toMatchObject({ code: 'PAYLOAD_TOO_LARGE' });
  }
});

test('a quoted field of 1 MB in pieces of 1 KB is read in linear time', () => {
  const decoder = csvDecoder(10_000_000);
  decoder.push(Buffer.from('"'));
  const startedAt = performance.now();
  for (let count = 0; count < 1024; count++) decoder.push(Buffer.from('x\n'.repeat(512)));
  const [record] = decoder.push(Buffer.from('"\n'));
  expect(record?.fields[0]?.length).toBe(1024 * 1024);
  expect(performance.now() - startedAt).toBeLessThan(2000);
});
