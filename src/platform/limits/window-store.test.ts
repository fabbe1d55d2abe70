import { expect, test } from 'bun:test';
import fc from 'fast-check';
import type { Limit } from '../../core/limits.ts';
import { add } from '../../core/rate-window.ts';
import { createWindowStore } from './window-store.ts';

function limit(key: string): Limit {
  return { key, kind: 'requests', scope: 'key', name: 'x', words: '', max: 10, windowMs: 1000 };
}

test('windows of which nothing counts any more are forgotten as others come', () => {
  const store = createWindowStore(Number.POSITIVE_INFINITY);
  let nowMs = 0;
  for (let nth = 0; nth < 10_000; nth++) {
    nowMs += 10;
    add(store.open(limit(`once ${nth}`), nowMs), 1000, { nowMs, weight: 1 });
    add(store.open(limit('always'), nowMs), 1000, { nowMs, weight: 0 });
  }
  // A hundred come in a window's time.
  expect(store.size()).toBeLessThan(250);
  expect(store.find(limit('always'))).not.toBeNull();
});

test('no more are kept than two generations of what there is room for, the last ones among them', () => {
  const store = createWindowStore(100);
  for (let nth = 0; nth < 1000; nth++) add(store.open(limit(`${nth}`), 0), 1000, { nowMs: 0, weight: 1 });
  expect(store.size()).toBe(200);
  expect(store.find(limit('999'))).not.toBeNull();
});

test('a window is kept for as long as something in it counts, whatever comes and goes beside it', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ gap: fc.integer({ min: 0, max: 700 }), key: fc.integer({ min: 0, max: 5 }) }), { maxLength: 200, size: 'max' }),
      (steps) => {
        const store = createWindowStore(Number.POSITIVE_INFINITY);
        const admitted: { readonly key: number; readonly nowMs: number }[] = [];
        let nowMs = 0;
        for (const { gap, key } of steps) {
          nowMs += gap;
          const live = admitted.filter((each) => each.key === key && nowMs - each.nowMs < 1000).length;
          const window = store.open(limit(`${key}`), nowMs);
          expect(window.spent).toBeGreaterThanOrEqual(live);
          add(window, 1000, { nowMs, weight: 1 });
          admitted.push({ key, nowMs });
        }
      },
    ),
  );
});
