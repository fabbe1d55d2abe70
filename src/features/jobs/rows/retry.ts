import { type Db, type JobRow, updateJob } from '../store.ts';
import { reopenFailed } from './store.ts';

const PIECE_ROWS = 20_000;

/**
 * Takes the failed outcomes of a job away, so that their requests wait again; what was left without an outcome does so by itself. What they cost
 * stays in the sums: it was spent.
 */
export async function retryRows(db: Db, job: JobRow, at: Date): Promise<JobRow> {
  // Each statement takes its time, so that a job of a million is no single one of minutes; they are one transaction nevertheless.
  while ((await reopenFailed(db, job.id, PIECE_ROWS)) === PIECE_ROWS);
  const window = job.expires_at === null ? null : job.expires_at.getTime() - (job.submitted_at ?? job.created_at).getTime();
  return updateJob(db, job.id, {
    // One that could not begin has to be looked at anew.
    status: job.chosen_engine === null ? 'pending' : 'in_progress',
    failed_requests: 0,
    error: null,
    cancel_asked_at: null,
    submitted_at: at,
    completed_at: null,
    expires_at: window === null ? null : new Date(at.getTime() + window),
    updated_at: at,
  });
}
