import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError } from '../contract/errors.ts';
import { readBody } from './body.ts';
import { type Route, route } from './route.ts';

let dataDir: string;
beforeAll(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'sluice-incoming-'));
});
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

const BYTES_MAX = 1_000_000;
const streaming: Route = route({
  method: 'POST',
  path: '/table',
  summary: 'Takes tables',
  tag: 'Jobs',
  scope: 'jobs:write',
  body: z.array(z.string()),
  streamed: { types: { 'text/csv': z.string() }, bytesMax: BYTES_MAX },
  replies: [{ status: 200, description: 'Taken.', type: 'application/json' }],
  handle: () => ({ json: {} }),
});

type Body = string | ReadableStream<Uint8Array>;

function send(body: Body, type: string | null = 'text/csv; header=present'): ReturnType<typeof readBody> {
  return readBody(new Request('http://localhost/table', { method: 'POST', body, headers: type === null ? {} : { 'content-type': type } }), streaming, dataDir);
}

/** Without a length that is announced, in pieces. */
function inPieces(text: string, broken = false): ReadableStream<Uint8Array> {
  const bytes = Buffer.from(text);
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at < bytes.length) controller.enqueue(bytes.subarray(at, (at += 70_000)));
      else if (broken) controller.error(new Error('the caller left'));
      else controller.close();
    },
  });
}

async function textOf(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  const read: Uint8Array[] = [];
  for await (const piece of pieces) read.push(piece);
  return Buffer.concat(read).toString();
}

async function refusal(sending: ReturnType<typeof readBody>): Promise<AppError> {
  const thrown = await sending.then(
    () => null,
    (cause: unknown) => cause,
  );
  if (!(thrown instanceof AppError)) throw new Error(`it was not refused: ${String(thrown)}`);
  return thrown;
}

describe('a body that is streamed', () => {
  test.each([
    ['whole', (text: string): Body => text],
    ['in pieces', (text: string): Body => inPieces(text)],
  ])('that comes %s is read from its beginning, as often as one likes', async (_how, bodyOf) => {
    const text = 'a,b\r\n'.repeat(150_000);
    const { stream } = await send(bodyOf(text));
    if (stream === null) throw new Error('it was not streamed');
    expect([stream.type, stream.contentType, stream.bytes]).toEqual(['text/csv', 'text/csv; header=present', text.length]);
    expect(await textOf(stream.read())).toBe(text);
    expect(await textOf(stream.read())).toBe(text);
    await stream.remove();
    expect(readdirSync(join(dataDir, 'incoming'))).toEqual([]);
  });

  test('is known again by what it holds', async () => {
    const sent = await Promise.all([send('a,b'), send(inPieces('a,b')), send('a,c')]);
    const [first, second, third] = sent.map(({ value }) => JSON.stringify(value));
    expect(second).toBe(first);
    expect(third).not.toBe(first);
    for (const { stream } of sent) await stream?.remove();
  });

  test('may have so many bytes, and not one more', async () => {
    const { stream } = await send('x'.repeat(BYTES_MAX));
    await stream?.remove();
    for (const body of ['x'.repeat(BYTES_MAX + 1), inPieces('x'.repeat(BYTES_MAX + 1))]) {
      const { code, parts } = await refusal(send(body));
      expect([code, parts.details]).toEqual(['PAYLOAD_TOO_LARGE', { max_bytes: BYTES_MAX }]);
    }
    expect(readdirSync(join(dataDir, 'incoming'))).toEqual([]);
  });

  test('of which the caller sends only a part leaves nothing behind', async () => {
    expect(await send(inPieces('a,b\n', true)).catch((cause: Error) => cause.message)).toBe('the caller left');
    expect(readdirSync(join(dataDir, 'incoming'))).toEqual([]);
  });
});

test('the same route reads other bodies as ever, and names what it takes', async () => {
  expect(await send('["a"]', 'application/json')).toEqual({ value: ['a'], stream: null });
  const { code, parts } = await refusal(send('a', 'image/png'));
  expect([code, parts.details]).toEqual(['UNSUPPORTED_MEDIA_TYPE', { supported: ['application/json', 'text/csv'], received: 'image/png' }]);
});
