import { describe, expect, test } from 'bun:test';
import { type SseEvent, sseDecoder } from './sse.ts';

/**
 * Bodies in which line ends, fields and characters are mixed within one stream, as proxies and careless servers do it. Each stands here with the data
 * of its events, so that the reference below is held to something too.
 */
type Body = readonly [what: string, parts: string | readonly (string | number)[], data: readonly string[]];

const LINE_ENDS: readonly Body[] = [
  ['CR and then LF, each in its own right', 'data: a\r\n\rdata: b\n\r\n', ['a', 'b']],
  ['LF and then CR, which are two ends', 'data: a\n\rdata: b\n\r', ['a', 'b']],
  ['CR, LF and CRLF inside of one event', 'data: a\rdata: b\ndata: c\r\n\r\n', ['a\nb\nc']],
  ['two CRs and a LF: the second CR and the LF are one', 'data: a\r\r\ndata: b\r\r\n', ['a', 'b']],
  ['CR at the very end', 'data: a\r\n\r', ['a']],
  ['a LF that belongs to the CR, and then nothing', 'data: a\r\r\n', ['a']],
  ['CR, CRLF, LF, all empty', '\r\r\n\ndata: a\n\n', ['a']],
  ['an escaped line end, which is none', String.raw`data: a\r\n\nb` + '\r\r', [String.raw`a\r\n\nb`]],
  ['line ends of Unicode and of printers', 'data: a\u2028b\u2029c\u0085d\ve\ff\r\n\r\n', ['a\u2028b\u2029c\u0085d\ve\ff']],
  ['CRLF once, and the blank line never', 'data: a\r\n', []],
  ['CR once, and the blank line never', 'data: a\r', []],
  ['a blank line of one space, which is not blank', 'data: a\n \ndata: b\r\r', ['a\nb']],
  ['a blank line of one tab, which is not blank', 'data: a\r\n\t\r\ndata: b\r\n\r\n', ['a\nb']],
];

const FIELDS: readonly Body[] = [
  ['no colon, and then one with', 'data\ndata: a\n\n', ['\na']],
  ['no colon, at the end', 'data: a\ndata\n\n', ['a\n']],
  ['events of nothing, in each form', 'data: a\n\ndata\n\ndata:\n\ndata: \n\ndata: b\n\n', ['a', '', '', '', 'b']],
  ['three times nothing', 'data\ndata:\ndata: \n\n', ['\n\n']],
  ['a colon and nothing, between two events', 'data: a\n\n:\n\n:\n\ndata: b\n\n', ['a', 'b']],
  ['only the first space goes', 'data:   a  \n\n', ['  a  ']],
  ['a tab is no space', 'data:\ta\n\n', ['\ta']],
  ['a space that does not break is no space', 'data:\u00a0a\n\n', ['\u00a0a']],
  ['colons at the start of the data', 'data::a\n\ndata: :b\n\ndata:::\n\n', [':a', ':b', '::']],
  ['the name of a field in the data', 'data: data: a\ndata:event: b\n\n', ['data: a\nevent: b']],
  ['a longer name, and a shorter one', 'datas: a\ndat: b\ndata: c\n\n', ['c']],
  ['names in capitals', 'DATA: a\nEvent: b\nID: c\nRetry: 5\ndata: d\n\n', ['d']],
  ['a tab before the colon', 'data\t: a\ndata: b\n\n', ['b']],
  ['a space before the name', ' data: a\n event: b\ndata: c\n\n', ['c']],
  ['names of every object', '__proto__: a\nconstructor: b\ntoString\ndata: c\n\n', ['c']],
  ['NUL in the data, and in a name', 'data: a\0b\n\nda\0ta: c\n\n', ['a\0b']],
  ['an unknown field alone makes no event', 'foo: bar\n\nfoo\n\ndata: a\n\n', ['a']],
  ['a page of HTML between two events', 'data: a\n\n<html>\n<body>502</body>\n\ndata: b\n\n', ['a', 'b']],
  ['JSON over several lines', 'data: {\ndata:   "a": [1,\ndata:   2]\ndata: }\n\n', ['{\n  "a": [1,\n  2]\n}']],
  ['an end that is announced twice', 'data: [DONE]\n\ndata: [DONE]\n\n', ['[DONE]', '[DONE]']],
];

const COMMENTS: readonly Body[] = [
  ['a comment that looks like data', ':data: a\n: data: b\ndata: c\n\n', ['c']],
  ['a comment between the lines of an event, in CR', 'data: a\r: x\rdata: b\r\r', ['a\nb']],
  ['a comment as the last line', 'data: a\n\n: bye', ['a']],
  ['a comment of emojis and broken ones', [': 👋 ', 0xf0, 0x9f, '\ndata: a\n\n'], ['a']],
  ['a hundred comments', `${':\r\n'.repeat(100)}data: a\r\n\r\n`, ['a']],
  ['a comment does not end an event', 'data: a\n:\n:\ndata: b\n\n', ['a\nb']],
];

const NAMES: readonly Body[] = [
  ['a name goes with its event alone', 'event: a\ndata: 1\n\ndata: 2\n\nevent: b\ndata: 3\n\n', ['1', '2', '3']],
  ['a name after the data', 'data: 1\nevent: late\n\ndata: 2\n\n', ['1', '2']],
  ['a name that is taken back', 'event: a\nevent\ndata: 1\n\n', ['1']],
  ['a name without data, and a blank line', 'event: lost\r\n\r\ndata: 1\r\n\r\n', ['1']],
  ['a name with spaces and colons', 'event:  a : b \ndata: 1\n\n', ['1']],
  ['a name beyond ASCII', 'event: Grüße-世界-👋\ndata: 1\n\n', ['1']],
  ['a name of NUL', 'event: a\0\ndata: 1\n\n', ['1']],
];

const IDS_AND_RETRIES: readonly Body[] = [
  ['an id stays over events and blank lines', 'id: 1\n\n\ndata: a\n\ndata: b\n\n', ['a', 'b']],
  ['an id with NUL leaves the one before', 'id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n', ['a', 'b']],
  ['an id of NUL alone, and none before', 'id: \0\ndata: a\n\n', ['a']],
  ['an id that is taken back by an empty one', 'id: 1\ndata: a\n\nid:\ndata: b\n\n', ['a', 'b']],
  ['two ids in one event', 'id: 1\ndata: a\nid: 2\n\n', ['a']],
  ['an id that is cut off with its event', 'data: a\n\nid: 9\ndata: b\n', ['a']],
  ['retries that are none', 'retry: -1\nretry: 1.5\nretry: 1e3\nretry: 0x10\nretry: ٣\nretry:\nretry\nretry: 7 \ndata: a\n\n', ['a']],
  ['a retry, and then junk, which leaves it', 'retry: 30\nretry: soon\ndata: a\n\n', ['a']],
  ['a retry with leading zeros, and one without a space', 'retry: 0010\nretry:20\r\n\r\ndata: a\n\n', ['a']],
];

const CHARACTERS: readonly Body[] = [
  ['two, three and four bytes, with and without a line end at once', 'data: é\rdata: €\ndata: 😀\r\n\r\n', ['é\n€\n😀']],
  ['joined emojis and combining marks', 'data: 👩🏽‍🚀e\u0301\u20dd\n\n', ['👩🏽‍🚀e\u0301\u20dd']],
  [
    'the first and the last of each length',
    'data: \u007f\u0080\u07ff\u0800\uffff\u{10000}\u{10ffff}\n\n',
    ['\u007f\u0080\u07ff\u0800\uffff\u{10000}\u{10ffff}'],
  ],
  ['a byte order mark, CRLF, and another one at a name', '\uFEFF\r\n\uFEFFdata: a\r\n\r\ndata: b\r\n\r\n', ['b']],
  ['a byte order mark, and others where they are data', '\uFEFFdata: \uFEFFa\r\rdata: \uFEFFb\r\r', ['\ufeffa', '\ufeffb']],
  ['a byte order mark before a comment', '\uFEFF: x\ndata: a\n\n', ['a']],
  ['a byte order mark before the blank line', 'data: a\n\uFEFF\n\n', ['a']],
  ['the byte order mark of UTF-16', [0xff, 0xfe, 'data: a\n\ndata: b\n\n'], ['b']],
  ['bytes of Latin-1', ['data: Gr', 0xfc, 0xdf, 'e\n\n'], ['Gr\ufffd\ufffde']],
  ['continuations with nothing to continue', ['data: ', 0x80, 0xbf, 'x\r\n\r\n'], ['\ufffd\ufffdx']],
  ['a character that a line end cuts', ['data: ', 0xe2, 0x82, '\r\ndata: ', 0xac, '\r\n\r\n'], ['\ufffd\n\ufffd']],
  ['a character that a CR cuts, and the blank line is only the LF', ['data: ', 0xf0, 0x9f, 0x98, '\r\n\n'], ['\ufffd']],
  ['four bytes above the last character', ['data: ', 0xf4, 0x90, 0x80, 0x80, 'x\n\n'], ['\ufffd\ufffd\ufffd\ufffdx']],
  ['a line end in more bytes than it needs', ['data: a', 0xc0, 0x8a, 'b\n\n'], ['a\ufffd\ufffdb']],
  ['half a character at the end of the stream', ['data: a\n\ndata: b', 0xe2, 0x82], ['a']],
  ['a broken name of a field', ['dat', 0xe1, ': a\ndata: b\n\n'], ['b']],
];

const LENGTHS: readonly Body[] = [
  ['a long line of one byte each', `data: ${'x'.repeat(3000)}\r\n\r\n`, ['x'.repeat(3000)]],
  ['a long line of four bytes each', `data: ${'😀'.repeat(600)}\r\r`, ['😀'.repeat(600)]],
  ['a long comment, and a long name that nobody knows', `:${'c'.repeat(1500)}\n${'n'.repeat(1500)}\ndata: a\n\n`, ['a']],
  ['many lines in one event', `${'data: y\r\n'.repeat(200)}\r\n`, [Array.from({ length: 200 }, () => 'y').join('\n')]],
  ['many events, CR and CRLF in turn', 'data: z\r\rdata: z\r\n\r\n'.repeat(60), Array.from({ length: 120 }, () => 'z')],
];

const BODIES = [...LINE_ENDS, ...FIELDS, ...COMMENTS, ...NAMES, ...IDS_AND_RETRIES, ...CHARACTERS, ...LENGTHS].map(
  ([what, parts, data]) => [what, bytesOf(typeof parts === 'string' ? [parts] : parts), data] as const,
);

function bytesOf(parts: readonly (string | number)[]): Uint8Array {
  return Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.of(part))));
}

type Read = { readonly events: readonly SseEvent[]; readonly retryMs: number | null };

/** The specification word by word, over the whole text, a character at a time. */
function reference(bytes: Uint8Array): Read {
  const events: SseEvent[] = [];
  let [data, event, id] = ['', '', ''];
  let retryMs: number | null = null;
  for (const line of linesOf(new TextDecoder().decode(bytes))) {
    if (line === '') {
      // Each line of data was put there with a line end after it.
      if (data !== '') events.push({ event: event === '' ? 'message' : event, data: data.slice(0, -1), id });
      [data, event] = ['', ''];
      continue;
    }
    const [field = '', ...after] = line.split(':');
    const value = after.join(':').replace(/^ /, '');
    if (field === 'data') data += `${value}\n`;
    if (field === 'event') event = value;
    if (field === 'id' && !value.includes('\0')) id = value;
    if (field === 'retry' && value !== '' && [...value].every((digit) => '0123456789'.includes(digit))) retryMs = Number.parseInt(value, 10);
  }
  return { events, retryMs };
}

/** What is not ended is no line. */
function linesOf(text: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (character !== '\r' && character !== '\n') line += character;
    else if (character === '\r' || text.charAt(at - 1) !== '\r') {
      lines.push(line);
      line = '';
    }
  }
  return lines;
}

function decode(pieces: readonly Uint8Array[]): Read {
  const decoder = sseDecoder();
  const events = pieces.flatMap((piece) => [...decoder.push(piece)]);
  return { events, retryMs: decoder.retryMs() };
}

test('there are at least 60 of them, no two alike', () => {
  expect(new Set(BODIES.map(([, body]) => Buffer.from(body).toString('hex'))).size).toBe(BODIES.length);
  expect(BODIES.length).toBeGreaterThanOrEqual(60);
});

describe.each(BODIES)('a stream with %s', (_what, body, data) => {
  const meant = reference(body);

  test('gives what the specification says', () => {
    expect(meant.events.map((event) => event.data)).toEqual([...data]);
    expect(decode([body])).toEqual(meant);
  });

  test('gives the same cut in two at every byte, and with a read of nothing between', () => {
    const expected = JSON.stringify(meant);
    for (let at = 0; at <= body.length; at++) {
      const [before, after] = [body.subarray(0, at), body.subarray(at)];
      for (const pieces of [
        [before, after],
        [before, new Uint8Array(), after],
      ])
        if (JSON.stringify(decode(pieces)) !== expected) throw new Error(`cut at ${at} it gives ${JSON.stringify(decode(pieces))}, not ${expected}`);
    }
  });

  test('gives the same byte by byte', () => {
    expect(decode(Array.from(body, (_, at) => body.subarray(at, at + 1)))).toEqual(meant);
  });

  test('tells of an event as soon as its blank line is there', () => {
    // One byte at a time, never later than the whole of what came until then would tell.
    const decoder = sseDecoder();
    let told = 0;
    for (let end = 1; end <= Math.min(body.length, 300); end++) {
      told += decoder.push(body.subarray(end - 1, end)).length;
      expect(told).toBe(reference(body.subarray(0, end)).events.length);
    }
  });
});
