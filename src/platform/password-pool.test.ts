import { describe, expect, test } from 'bun:test';
import { AppError } from '../contract/errors.ts';
import { createPasswordPool } from './password-pool.ts';

/** Work that is over when it is told to be. */
function held(): { readonly work: () => Promise<string>; readonly end: () => void; readonly begun: () => boolean } {
  const { promise, resolve } = Promise.withResolvers<string>();
  let begun = false;
  return {
    begun: () => begun,
    end: () => resolve('done'),
    work: () => {
      begun = true;
      return promise;
    },
  };
}

async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

describe('the password pool', () => {
  test('runs two at once, and the others in the order in which they came', async () => {
    const pool = createPasswordPool({ atOnce: 2, waitingMax: 10 });
    const works = Array.from({ length: 5 }, held);
    const answers = works.map(({ work }) => pool.run(work));
    const begun = (): boolean[] => works.map((one) => one.begun());
    await settle();
    expect(begun()).toEqual([true, true, false, false, false]);
    works[1]?.end();
    await settle();
    expect(begun()).toEqual([true, true, true, false, false]);
    for (const one of works) one.end();
    expect(await Promise.all(answers)).toEqual(['done', 'done', 'done', 'done', 'done']);
  });

  test('refuses at once with 503 and a time to come back when the line is full, and takes new ones when it is not', async () => {
    const pool = createPasswordPool({ atOnce: 1, waitingMax: 2 });
    const works = Array.from({ length: 3 }, held);
    const answers = works.map(({ work }) => pool.run(work));
    const refused = await pool.run(held().work).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(AppError);
    expect((refused as AppError).code).toBe('SERVICE_UNAVAILABLE');
    expect((refused as AppError).parts.retryAfterMs).toBeGreaterThanOrEqual(1000);
    for (const one of works) one.end();
    await Promise.all(answers);
    expect(await pool.run(() => Promise.resolve('later'))).toBe('later');
  });

  test('goes on after work that failed', async () => {
    const pool = createPasswordPool({ atOnce: 1, waitingMax: 2 });
    const [failed, next] = await Promise.allSettled([pool.run(() => Promise.reject(new Error('no'))), pool.run(() => Promise.resolve('next'))]);
    expect(failed.status).toBe('rejected');
    expect(next).toEqual({ status: 'fulfilled', value: 'next' });
  });
});
