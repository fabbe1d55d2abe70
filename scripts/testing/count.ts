/** How many checks of a stage held, did not hold, and were left out. */
export type Count = { readonly passed: number; readonly failed: number; readonly skipped: number };

const passedCount: Count = { passed: 1, failed: 0, skipped: 0 };
export const failedCount: Count = { passed: 0, failed: 1, skipped: 0 };

export function sum(counts: readonly Count[]): Count {
  let total: Count = { passed: 0, failed: 0, skipped: 0 };
  for (const count of counts) {
    total = { passed: total.passed + count.passed, failed: total.failed + count.failed, skipped: total.skipped + count.skipped };
  }
  return total;
}

export function closingLine(count: Count): string {
  return `${count.passed} passed, ${count.failed} failed`;
}

/** A check is one: it held or it did not. */
export function countCheck(exitCode: number | null): Count {
  return exitCode === 0 ? passedCount : failedCount;
}

/**
 * Reads the closing lines of `bun test`. Not its JUnit report: that leaves out files that could not be loaded. A run without closing lines
 * died, and is a failure; so is one that exits non-zero although every test passed.
 */
export function countBunTest(output: string, exitCode: number | null): Count {
  const closing = /^Ran \d+ tests? across \d+ files?\./m.test(output);
  const passed = lastNumber(output, 'pass');
  const failed = lastNumber(output, 'fail');
  const skipped = lastNumber(output, 'skip') + lastNumber(output, 'todo');
  if (!closing) return { passed, failed: Math.max(failed, 1), skipped };
  return { passed, failed: exitCode === 0 ? failed : Math.max(failed, 1), skipped };
}

const WORDS_MAX = 30;

/** What `bun test` said of each test that failed: its name, and the lines before it that say why. */
export function failuresOf(output: string): readonly string[] {
  const told: string[] = [];
  let since: string[] = [];
  for (const line of output.split('\n')) {
    if (!/^\((pass|fail|skip|todo)\) /.test(line)) since.push(line);
    else {
      if (line.startsWith('(fail) ')) told.push([line, ...since.slice(-WORDS_MAX)].join('\n'));
      since = [];
    }
  }
  return told;
}

function lastNumber(output: string, word: string): number {
  const matches = [...output.matchAll(new RegExp(`^ *(\\d+) ${word}$`, 'gm'))];
  return Number(matches.at(-1)?.[1] ?? 0);
}
