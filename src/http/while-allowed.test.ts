import { describe, expect, test } from 'bun:test';
import { manualClock } from '../../test/manual-clock.ts';
import { AppError } from '../contract/errors.ts';
import type { Sink } from './route.ts';
import { whileAllowed } from './while-allowed.ts';

const SIGNED = new Headers({ 'x-api-key': 'sk-sluice-1' });

/** A stream that goes on until it is ended, and writes a piece when it is told to. */
function scene(headers = SIGNED) {
  const clock = manualClock();
  const state = { revoked: false, looks: 0 };
  const isRevoked = (): Promise<boolean> => {
    state.looks++;
    return Promise.resolve(state.revoked);
  };
  const written: string[] = [];
  let told = Promise.withResolvers<string | null>();
  const stream = async (sink: Sink): Promise<void> => {
    try {
      for (let piece = await told.promise; piece !== null; piece = await told.promise) {
        told = Promise.withResolvers();
        await sink.write(piece);
      }
    } catch (error) {
      await sink.write(`ended by ${error instanceof AppError ? error.code : String(error)}`);
    }
  };
  const running = whileAllowed({ app: { clock }, identify: { isRevoked } }, headers, stream)({ write: (piece) => void written.push(String(piece)) });
  const tell = async (piece: string | null): Promise<void> => {
    told.resolve(piece);
    await clock.advance(0);
  };
  return { clock, state, written, running, tell };
}

describe('a stream', () => {
  test('goes on as long as what it was signed with holds, and nobody looks any more when it is over', async () => {
    const { clock, state, written, running, tell } = scene();
    for (let nth = 0; nth < 5; nth++) {
      await tell(`piece ${nth}`);
      await clock.advance(4000);
    }
    await tell(null);
    await running;
    expect(written).toHaveLength(5);
    expect(state.looks).toBe(5);
    await clock.advance(60_000);
    expect(state.looks).toBe(5);
  });

  test('is ended with an error within ten seconds of a revocation, where its next piece would be', async () => {
    const { clock, state, written, running, tell } = scene();
    await tell('first');
    state.revoked = true;
    await clock.advance(4000);
    await tell(': ping');
    await tell('second');
    await running;
    expect(written).toEqual(['first', ': ping', 'ended by UNAUTHORIZED']);
  });

  test('is cut within ten seconds where it is silent', async () => {
    const { clock, state, running } = scene();
    const ended = running.catch((error: unknown) => error);
    state.revoked = true;
    await clock.advance(8000);
    expect(await ended).toMatchObject({ code: 'UNAUTHORIZED' });
  });

  test('of somebody who showed nothing is left alone', async () => {
    const { clock, state, written, running, tell } = scene(new Headers());
    await clock.advance(60_000);
    await tell('piece');
    await tell(null);
    await running;
    expect([state.looks, written]).toEqual([0, ['piece']]);
  });
});
