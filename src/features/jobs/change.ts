import type { App } from '../../app.ts';
import { AppError } from '../../contract/errors.ts';
import type { JobChange, JobParams } from '../../contract/jobs.ts';
import { isId } from '../../contract/paging.ts';
import { isOver, type JobDeed, type JobState, obstacleTo } from '../../core/job-state.ts';
import type { Exchange, Reply } from '../../http/route.ts';
import { jobColumns } from './columns.ts';
import { assertMayFill, reachOfJobs } from './creator.ts';
import { retryRows } from './rows/retry.ts';
import { keepScheduleOf } from './schedules/of-job.ts';
import { jobFacts, jobReply, there } from './show.ts';
import { type Db, type JobRow, lockJob, updateJob, wakeProcessors } from './store.ts';

type OfOne<Body = undefined> = Exchange<JobParams, undefined, Body>;
type Changing = { readonly db: Db; readonly before: JobRow; readonly at: Date };

/** They tell of a job and change nothing of what it does; the budget counts from then on. */
const DESCRIBING: ReadonlySet<string> = new Set(['name', 'description', 'metadata', 'webhook_url', 'budget_usd'] satisfies (keyof JobChange)[]);

export async function changeJob(app: App, exchange: OfOne<JobChange>): Promise<Reply> {
  const { body, principal } = exchange;
  const json = await changing(app, exchange, async ({ db, before, at }) => {
    assertMayFill(before, principal);
    assertCan(Object.keys(body).every((field) => DESCRIBING.has(field)) ? 'describe' : 'configure', before);
    if (templateChanges(body, before))
      throw new AppError('CONFLICT', { message: 'The job has requests already, which are for what they go to now', field: 'endpoint' });
    const after = await updateJob(db, before.id, { ...(await jobColumns(app, db, { body, principal, before })), updated_at: at });
    await keepScheduleOf(app, db, { job: after, schedule: body.schedule });
    await app.audit(db, exchange, { ...deed('job.update', before), before: jobFacts(before), after: jobFacts(after) });
    return jobReply(db, after);
  });
  return { json };
}

/** Requests that are there were checked against endpoint and template. */
function templateChanges({ endpoint, template_id: templateId }: JobChange, before: JobRow): boolean {
  if (before.total_requests === 0) return false;
  return (endpoint !== undefined && endpoint !== before.endpoint) || (templateId !== undefined && templateId !== before.template_id);
}

export async function submitJob(app: App, exchange: OfOne): Promise<Reply> {
  const json = await changing(app, exchange, async ({ db, before, at }) => {
    assertCan('submit', before);
    if (before.status !== 'pending') return jobReply(db, before);
    const after = await updateJob(db, before.id, { submitted_at: before.submitted_at ?? at, hold: false, not_before: null, updated_at: at });
    await wakeProcessors(db, before.id);
    await app.audit(db, exchange, deed('job.submit', before));
    return jobReply(db, after);
  });
  return { status: 202, json };
}

export async function cancelJob(app: App, exchange: OfOne): Promise<Reply> {
  const json = await changing(app, exchange, async ({ db, before, at }) => {
    assertCan('cancel', before);
    const after = await askToCancel(db, before, at);
    await app.audit(db, exchange, deed('job.cancel', before));
    return jobReply(db, after);
  });
  return { status: 202, json };
}

export async function retryJob(app: App, exchange: OfOne): Promise<Reply> {
  const json = await changing(app, exchange, async ({ db, before, at }) => {
    assertCan('retry', before);
    const after = await retryRows(db, before, at);
    await wakeProcessors(db, before.id);
    await app.audit(db, exchange, { ...deed('job.retry', before), before: { status: before.status, failed_requests: before.failed_requests } });
    return jobReply(db, after);
  });
  return { status: 202, json };
}

/** It is gone for everybody at once. What runs of it is cancelled, upstream too, and its rows go later. */
export async function deleteJob(app: App, exchange: OfOne): Promise<Reply> {
  await changing(app, exchange, async ({ db, before, at }) => {
    if (before.status === 'pending') await updateJob(db, before.id, { status: 'cancelled', completed_at: at });
    else if (!isOver(before.status)) await askToCancel(db, before, at);
    await updateJob(db, before.id, { deleted_at: at, updated_at: at });
    await app.audit(db, exchange, { ...deed('job.delete', before), before: jobFacts(before) });
  });
  return { status: 204 };
}

/** The processors do it, and wait for what is on its way. */
async function askToCancel(db: Db, job: JobRow, at: Date): Promise<JobRow> {
  const after = await updateJob(db, job.id, { cancel_asked_at: job.cancel_asked_at ?? at, updated_at: at });
  await wakeProcessors(db, job.id);
  return after;
}

function deed(action: string, { project_id: projectId, id }: JobRow): { readonly action: string; readonly projectId: string; readonly targetId: string } {
  return { action, projectId, targetId: id };
}

/** In one transaction of its project, in which nobody else changes this job. */
function changing<Result>(app: App, { principal, params: { id } }: OfOne<unknown>, run: (of: Changing) => Promise<Result>): Promise<Result> {
  return app.inProject(principal.projectId, async (db) => {
    const before = there(isId(id) ? await lockJob(db, id, reachOfJobs(principal)) : null, id);
    return run({ db, before, at: new Date(app.clock.now()) });
  });
}

/** What was made in the words of another vendor keeps to the rules of that: its requests are what it was made of, and once it is over it stays so. */
const NOT_OF_BATCHES: ReadonlySet<JobDeed> = new Set(['add', 'configure', 'retry']);

export function assertCan(wanted: JobDeed, job: JobRow): void {
  if (job.surface !== 'native' && NOT_OF_BATCHES.has(wanted)) {
    const made = job.surface === 'openai' ? '/v1/batches' : '/v1/messages/batches';
    throw new AppError('CONFLICT', { message: `This was made at ${made}, where a batch stays what it was made of`, details: { status: job.status } });
  }
  const obstacle = obstacleTo(wanted, stateOf(job));
  if (obstacle === null) return;
  throw new AppError('CONFLICT', { message: `${obstacle.charAt(0).toUpperCase()}${obstacle.slice(1)}`, details: { status: job.status } });
}

function stateOf(job: JobRow): JobState {
  const { status, total_requests: requests, completed_requests: completed, failed_requests: failed } = job;
  const isSubmitted = job.submitted_at !== null;
  return { status, isSubmitted, isCancelAsked: job.cancel_asked_at !== null, requests, failed, open: requests - completed - failed };
}
