import { describe, expect, test } from 'bun:test';
import { JOB_STATUSES } from '../contract/jobs.ts';
import { isOver, type JobDeed, type JobState, obstacleTo } from './job-state.ts';

const DEEDS: readonly JobDeed[] = ['add', 'configure', 'describe', 'submit', 'cancel', 'retry'];
const NEW: JobState = { status: 'pending', isSubmitted: false, isCancelAsked: false, requests: 3, failed: 0, open: 3 };

function allowed(state: JobState): readonly JobDeed[] {
  return DEEDS.filter((deed) => obstacleTo(deed, state) === null);
}

test.each([
  ['new', NEW, ['add', 'configure', 'describe', 'submit', 'cancel']],
  ['new and empty', { ...NEW, requests: 0, open: 0 }, ['add', 'configure', 'describe', 'cancel']],
  ['submitted, and not begun', { ...NEW, isSubmitted: true }, ['describe', 'submit', 'cancel']],
  ['to be cancelled, and not begun', { ...NEW, isCancelAsked: true }, ['describe', 'cancel']],
] as const)('a job that is %s lets %j', (_what, state, deeds) => {
  expect(allowed(state)).toEqual([...deeds]);
});

describe.each(JOB_STATUSES.filter((status) => status !== 'pending'))('a job that is %s', (status) => {
  const over = isOver(status);
  test('is never added to or configured', () => {
    expect(allowed({ ...NEW, status, isSubmitted: true }).filter((deed) => ['add', 'configure'].includes(deed))).toEqual([]);
  });
  test(over ? 'is not submitted any more' : 'is submitted already, and may be told so again', () => {
    expect(obstacleTo('submit', { ...NEW, status, isSubmitted: true }) === null).toBe(!over);
  });
  test(over ? 'is retried where something failed or was left' : 'is not retried yet', () => {
    expect(obstacleTo('retry', { ...NEW, status, failed: 1, open: 0 }) === null).toBe(over);
    expect(obstacleTo('retry', { ...NEW, status, failed: 0, open: 2 }) === null).toBe(over);
    expect(obstacleTo('retry', { ...NEW, status, failed: 0, open: 0 })).not.toBeNull();
  });
  test(over ? 'is not cancelled any more' : 'can be cancelled, twice too', () => {
    expect(obstacleTo('cancel', { ...NEW, status, isCancelAsked: true }) === null).toBe(!over);
  });
  test('says so where something cannot be done', () => {
    expect(obstacleTo('add', { ...NEW, status })).toContain(status);
  });
});

test('five states are ends', () => {
  expect(JOB_STATUSES.filter(isOver)).toEqual(['completed', 'completed_with_errors', 'failed', 'cancelled', 'expired']);
});
