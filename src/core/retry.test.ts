import { describe, expect, test } from 'bun:test';
import { afterFailure } from './retry.ts';

const failure = { fault: 'failed', retryAfterMs: null, tries: 1, retriesMax: 3, baseMs: 1000, leftMs: 600_000, random: 0.5 } as const;

describe('after a failed attempt', () => {
  test('the waits are 1, 2, 4 and 8 times the base, within a quarter', () => {
    const waits = [1, 2, 3, 4, 5].map((tries) => afterFailure({ ...failure, tries, retriesMax: 9 }));
    expect(waits).toEqual([1000, 2000, 4000, 8000, 8000].map((ms) => ({ kind: 'wait', ms })));
    expect(afterFailure({ ...failure, random: 0 })).toEqual({ kind: 'wait', ms: 750 });
    expect(afterFailure({ ...failure, random: 1 })).toEqual({ kind: 'wait', ms: 1250 });
  });

  test.each(['connect', 'timeout', 'rate_limited', 'failed', 'broken'] as const)('%s is tried again', (fault) => {
    expect(afterFailure({ ...failure, fault }).kind).toBe('wait');
  });

  test('a refused request is tried nowhere else, a refused key only elsewhere', () => {
    expect(afterFailure({ ...failure, fault: 'rejected' }).kind).toBe('stop');
    expect(afterFailure({ ...failure, fault: 'unauthorized' }).kind).toBe('next');
  });

  test('there are at most three retries', () => {
    expect(afterFailure({ ...failure, tries: 3 }).kind).toBe('wait');
    expect(afterFailure({ ...failure, tries: 4 }).kind).toBe('next');
  });

  test('a longer Retry-After is obeyed, one that is too long is left to the caller', () => {
    expect(afterFailure({ ...failure, fault: 'rate_limited', retryAfterMs: 7000 })).toEqual({ kind: 'wait', ms: 7000 });
    expect(afterFailure({ ...failure, fault: 'rate_limited', retryAfterMs: 30_000 }).kind).toBe('next');
  });

  test('nobody waits past the deadline', () => {
    expect(afterFailure({ ...failure, leftMs: 999 }).kind).toBe('next');
  });
});
