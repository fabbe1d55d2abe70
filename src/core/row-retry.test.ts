import { expect, test } from 'bun:test';
import { AppError, type ErrorCode, type ErrorParts } from '../contract/errors.ts';
import { type AfterRow, afterRow } from './row-retry.ts';

function after(code: ErrorCode, parts: ErrorParts = {}, retries = 0): AfterRow {
  return afterRow({ error: new AppError(code, parts), retries, random: 0.5 });
}
const failedWith = (status: number | null, more: object = {}): ErrorParts => ({ details: { upstream: { provider: 'p', model: 'm', status, ...more } } });

test('what a provider did wrong is tried again with growing waits, four times', () => {
  const waits = [0, 1, 2, 3].map((retries) => after('INTERNAL_ERROR', failedWith(503), retries));
  expect(waits).toEqual([1000, 2000, 4000, 8000].map((ms) => ({ kind: 'again', ms, counts: true })));
  expect(after('INTERNAL_ERROR', failedWith(503), 4)).toEqual({ kind: 'over' });
  for (const parts of [failedWith(null), failedWith(200)]) expect(after('INTERNAL_ERROR', parts).kind).toBe('again');
  expect(after('TIMEOUT').kind).toBe('again');
});

test('what would be as wrong again is over at once', () => {
  const codes: readonly ErrorCode[] = ['UPSTREAM_REJECTED', 'INVALID_VALUE', 'MODEL_NOT_FOUND', 'FORBIDDEN', 'INTERNAL_ERROR', 'BUDGET_EXCEEDED'];
  for (const code of codes) expect(after(code)).toEqual({ kind: 'over' });
  expect(after('INTERNAL_ERROR', failedWith(401))).toEqual({ kind: 'over' });
  expect(after('INTERNAL_ERROR', failedWith(200, { finish_reason: 'length' }))).toEqual({ kind: 'over' });
});

test('a provider that limits us is waited for longer than it asks, never less', () => {
  expect(after('UPSTREAM_RATE_LIMITED', { retryAfterMs: 30_000 })).toEqual({ kind: 'again', ms: 30_000, counts: true });
  expect(after('UPSTREAM_RATE_LIMITED', {}, 12)).toEqual({ kind: 'again', ms: 60_000, counts: true });
  expect(after('UPSTREAM_RATE_LIMITED', {}, 16)).toEqual({ kind: 'over' });
});

test("the caller's own limits, and a provider that nobody asks now, cost the row no attempt", () => {
  expect(after('RATE_LIMIT_EXCEEDED', { retryAfterMs: 5000 }, 100)).toEqual({ kind: 'again', ms: 5000, counts: false });
  expect(after('SERVICE_UNAVAILABLE', {}, 100)).toEqual({ kind: 'again', ms: 1000, counts: false });
});

test('a budget of which a part is only set aside may have room again', () => {
  expect(after('BUDGET_EXCEEDED', { details: { reserved: 0.5 } }).kind).toBe('again');
  expect(after('BUDGET_EXCEEDED', { details: { reserved: 0 } }).kind).toBe('over');
});
