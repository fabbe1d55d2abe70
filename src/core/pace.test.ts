import { expect, test } from 'bun:test';
import { createPace } from './pace.ts';

function running(rows: number): ReturnType<typeof createPace> {
  const pace = createPace();
  for (let row = 0; row < rows; row++) pace.began();
  return pace;
}

test('a provider that says nothing gets all', () => {
  expect(running(1000).waitMs(0)).toBe(0);
});

test('one that limits us is let alone for its pause, and gets half after it', () => {
  const pace = running(16);
  pace.limited(2000, 1000);
  expect(pace.waitMs(1500)).toBe(1500);
  expect(pace.waitMs(3000)).toBe(Infinity);
  for (let row = 0; row < 9; row++) pace.ended();
  expect(pace.waitMs(3000)).toBe(0);
  pace.began();
  expect(pace.waitMs(3000)).toBe(Infinity);
});

test('all 429 of one moment are one', () => {
  const pace = running(16);
  for (let row = 0; row < 16; row++) pace.limited(1000, row);
  for (let row = 0; row < 9; row++) pace.ended();
  expect(pace.waitMs(2000)).toBe(0);
  pace.limited(1000, 2000);
  for (let row = 0; row < 4; row++) pace.ended();
  expect(pace.waitMs(3000)).toBe(Infinity);
});

test('one row at a time is always allowed, and what goes well brings more', () => {
  const pace = running(1);
  pace.limited(0, 0);
  pace.ended();
  expect(pace.waitMs(0)).toBe(0);
  pace.began();
  expect(pace.waitMs(0)).toBe(Infinity);
  pace.answered();
  expect(pace.waitMs(0)).toBe(0);
});

test('one that rests has its full number afterwards', () => {
  const pace = running(16);
  pace.rests(1000, 0);
  expect(pace.waitMs(999)).toBe(1);
  expect(pace.waitMs(1000)).toBe(0);
});
