import { type App, EVERY_PROJECT } from '../../../app.ts';
import { byJob, type Outcome, recordOutcomes } from './outcomes.ts';
import { putBack, type PutBack } from './store.ts';

/** What is to be written of rows: outcomes, and those that are to run again. They wait a moment for others, and for a database that is away. */
export type Writer = {
  readonly add: (claimedBy: string, written: Written) => void;
  readonly waiting: () => number;
  /** Resolves when everything is written. */
  readonly flushed: () => Promise<void>;
};

export type Written = { readonly outcome: Outcome } | { readonly jobId: string; readonly back: PutBack };
type Entry = { readonly claimedBy: string; readonly written: Written };

type Needs = Pick<App, 'inProject' | 'clock' | 'log'> & {
  /** How many requests of a job have no outcome yet, after some were stored. */
  readonly onStored: (jobId: string, open: number) => void;
  readonly onBack: (jobId: string) => void;
  readonly onWritten: () => void;
};

const GATHER_MS = 15;
const BATCH_MAX = 500;
const WAITS_MS = [100, 250, 500, 1000, 2000] as const;
/** Classes 22 and 23 of Postgres: what was to be written, and not the moment, is at fault. */
const BAD_VALUE = /^2[23]/;

export function createWriter(needs: Needs): Writer {
  const waiting: Entry[] = [];
  let held = 0;
  let flushing: Promise<void> | null = null;

  const flush = async (): Promise<void> => {
    while (waiting.length > 0) {
      await needs.clock.sleep(GATHER_MS);
      const batch = waiting.splice(0, BATCH_MAX);
      for (const [claimedBy, entries] of Map.groupBy(batch, (entry) => entry.claimedBy)) {
        await writePatiently(
          needs,
          claimedBy,
          entries.map(({ written }) => written),
        );
      }
      held -= batch.length;
      needs.onWritten();
    }
    flushing = null;
  };
  return {
    add(claimedBy, written) {
      waiting.push({ claimedBy, written });
      held++;
      flushing ??= flush();
    },
    waiting: () => held,
    flushed: () => flushing ?? Promise.resolve(),
  };
}

async function writePatiently(needs: Needs, claimedBy: string, all: readonly Written[]): Promise<void> {
  for (let failures = 0; ; failures++) {
    try {
      return await write(needs, claimedBy, all);
    } catch (cause) {
      if (isBadValue(cause)) return writeEach(needs, claimedBy, all);
      if (failures === 0) needs.log.warning('what came of rows of jobs cannot be stored yet', { rows: all.length, reason: String(cause) });
      await needs.clock.sleep(WAITS_MS[Math.min(failures, WAITS_MS.length - 1)] ?? 0);
    }
  }
}

async function write(needs: Needs, claimedBy: string, all: readonly Written[]): Promise<void> {
  const outcomes = all.flatMap((written) => ('outcome' in written ? [written.outcome] : []));
  const late = new Set(outcomes);
  for (const [jobId, { lines, open }] of await recordOutcomes(needs, claimedBy, outcomes)) {
    const stored = new Set(lines);
    for (const outcome of outcomes) if (outcome.jobId === jobId && stored.has(outcome.line)) late.delete(outcome);
    needs.onStored(jobId, open);
  }
  for (const { jobId, line } of late) needs.log.warning('an outcome came too late: others have that row', { job_id: jobId, line, worker: claimedBy });
  const backs = all.flatMap((written) => ('back' in written ? [written] : []));
  for (const [jobId, rows] of byJob(backs)) {
    const given = rows.map(({ back }) => back);
    await needs.inProject(EVERY_PROJECT, (db) => putBack(db, { jobId, claimedBy }, given));
    needs.onBack(jobId);
  }
}

/** One answer that cannot be kept must not keep the others from it; its row has an outcome all the same. */
async function writeEach(needs: Needs, claimedBy: string, all: readonly Written[]): Promise<void> {
  if (all.length > 1) {
    for (const each of all) await writePatiently(needs, claimedBy, [each]);
    return;
  }
  const [written] = all;
  const outcome = written && 'outcome' in written ? written.outcome : null;
  needs.log.error('what came of a row of a job cannot be stored', { job_id: outcome?.jobId, line: outcome?.line, request_id: outcome?.requestId });
  if (outcome === null || outcome.response === null) return;
  const error = { code: 'INTERNAL_ERROR', message: 'The answer to this request cannot be kept in the database' };
  await writePatiently(needs, claimedBy, [{ outcome: { ...outcome, response: null, error } }]);
}

function isBadValue(cause: unknown): boolean {
  return typeof cause === 'object' && cause !== null && 'code' in cause && BAD_VALUE.test(String(cause.code));
}
