import { describe, expect, test } from 'bun:test';
import { createRetryBudget, type RetryBudget } from './retry-budget.ts';

/** Calls at even distances that all fail and wish to be tried again, three times each; how many calls there were, and how many were made of them. */
function storm(budget: RetryBudget, { callsCount, spanMs, fromMs = 0 }: { callsCount: number; spanMs: number; fromMs?: number }): { sent: number } {
  let sent = 0;
  for (let count = 0; count < callsCount; count++) {
    const nowMs = fromMs + (count * spanMs) / callsCount;
    budget.call(nowMs);
    sent++;
    for (let retry = 0; retry < 3 && budget.take(nowMs); retry++) sent++;
  }
  return { sent };
}

describe('the retry budget', () => {
  test.each([100, 600, 6000])('lets no more than a tenth be sent again of %d calls in a minute', (callsCount) => {
    const { sent } = storm(createRetryBudget(), { callsCount, spanMs: 60_000 });
    expect(sent).toBeGreaterThan(callsCount);
    expect(sent).toBeLessThanOrEqual(callsCount * 1.1);
  });

  test('holds for every minute of a long outage', () => {
    const budget = createRetryBudget();
    for (let minute = 0; minute < 5; minute++) {
      expect(storm(budget, { callsCount: 600, spanMs: 60_000, fromMs: minute * 60_000 }).sent).toBeLessThanOrEqual(661);
    }
  });

  test('gives a lone call all three of its retries, ten times a minute in all', () => {
    const budget = createRetryBudget();
    expect(storm(budget, { callsCount: 3, spanMs: 3 }).sent).toBe(3 + 9);
    expect([budget.take(4), budget.take(5)]).toEqual([true, false]);
    expect([budget.take(59_999), budget.take(60_005)]).toEqual([false, true]);
  });
});
