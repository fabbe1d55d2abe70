import { expect, test } from 'bun:test';
import { amountText } from './model-progress.ts';

test('the amounts of a download, its rate and the time that is left', () => {
  expect(amountText(281e6, 669e6, 8_300_000)).toBe('281 MB of 669 MB, 8.3 MB/s, 47 s left');
  expect(amountText(281e6, 669e6, 50_000)).toBe('281 MB of 669 MB, 50 kB/s, 2 h 10 min left');
  expect(amountText(281e6, 669e6, 2_000_000)).toBe('281 MB of 669 MB, 2 MB/s, 3 min 14 s left');
  expect(amountText(281e6, 669e6, null)).toBe('281 MB of 669 MB');
  expect(amountText(0, 669e6, 0)).toBe('0 kB of 669 MB, 0 kB/s');
  expect(amountText(1.1e9, 1.1e9, 1e6)).toBe('1.1 GB of 1.1 GB, 1 MB/s');
});
