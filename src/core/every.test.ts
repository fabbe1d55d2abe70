import { expect, test } from 'bun:test';
import { manualClock } from '../../test/manual-clock.ts';
import { every } from './every.ts';

/** Runs that end when they are told to. */
function runs(ms: number) {
  const clock = manualClock();
  const begun: PromiseWithResolvers<void>[] = [];
  const stop = every(clock, ms, () => {
    const run = Promise.withResolvers<void>();
    begun.push(run);
    return run.promise;
  });
  return { clock, begun, stop };
}

test('the next run is so long after the end of the one before, whether that went well or not', async () => {
  const { clock, begun, stop } = runs(100);
  await clock.advance(1000);
  expect(begun).toHaveLength(1);
  begun[0]?.resolve();
  await clock.advance(99);
  expect(begun).toHaveLength(1);
  await clock.advance(1);
  begun[1]?.reject(new Error('away'));
  await clock.advance(100);
  expect(begun).toHaveLength(3);
  begun[2]?.resolve();
  await stop();
  await clock.advance(1000);
  expect(begun).toHaveLength(3);
});

test('what is stopped while it runs is stopped when that run is over, and does not run again', async () => {
  const { clock, begun, stop } = runs(100);
  await clock.advance(100);
  const order: string[] = [];
  const stopped = stop().then(() => order.push('stopped'));
  await clock.advance(1000);
  order.push('over');
  begun[0]?.resolve();
  await stopped;
  await clock.advance(1000);
  expect([order, begun.length]).toEqual([['over', 'stopped'], 1]);
});
