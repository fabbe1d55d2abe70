import { describe, expect, test } from 'bun:test';
import { closingLine, countBunTest, countCheck, failuresOf, sum } from './count.ts';

const CLOSING = ' 2 pass\n 1 skip\n 1 todo\n 3 fail\n 1 error\n 2 expect() calls\nRan 7 tests across 3 files. [37.00ms]\n';

describe('counting a stage', () => {
  test('reads the closing lines of bun test, with files that did not load among the failures', () => {
    expect(countBunTest(CLOSING, 1)).toEqual({ passed: 2, failed: 3, skipped: 2 });
  });

  test('believes the last closing lines, since a test may print lines like them', () => {
    expect(countBunTest(` 9 fail\n${CLOSING}`, 1).failed).toBe(3);
  });

  test('counts a run that died without closing lines as one failure', () => {
    expect(countBunTest('(pass) a\npanic: Segmentation fault\n', 132)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  });

  test('counts a run that exits non-zero after passing everything as one failure', () => {
    expect(countBunTest(' 4 pass\n 0 fail\nRan 4 tests across 1 file. [1.00ms]\n', 1)).toEqual({ passed: 4, failed: 1, skipped: 0 });
  });

  test('takes a check that was killed as failed', () => {
    expect(countCheck(null).failed).toBe(1);
    expect(countCheck(0).failed).toBe(0);
  });

  test('closes with the sum of all stages', () => {
    expect(closingLine(sum([countCheck(0), countBunTest(CLOSING, 1)]))).toBe('3 passed, 3 failed');
  });
});

test('what is said of a test that failed is its name and the words before it, and not those of others', () => {
  const output = ['(pass) one', 'error: late', '(fail) two [3.00ms]', 'log of three', '(pass) three', '(fail) four', ' 2 fail'].join('\n');
  expect(failuresOf(output)).toEqual(['(fail) two [3.00ms]\nerror: late', '(fail) four']);
});
