import { type App, EVERY_PROJECT } from '../../../app.ts';
import { insertOutcomes, type Recorded, type RowOutcome } from './store.ts';

/** The outcome of a row of a job. */
export type Outcome = RowOutcome & { readonly jobId: string };

/**
 * Stores outcomes, with the sums of their jobs, where the claim still stands: of a row that somebody else has by now, or that is done, nothing is
 * changed. Each job by itself, so that those who write to the same ones never wait for each other in a circle. Answers for each job what was stored.
 */
export async function recordOutcomes(app: Pick<App, 'inProject'>, claimedBy: string, outcomes: readonly Outcome[]): Promise<ReadonlyMap<string, Recorded>> {
  const recorded = new Map<string, Recorded>();
  for (const [jobId, ofJob] of byJob(outcomes)) {
    recorded.set(jobId, await app.inProject(EVERY_PROJECT, (db) => insertOutcomes(db, { jobId, claimedBy }, ofJob)));
  }
  return recorded;
}

export function byJob<Each extends { readonly jobId: string }>(all: readonly Each[]): ReadonlyMap<string, Each[]> {
  return Map.groupBy(all, ({ jobId }) => jobId);
}
