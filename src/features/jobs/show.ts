import type { App } from '../../app.ts';
import { AppError } from '../../contract/errors.ts';
import type { JobListQuery, JobParams, JobReply } from '../../contract/jobs.ts';
import { isId } from '../../contract/paging.ts';
import type { Principal } from '../../contract/policy.ts';
import { usdOf } from '../../core/money.ts';
import type { Exchange, Reply } from '../../http/route.ts';
import { reachOfJobs } from './creator.ts';
import { pageAt, placeOf } from './place.ts';
import { countJobs, type Db, findJob, type JobRow, listJobs, listProviderBatches, type ProviderBatchRow } from './store.ts';

export async function showJob(app: App, { principal, params }: Exchange<JobParams, undefined, undefined>): Promise<Reply> {
  const reply = await app.inProject(principal.projectId, async (db) => jobReply(db, await jobAt(db, principal, params.id)));
  return { json: reply };
}

/** The job that a path names; what the caller may not see is not there. */
export async function jobAt(db: Db, principal: Principal, id: string): Promise<JobRow> {
  return there(isId(id) ? await findJob(db, id, reachOfJobs(principal)) : null, id);
}

export function there(job: JobRow | null, id: string): JobRow {
  if (job) return job;
  throw new AppError('NOT_FOUND', { message: `There is no job ${JSON.stringify(id.slice(0, 100))}` });
}

export async function showJobs(app: App, { principal, query }: Exchange<undefined, JobListQuery, undefined>): Promise<Reply> {
  const reach = reachOfJobs(principal);
  const wanted = { status: query.status ?? null, text: query.q?.trim() ?? '' };
  const place = placeOf(query);
  const json = await app.inProject(principal.projectId, async (db) => {
    const rows = await listJobs(db, { reach, wanted, place });
    const batches = await batchesOf(db, rows);
    const total = await countJobs(db, reach, wanted);
    return pageAt(place, { rows, total, cursorOf: ({ id }) => id, show: (job) => shown(job, batches.get(job.id) ?? []) });
  });
  return { json };
}

export async function jobReply(db: Db, job: JobRow): Promise<JobReply> {
  const batches = await batchesOf(db, [job]);
  return shown(job, batches.get(job.id) ?? []);
}

async function batchesOf(db: Db, jobs: readonly JobRow[]): Promise<ReadonlyMap<string, readonly ProviderBatchRow[]>> {
  const ids = jobs.filter((job) => job.chosen_engine === 'provider_batch').map((job) => job.id);
  return Map.groupBy(ids.length === 0 ? [] : await listProviderBatches(db, ids), (batch) => batch.job_id);
}

/** What the audit log keeps of a job. */
export function jobFacts(job: JobRow): Partial<JobReply> {
  const { name, description, endpoint, engine, model, max_tokens, temperature, template_id, hold, schedule, webhook_url, budget_usd, metadata, expires_at } =
    shown(job, []);
  return { name, description, endpoint, engine, model, max_tokens, temperature, template_id, hold, schedule, webhook_url, budget_usd, metadata, expires_at };
}

function shown(job: JobRow, batches: readonly ProviderBatchRow[]): JobReply {
  const { budget_nano_usd: budget, cost_nano_usd: cost, saved_nano_usd: saved } = job;
  return {
    id: job.id,
    name: job.name,
    description: job.description,
    status: job.status,
    endpoint: job.endpoint,
    engine: job.engine,
    chosen_engine: job.chosen_engine,
    engine_reason: job.engine_reason,
    model: job.model,
    max_tokens: job.max_tokens,
    temperature: job.temperature,
    template_id: job.template_id,
    hold: job.hold,
    schedule: job.schedule,
    schedule_id: job.schedule_id,
    webhook_url: job.webhook_url,
    budget_usd: budget === null ? null : usdOf(budget),
    metadata: job.metadata,
    total_requests: job.total_requests,
    completed_requests: job.completed_requests,
    failed_requests: job.failed_requests,
    input_tokens: job.input_tokens,
    output_tokens: job.output_tokens,
    cost_usd: usdOf(cost),
    saved_usd: usdOf(saved),
    provider_batches: batches.map(shownBatch),
    // OpenAI's are made of files, and nobody else's.
    openai_batch_id: batches.find(({ input_file_id: file, upstream_id: id }) => file !== null && id !== null)?.upstream_id ?? null,
    input_file_id: job.input_file_id,
    output_file_id: job.output_file_id,
    error_file_id: job.error_file_id,
    created_by: job.creator,
    created_at: job.created_at.toISOString(),
    updated_at: job.updated_at.toISOString(),
    submitted_at: timeOf(job.submitted_at),
    started_at: timeOf(job.started_at),
    completed_at: timeOf(job.completed_at),
    cancel_requested_at: timeOf(job.cancel_asked_at),
    expires_at: timeOf(job.expires_at),
    error: job.error,
  };
}

function shownBatch(batch: ProviderBatchRow): JobReply['provider_batches'][number] {
  return {
    id: batch.upstream_id ?? batch.id,
    provider: batch.provider,
    model: batch.model,
    requests: batch.requests,
    status: batch.upstream_status ?? batch.step,
    input_file_id: batch.input_file_id,
    output_file_id: batch.output_file_id,
    error_file_id: batch.error_file_id,
    created_at: batch.created_at.toISOString(),
  };
}

function timeOf(at: Date | null): string | null {
  return at?.toISOString() ?? null;
}
