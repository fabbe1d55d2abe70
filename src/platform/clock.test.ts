import { expect, test } from 'bun:test';
import { systemClock } from './clock.ts';

test('a long timer runs once, not early and hardly late', async () => {
  const startedAt = performance.now();
  const ran: number[] = [];
  await new Promise<void>((resolve) => {
    systemClock.after(1000, () => {
      ran.push(performance.now() - startedAt);
      resolve();
    });
  });
  expect(ran).toHaveLength(1);
  expect(ran[0]).toBeGreaterThanOrEqual(1000);
  expect(ran[0]).toBeLessThan(2000);
});

test('a timer that is taken back does not run', async () => {
  let ran = 0;
  const cancels = [1, 1000].map((ms) => systemClock.after(ms, () => ran++));
  for (const cancel of cancels) cancel();
  await new Promise<void>((resolve) => {
    systemClock.after(1100, resolve);
  });
  expect(ran).toBe(0);
});

test('a sleep ends with the reason of its signal', async () => {
  const controller = new AbortController();
  const sleeping = systemClock.sleep(60_000, controller.signal).catch((reason: unknown) => reason);
  controller.abort('enough');
  expect(await sleeping).toBe('enough');
});
