import { expect, test } from 'bun:test';
import { recentMap } from './recent-map.ts';

test('what was used among the last entries is kept, however many come', () => {
  const map = recentMap<number>(10);
  map.set('kept', 1);
  for (let index = 0; index < 1000; index++) {
    map.set(`other ${index}`, index);
    if (index % 5 === 0) expect(map.get('kept')).toBe(1);
  }
});

test('what is not used is forgotten', () => {
  const map = recentMap<number>(10);
  map.set('left', 1);
  for (let index = 0; index < 21; index++) map.set(`other ${index}`, index);
  expect(map.get('left')).toBeUndefined();
  expect(map.get('other 20')).toBe(20);
});

test('the newer of two values is the one that is found', () => {
  const map = recentMap<number>(2);
  map.set('a', 1);
  map.set('b', 1);
  map.set('c', 1);
  map.set('a', 2);
  expect(map.get('a')).toBe(2);
});
