import { describe, expect, test } from 'bun:test';
import { createFairShare, shareOut, type Sharer } from './fair-share.ts';

type Job = Sharer & { rows: number };

/** Rows take one round each; says after how many rounds each job was through. */
function rounds(jobs: readonly Job[], slots: number): Record<string, number> {
  const share = createFairShare();
  const over: Record<string, number> = {};
  for (let round = 1; jobs.some(({ rows }) => rows > 0); round++) {
    const running: Job[] = [];
    while (running.length < slots) {
      const job = share.next(jobs.filter(({ rows }) => rows > 0));
      if (job === null) break;
      job.rows--;
      share.began(job);
      running.push(job);
    }
    for (const job of running) {
      share.ended(job);
      if (job.rows === 0) over[job.id] ??= round;
    }
  }
  return over;
}

test('a small job is through in twice the time that it would take alone, however large the other one is', () => {
  const over = rounds(
    [
      { id: 'large', projectId: 'one', rows: 100_000 },
      { id: 'small', projectId: 'one', rows: 100 },
    ],
    16,
  );
  expect(over['small']).toBe(13);
  expect(over['large']).toBe(Math.ceil(100_100 / 16));
});

test('a project with many jobs gets no more than one with a single job', () => {
  const many = Array.from({ length: 50 }, (_, nth) => ({ id: `many-${nth}`, projectId: 'many', rows: 100 }));
  const over = rounds([...many, { id: 'single', projectId: 'single', rows: 80 }], 16);
  expect(over['single']).toBe(10);
});

test('who wants nothing gets nothing, and a job that is alone gets everything', () => {
  expect(createFairShare().next([])).toBeNull();
  expect(rounds([{ id: 'alone', projectId: 'one', rows: 160 }], 16)).toEqual({ alone: 10 });
});

test('what has ended counts no more', () => {
  const share = createFairShare();
  const job = { id: 'job', projectId: 'one' };
  share.began(job);
  share.began(job);
  share.ended(job);
  expect(share.runningOf('job')).toBe(1);
  share.ended(job);
  expect([share.runningOf('job'), share.runningOf('nobody')]).toEqual([0, 0]);
});

function dealt(room: number, holders: readonly (readonly [project: string, has: number, wants?: boolean])[]): number[] {
  const all = holders.map(([projectId, has, wants = true], nth) => ({ id: `${nth}`, projectId, has, wants }));
  const rows = shareOut(room, all);
  return all.map((holder) => rows.get(holder) ?? 0);
}

describe('what there is room for', () => {
  test('goes to those who have least, project by project', () => {
    expect(
      dealt(8, [
        ['one', 0],
        ['one', 0],
      ]),
    ).toEqual([4, 4]);
    expect(
      dealt(8, [
        ['one', 6],
        ['one', 0],
      ]),
    ).toEqual([1, 7]);
    expect(
      dealt(8, [
        ['one', 0],
        ['one', 0],
        ['two', 0],
      ]),
    ).toEqual([2, 2, 4]);
    expect(
      dealt(4, [
        ['one', 8],
        ['one', 0],
        ['two', 2],
      ]),
    ).toEqual([0, 0, 4]);
  });

  test('is not kept for those who can use no more', () => {
    expect(
      dealt(8, [
        ['one', 0],
        ['two', 0, false],
      ]),
    ).toEqual([8, 0]);
    expect(dealt(8, [['one', 3, false]])).toEqual([0]);
    expect(dealt(0, [['one', 0]])).toEqual([0]);
  });
});
