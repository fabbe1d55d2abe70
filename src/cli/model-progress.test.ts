import { expect, test } from 'bun:test';
import { progressLine } from './model-progress.ts';

test('a line of progress says the share, the amounts, the rate and the time that is left', () => {
  const line = { name: 'tiny', done: 281_000_000, total: 669_000_000, bytesPerS: 8_300_000, isUtf8: true };
  expect(progressLine(line)).toBe(`tiny ▕${'█'.repeat(10)}${' '.repeat(14)}▏ 42 %  281 MB of 669 MB · 8.3 MB/s · 47 s left`);
  expect(progressLine({ ...line, isUtf8: false })).toBe(`tiny [${'#'.repeat(10)}${'-'.repeat(14)}] 42 %  281 MB of 669 MB, 8.3 MB/s, 47 s left`);
  expect(progressLine({ ...line, bytesPerS: 50_000 })).toEndWith('50 kB/s · 2 h 10 min left');
  expect(progressLine({ ...line, bytesPerS: 2_000_000 })).toEndWith('3 min 14 s left');
  expect(progressLine({ ...line, bytesPerS: null })).toEndWith('281 MB of 669 MB');
  expect(progressLine({ ...line, total: null })).toBe('tiny  281 MB · 8.3 MB/s');
  expect(progressLine({ ...line, done: 0, bytesPerS: 0 })).toEndWith('0 kB of 669 MB · 0 kB/s');
});
