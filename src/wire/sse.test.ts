import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { UpstreamError } from '../core/provider.ts';
import { type SseEvent, sseDecoder } from './sse.ts';

const encoder = new TextEncoder();

/** The rules of the specification, applied to the whole body at once: slow, plain, and nothing shared with the decoder under test. */
function reference(bytes: Uint8Array): SseEvent[] {
  const lines = new TextDecoder('utf-8').decode(bytes).split(/\r\n|\r|\n/);
  lines.pop(); // Not ended by a line end: never a line.
  const events: SseEvent[] = [];
  let data: string[] = [];
  let event = '';
  let id = '';
  for (const line of lines) {
    if (line === '') {
      if (data.length > 0) events.push({ event: event === '' ? 'message' : event, data: data.join('\n'), id });
      data = [];
      event = '';
      continue;
    }
    const [, name = '', value = ''] = /^([^:]*)(?:: ?([^]*))?$/.exec(line) ?? [];
    if (name === 'data') data.push(value);
    if (name === 'event') event = value;
    if (name === 'id' && !value.includes('\0')) id = value;
  }
  return events;
}

function decode(pieces: readonly Uint8Array[]): SseEvent[] {
  const decoder = sseDecoder();
  return pieces.flatMap((piece) => [...decoder.push(piece)]);
}

/** Bodies that decoders of this format get wrong, each in LF, CR and CRLF. */
const BODIES = [
  'data: one\n\n',
  'data: one\n\ndata: two\n\n',
  'data:no space\n\n',
  'data:  two spaces\n\n',
  'data: trailing \n\n',
  'data\n\n',
  'data:\n\n',
  'data\ndata\n\n',
  'data: a\ndata: b\ndata: c\n\n',
  'data: a\ndata:\ndata: c\n\n',
  '\n\n\ndata: after blank lines\n\n\n\n',
  ': a comment\n\ndata: one\n\n',
  'data: one\n: a comment inside\ndata: two\n\n',
  ':\n\n:\n\n',
  'event: ping\n\ndata: has no name\n\n',
  'event: error\ndata: {"error":{}}\n\n',
  'event: a\nevent: b\ndata: the last name counts\n\n',
  'event:\ndata: empty name\n\n',
  'event: a\ndata: one\n\ndata: two\n\n',
  'id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n',
  'id: 1\n\ndata: keeps the id\n\n',
  'id: a\0b\ndata: a NUL is no id\n\n',
  'id: ünï\ndata: x\n\n',
  'retry: 1500\ndata: x\n\n',
  'retry: soon\ndata: x\n\n',
  'unknown: field\ndata: x\n\n',
  'Data: case matters\ndata: x\n\n',
  'data : a space before the colon is another name\n\n',
  ' data: a space in front too\n\n',
  'data: a: b: c\n\n',
  'data: {"choices":[{"delta":{"content":"a\\nb"}}]}\n\ndata: [DONE]\n\n',
  'data: unterminated',
  'data: one line end only\n',
  'data: first\n\ndata: cut off here',
  'data: first\n\ndata: cut off here\n',
  '\uFEFFdata: after a byte order mark\n\n',
  '\uFEFF\uFEFFdata: only one is dropped\n\n',
  'data: \uFEFFinside\n\n',
  '\uFEFF',
  '',
  '\n',
  'data: Grüße, 世界, мир, नमस्ते\n\n',
  'data: 👩‍👩‍👧‍👦 🇩🇪 𝒜\n\n',
  'data: \u2028 and \u2029 and \u0085 end no line\n\n',
  'data: \v\f\t\0\n\n',
  `data: ${'x'.repeat(300)}\n\n`,
  `data: ${'ü'.repeat(150)}\n\ndata: y\n\n`,
  `${': keep-alive\n\n'.repeat(5)}data: x\n\n`,
  'data: a\n\n\ndata: b\n\n',
  'event: response.completed\ndata: {"type":"response.completed"}\n\n',
  'data: 1\n\ndata: 2\n\ndata: 3\n\ndata: 4\n\ndata: 5\n\n',
  '<!doctype html>\n<html><body>502</body></html>\n',
  '{"error":{"message":"not a stream"}}\n',
  'data: a\n\nid: 7\nevent: done\ndata: {}\nretry: 10\n\n',
];

/** What no text can hold. */
const RAW: readonly (readonly number[])[] = [
  [...encoder.encode('data: '), 0xff, 0xfe, 0x0a, 0x0a],
  [...encoder.encode('data: '), 0xe4, 0xb8, 0x0a, 0x0a],
  [...encoder.encode('data: '), 0xf0, 0x9f, 0x98, 0x0d, 0x0d],
  [...encoder.encode('data: '), 0xc0, 0x80, 0xed, 0xa0, 0x80, 0x0a, 0x0a],
  [...encoder.encode('data: x\n\ndata: '), 0xf0, 0x9f],
  [0xef, 0xbb, ...encoder.encode('data: half a mark\n\n')],
  [...encoder.encode('data: mixed\rdata: ends\ndata: here\r\n\rdata: x\n\r\ndata: y\r\n\r\n')],
];

const HOSTILE: readonly Uint8Array[] = [
  ...BODIES.flatMap((body) => [body, body.replaceAll('\n', '\r'), body.replaceAll('\n', '\r\n')].map((text) => encoder.encode(text))),
  ...RAW.map((bytes) => Uint8Array.from(bytes)),
];

describe('sse', () => {
  test('160 hostile bodies give what the specification says', () => {
    expect(HOSTILE.length).toBeGreaterThanOrEqual(160);
    for (const body of HOSTILE) expect(decode([body])).toEqual(reference(body));
  });

  test('cut in two at every byte, a body gives the same events', () => {
    for (const body of HOSTILE) {
      const whole = JSON.stringify(reference(body));
      for (let at = 0; at <= body.length; at++) {
        const events = JSON.stringify(decode([body.subarray(0, at), body.subarray(at)]));
        if (events !== whole) throw new Error(`cut at ${at}, ${JSON.stringify(new TextDecoder().decode(body))} gives ${events}`);
      }
    }
  });

  test('byte by byte, a body gives the same events', () => {
    for (const body of HOSTILE) expect(decode(Array.from(body, (_, at) => body.subarray(at, at + 1)))).toEqual(reference(body));
  });

  test('any body in any pieces gives the same events', () => {
    const token = fc.oneof(
      fc.constantFrom('\n', '\r', '\r\n', '\n\n', 'data', 'data:', 'data: ', 'event: ', 'id: ', 'retry: ', ':', ' ', '\uFEFF', '\0', '[DONE]'),
      fc.string({ unit: 'binary', maxLength: 8 }),
    );
    fc.assert(
      fc.property(fc.array(token, { maxLength: 40 }), fc.array(fc.nat(200), { maxLength: 8 }), (tokens, cuts) => {
        const body = encoder.encode(tokens.join(''));
        const at = [0, ...cuts.map((cut) => Math.min(cut, body.length)).toSorted((a, b) => a - b), body.length];
        const pieces = at.slice(1).map((end, place) => body.subarray(at[place] ?? 0, end));
        expect(decode(pieces)).toEqual(reference(body));
      }),
      { numRuns: 5000 },
    );
  });

  test('retry is read where it is a number', () => {
    const decoder = sseDecoder();
    decoder.push(encoder.encode('retry: 10s\n'));
    expect(decoder.retryMs()).toBeNull();
    decoder.push(encoder.encode('retry: 2500\n'));
    expect(decoder.retryMs()).toBe(2500);
  });

  test('a line of 1 MB in pieces of 1 KB is read in linear time', () => {
    const decoder = sseDecoder();
    const piece = encoder.encode('x'.repeat(1024));
    decoder.push(encoder.encode('data: '));
    const started = performance.now();
    for (let count = 0; count < 1024; count++) expect(decoder.push(piece)).toEqual([]);
    const [event] = decoder.push(encoder.encode('\n\n'));
    expect(event?.data.length).toBe(1024 * 1024);
    expect(performance.now() - started).toBeLessThan(1000);
  });

  test('an event of 64 MB is refused, as one line and as many', () => {
    const megabyte = encoder.encode('x'.repeat(1024 * 1024));
    const oneLine = sseDecoder();
    const manyLines = sseDecoder();
    const feed = (decoder: typeof oneLine, piece: Uint8Array): void => {
      for (let count = 0; count < 64; count++) decoder.push(piece);
    };
    expect(() => feed(oneLine, megabyte)).toThrow(UpstreamError);
    expect(() => feed(manyLines, encoder.encode(`data: ${'x'.repeat(1024 * 1024)}\n`))).toThrow('characters');
  });
});
