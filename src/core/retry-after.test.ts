import { expect, test } from 'bun:test';
import { retryAfterMs } from './retry-after.ts';

const DATE = 'Sat, 21 Nov 2026 10:00:00 GMT';

const CASES: readonly [headers: Record<string, string>, ms: number | null][] = [
  [{}, null],
  [{ 'retry-after': '2' }, 2000],
  [{ 'retry-after': ' 0.25 ' }, 250],
  [{ 'retry-after': '0' }, 0],
  [{ 'retry-after-ms': '1250.5' }, 1251],
  [{ 'retry-after-ms': '40', 'retry-after': '60' }, 40],
  [{ 'retry-after-ms': 'soon', 'retry-after': '3' }, 3000],
  [{ 'retry-after': 'Sat, 21 Nov 2026 10:01:00 GMT', date: DATE }, 60_000],
  [{ 'retry-after': 'Sat, 21 Nov 2026 09:59:00 GMT', date: DATE }, 0],
  [{ 'retry-after': 'Sat, 21 Nov 2026 10:01:00 GMT' }, null],
  [{ 'retry-after': '-5', date: 'never' }, null],
  [{ 'retry-after': 'Infinity' }, null],
  [{ 'retry-after': '' }, null],
];

for (const [headers, ms] of CASES) {
  test(`${JSON.stringify(headers)} asks to wait ${ms} ms`, () => {
    expect(retryAfterMs(new Headers(headers))).toBe(ms);
  });
}
