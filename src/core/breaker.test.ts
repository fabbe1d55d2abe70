import { describe, expect, test } from 'bun:test';
import { type Breaker, createBreaker, FAILURES_MAX, type Pass } from './breaker.ts';

function enter(breaker: Breaker, nowMs: number): Pass {
  const pass = breaker.enter(nowMs);
  if (!pass) throw new Error(`nobody may pass at ${nowMs}`);
  return pass;
}

/** Fails as often as it takes. */
function opened(nowMs = 0): Breaker {
  const breaker = createBreaker();
  for (let count = 0; count < FAILURES_MAX; count++) enter(breaker, nowMs).over('failed', nowMs);
  return breaker;
}

describe('a breaker', () => {
  test('opens after five failures in a row, and not after five with a good answer between them', () => {
    const breaker = createBreaker();
    for (const outcome of ['failed', 'failed', 'failed', 'failed', 'well', 'failed', 'failed', 'failed', 'failed'] as const) enter(breaker, 0).over(outcome, 0);
    expect(breaker.look(0)).toEqual({ state: 'closed', sinceMs: null, waitMs: 0, failuresInARow: 4 });
    enter(breaker, 7).over('failed', 7);
    expect(breaker.look(7)).toEqual({ state: 'open', sinceMs: 7, waitMs: 1000, failuresInARow: 5 });
    expect(breaker.enter(7)).toBeNull();
  });

  test('lets one call at a time try, after 1, 2, 4, … and at most 30 seconds', () => {
    const breaker = opened();
    let nowMs = 0;
    const waits: number[] = [];
    for (let count = 0; count < 7; count++) {
      const { waitMs } = breaker.look(nowMs);
      waits.push(waitMs);
      expect(breaker.enter(nowMs + waitMs - 1)).toBeNull();
      nowMs += waitMs;
      const probe = enter(breaker, nowMs);
      expect([breaker.enter(nowMs), breaker.look(nowMs).state]).toEqual([null, 'probing']);
      probe.over('failed', nowMs);
    }
    expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
    expect(breaker.look(nowMs).sinceMs).toBe(0);
  });

  test('closes at the first piece of an answer, and is on trial until one is whole', () => {
    const breaker = opened();
    const probe = enter(breaker, 1000);
    probe.answered(1500);
    expect(breaker.look(1500)).toMatchObject({ state: 'closed', sinceMs: 1500 });
    expect(breaker.enter(1500)).not.toBeNull();
    probe.over('failed', 1600);
    expect(breaker.look(1600)).toMatchObject({ state: 'open', waitMs: 2000 });
    const second = enter(breaker, 3600);
    second.answered(3600);
    second.over('well', 3700);
    expect(breaker.look(3700)).toMatchObject({ state: 'closed', failuresInARow: 0 });
    for (let count = 1; count < FAILURES_MAX; count++) enter(breaker, 3800).over('failed', 3800);
    expect(breaker.look(3800).state).toBe('closed');
  });

  test('learns nothing from a caller who leaves, whose place the next one takes', () => {
    const breaker = opened();
    enter(breaker, 1000).over('unknown', 1001);
    expect(breaker.look(1001)).toMatchObject({ state: 'open', waitMs: 0, failuresInARow: 5 });
    const next = enter(breaker, 1001);
    next.over('well', 1002);
    next.over('failed', 1003);
    expect(breaker.look(1003)).toMatchObject({ state: 'closed', failuresInARow: 0 });
  });

  test('takes a hundred calls that fail together for one event, and hears nothing of what began before', () => {
    const breaker = createBreaker();
    const passes = Array.from({ length: 100 }, () => enter(breaker, 0));
    for (const pass of passes.slice(0, 98)) pass.over('failed', 10);
    expect(breaker.look(10)).toMatchObject({ state: 'open', waitMs: 1000, failuresInARow: 5 });
    passes[98]?.answered(20);
    passes[98]?.over('well', 30);
    expect(breaker.look(30)).toMatchObject({ state: 'open', failuresInARow: 5 });
    enter(breaker, 1010).over('well', 1020);
    passes[99]?.over('failed', 1030);
    expect(breaker.look(1030)).toMatchObject({ state: 'closed', failuresInARow: 0 });
  });

  test('that opens again during the long answer of a probe lets the next one try', () => {
    const breaker = opened();
    enter(breaker, 1000).answered(1000);
    enter(breaker, 1100).over('failed', 1200);
    expect(breaker.look(1200)).toMatchObject({ state: 'open', waitMs: 2000 });
    expect(breaker.enter(3200)).not.toBeNull();
  });

  test('opens at one proof where that is enough, and waits longer each time that it is given again', () => {
    const breaker = createBreaker();
    enter(breaker, 0).over('barred', 5);
    expect(breaker.look(5)).toEqual({ state: 'open', sinceMs: 5, waitMs: 1000, failuresInARow: 5 });
    enter(breaker, 1005).over('barred', 1010);
    expect(breaker.look(1010)).toMatchObject({ state: 'open', waitMs: 2000 });
    enter(breaker, 3010).over('well', 3020);
    expect(breaker.look(3020)).toMatchObject({ state: 'closed', failuresInARow: 0 });
  });

  test('does not keep the last resort waiting, but lets no two of them in at once', () => {
    const breaker = opened();
    const first = breaker.enter(1, { lastResort: true });
    expect([first === null, breaker.enter(1, { lastResort: true })]).toEqual([false, null]);
    first?.over('unknown', 2);
    expect(breaker.enter(2, { lastResort: true })).not.toBeNull();
  });
});
