import type { Announced } from '../../../../app.ts';
import { isOver } from '../../../../core/job-state.ts';
import { asAppError } from '../../../../http/fail.ts';
import { takeInFile } from '../../batches/take-in-file.ts';
import { writeFiles } from '../../batches/write-files.ts';
import type { JobColumns, JobRow } from '../../store.ts';
import type { JobsApp } from '../world.ts';
import { principalOf } from '../world.ts';
import { chooseEngineOf } from '../../provider-batches/choice.ts';
import { changeKept, endWaiting, isExpired } from './store.ts';

/** The next state of a job that is kept, as far as it goes now; null where nothing more can be done at the moment. To do it twice does no harm. */
export async function advance(app: JobsApp, job: JobRow): Promise<JobRow | null> {
  if (isOver(job.status)) return null;
  const why = await endingOf(app, job);
  if (why !== null && job.status !== 'finalizing') return end(app, job, why);
  switch (job.status) {
    case 'pending':
      return change(app, job, { status: 'validating', submitted_at: job.submitted_at ?? new Date(app.clock.now()), hold: false });
    case 'validating':
      return validate(app, job);
    case 'in_progress':
      return isThrough(job) ? change(app, job, { status: 'finalizing' }) : null;
    case 'finalizing':
      return finish(app, job);
    default:
      return null;
  }
}

type Why = { readonly code: string; readonly message: string };

const CANCELLED: Why = { code: 'batch_cancelled', message: 'This request was not run, because its job was cancelled' };
const EXPIRED: Why = { code: 'batch_expired', message: 'This request was not run, because the time of its job was over' };

/** Why a job goes no further, where it does not: it was cancelled, its time is over, or it could not begin. It is written down as soon as it is known. */
async function endingOf({ inProject }: JobsApp, job: JobRow): Promise<Why | null> {
  if (job.cancel_asked_at !== null) return CANCELLED;
  const { code, message } = job.error ?? {};
  if (code === EXPIRED.code) return EXPIRED;
  if (typeof code === 'string') return { code, message: String(message) };
  const isTooLate = job.expires_at !== null && (await inProject(job.project_id, (db) => isExpired(db, job.id)));
  return isTooLate ? EXPIRED : null;
}

const ENDED_AT_ONCE = 5000;

/** Gives every request without an outcome one that says why, except those that still run: they are ended by whoever runs them, and wait again then. */
async function end(app: JobsApp, job: JobRow, why: Why): Promise<JobRow | null> {
  let kept: JobRow | null = job.error === null && why !== CANCELLED ? await change(app, job, { error: JSON.stringify(why) }) : job;
  for (let ended = ENDED_AT_ONCE; kept !== null && ended === ENDED_AT_ONCE;) {
    const { id, keeper } = kept;
    const step = await app.inProject(job.project_id, (db) => endWaiting(db, { id, keeper }, { error: why, atOnce: ENDED_AT_ONCE }));
    kept = step && step.job;
    ended = step?.ended ?? 0;
  }
  return kept !== null && isThrough(kept) ? change(app, kept, { status: 'finalizing' }) : null;
}

async function validate(app: JobsApp, job: JobRow): Promise<JobRow | null> {
  if (job.input_file_id !== null && job.total_requests === 0) return takeInFile(app, job);
  try {
    const { engine, reason } = await chooseEngineOf(app, job);
    if ((await principalOf(app, job)) === null)
      return await cannotBegin(app, job, { code: 'FORBIDDEN', message: 'Whoever made this job may not call any more' });
    const started = { started_at: job.started_at ?? new Date(app.clock.now()) };
    return await change(app, job, { status: 'in_progress', chosen_engine: engine, engine_reason: reason, ...started });
  } catch (thrown) {
    const { code, message } = asAppError(thrown);
    // What is not so for good is looked at again by the next tick.
    if (code === 'SERVICE_UNAVAILABLE' || code === 'INTERNAL_ERROR') throw thrown;
    return cannotBegin(app, job, { code, message });
  }
}

function cannotBegin(app: JobsApp, job: JobRow, why: Why): Promise<JobRow | null> {
  return change(app, job, { error: JSON.stringify(why) });
}

/** The last state, and the word of it to whoever wants to know, in one transaction. */
async function finish(app: JobsApp, through: JobRow): Promise<JobRow | null> {
  const job = through.surface === 'openai' ? await writeFiles(app, through) : through;
  if (job === null) return null;
  const status = lastStatus(job);
  return app.inProject(job.project_id, async (db) => {
    const finished = await changeKept(db, job, { status, completed_at: new Date(app.clock.now()) });
    if (finished === null) return null;
    if (job.deleted_at === null) await app.announce(db, { type: ANNOUNCED[status], projectId: job.project_id, subjectId: job.id, url: job.webhook_url });
    app.log.info('a job is over', {
      job_id: job.id,
      status,
      completed: job.completed_requests,
      failed: job.failed_requests,
      cost_usd: job.cost_nano_usd / 1e9,
    });
    return finished;
  });
}

type LastStatus = 'completed' | 'completed_with_errors' | 'failed' | 'cancelled' | 'expired';

const ANNOUNCED: Readonly<Record<LastStatus, Announced['type']>> = {
  completed: 'batch.completed',
  completed_with_errors: 'batch.completed',
  failed: 'batch.failed',
  cancelled: 'batch.cancelled',
  expired: 'batch.expired',
};

function lastStatus({ cancel_asked_at: cancelAskedAt, error, completed_requests: completed, failed_requests: failed, surface }: JobRow): LastStatus {
  if (cancelAskedAt !== null) return 'cancelled';
  if (error?.['code'] === EXPIRED.code) return 'expired';
  if (error !== null) return 'failed';
  if (failed === 0) return 'completed';
  // In OpenAI's words only one that could not begin has failed.
  return completed === 0 && surface === 'native' ? 'failed' : 'completed_with_errors';
}

function isThrough({ completed_requests: completed, failed_requests: failed, total_requests: total }: JobRow): boolean {
  return completed + failed >= total;
}

function change(app: JobsApp, job: JobRow, columns: JobColumns): Promise<JobRow | null> {
  return app.inProject(job.project_id, (db) => changeKept(db, job, columns));
}
