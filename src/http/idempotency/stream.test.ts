import { describe, expect, test } from 'bun:test';
import type { Reply } from '../route.ts';
import { breaks, never, streamOf, textOf, thrown, world } from './scripted-world.test.ts';

const pieces =
  (texts: readonly string[], end: () => void = () => undefined): (() => Reply) =>
  () => ({
    headers: { 'content-type': 'text/event-stream' },
    async stream(sink) {
      for (const text of texts) {
        await Promise.resolve();
        await sink.write(text);
      }
      end();
    },
  });
describe('a stream', () => {
  test('is replayed byte for byte', async () => {
    const { ask } = world();
    expect(await streamOf(await ask(pieces(['data: ä\n\n', ': ping\n\n', 'data: b\n\n'])))).toBe('data: ä\n\n: ping\n\ndata: b\n\n');
    const again = await ask(never);
    expect(textOf(again)).toBe('data: ä\n\n: ping\n\ndata: b\n\n');
    expect(again.headers).toMatchObject({ 'content-type': 'text/event-stream', 'idempotency-replayed': 'true' });
  });

  test('comes to its caller as it comes, and ends when it is kept', async () => {
    const { ask, rows, clock } = world();
    const going = Promise.withResolvers<void>();
    const reply = await ask(() => ({
      async stream(sink) {
        await sink.write('one ');
        await going.promise;
        await sink.write('two');
      },
    }));
    let seen = '';
    const reading = reply.stream?.({ write: (piece) => void (seen += piece) });
    await clock.advance(0);
    expect(seen).toBe('one ');
    expect((await thrown(ask(never))).code).toBe('CONFLICT');
    going.resolve();
    await reading;
    expect(seen).toBe('one two');
    expect([...rows.values()].map(({ answer }) => answer?.status)).toEqual([200]);
  });

  test('goes on to its end without its caller, also one who never read', async () => {
    const { ask, clock } = world();
    const leaving = new AbortController();
    const left = await ask(pieces(['one ', 'two']), { signal: leaving.signal });
    leaving.abort();
    await left.stream?.({ write: never });
    expect(textOf(await ask(never))).toBe('one two');

    await ask(pieces(['three']), { key: 'unread' });
    await clock.advance(0);
    expect(textOf(await ask(never, { key: 'unread' }))).toBe('three');
  });

  test('does not wait for a caller who takes nothing', async () => {
    const { ask, clock } = world();
    const leaving = new AbortController();
    const reply = await ask(pieces(['one ', 'two']), { signal: leaving.signal });
    const reading = reply.stream?.({ write: () => new Promise(() => undefined) });
    await clock.advance(0);
    expect(textOf(await ask(never))).toBe('one two');
    leaving.abort();
    await reading;
  });

  test('that was cut is cut again at the same place', async () => {
    const { ask } = world();
    const first = await ask(pieces(['one '], breaks));
    expect((await thrown(streamOf(first))).message).toBe('broken');
    let seen = '';
    const again = (await ask(never)).stream?.({ write: (piece) => void (seen += piece) });
    expect(await again?.catch((cause: unknown) => String(cause))).toContain('broke off');
    expect(seen).toBe('one ');
  });
});
