import type { AppError } from '../../../contract/errors.ts';
import type { Principal } from '../../../contract/policy.ts';
import { callIds } from '../../../core/call-ids.ts';
import type { Cancellation } from '../../../core/cancellation.ts';
import { afterRow } from '../../../core/row-retry.ts';
import type { Answered } from '../../../http/ask.ts';
import { asAppError } from '../../../http/fail.ts';
import type { Outcome } from './outcomes.ts';
import { rowBody } from './row-body.ts';
import type { ClaimedRow, RunningJob } from './store.ts';
import { type JobsApp, principalOf } from './world.ts';

/** What came of running a row once: its outcome, or that it is to run again. */
export type Ended = {
  readonly provider: string | null;
  /** The last error, where there was one. */
  readonly error: AppError | null;
} & ({ readonly kind: 'outcome'; readonly outcome: Outcome } | { readonly kind: 'again'; readonly ms: number; readonly counts: boolean });

/** A row over which so many workers died is not tried again. */
const CRASHES_MAX = 5;

export async function runRow(app: JobsApp, job: RunningJob, { row, signal }: { readonly row: ClaimedRow; readonly signal: Cancellation }): Promise<Ended> {
  if (row.crashes >= CRASHES_MAX) return unasked(job, row, 'worker_lost', `${row.crashes} workers died while they ran this request, so it is not run again`);
  try {
    const principal = await principalOf(app, job);
    if (principal === null) return unasked(job, row, 'FORBIDDEN', 'Whoever made this job may not call any more: the key, the user or the project is gone');
    return await asked(app, job, { row, signal, principal });
  } catch (thrown) {
    const error = asAppError(thrown);
    const after = afterRow({ error, retries: row.retry_count, random: app.random() });
    return after.kind === 'again' ? { ...after, provider: null, error } : unasked(job, row, error.code, error.message);
  }
}

type Asking = { readonly row: ClaimedRow; readonly signal: Cancellation; readonly principal: Principal };

async function asked(app: JobsApp, job: RunningJob, { row, signal, principal }: Asking): Promise<Ended> {
  const { settings, defaultModel } = app.config();
  const at = row.ran_at.getTime();
  // The same when it is run again after a crash, and another one for each attempt.
  const name = `${job.id}-${row.line}-${at.toString(36)}`;
  const ids = callIds(`call_${name}`, at, row.again);
  const requestId = `req_${name}`;
  const logFields: Record<string, unknown> = {};
  const startedAt = app.clock.monotonic();
  const answered = await app.ask({
    path: job.endpoint,
    body: rowBody(job, row.body, defaultModel),
    principal,
    requestId,
    ids,
    jobId: job.id,
    signal,
    deadline: app.clock.now() + settings.requestTimeoutS * 1000,
    logFields,
  });
  const fields = {
    request_id: requestId,
    job_id: job.id,
    line: row.line,
    status: answered.status,
    ms: Math.round(app.clock.monotonic() - startedAt),
    ...logFields,
  };
  app.log.debug('a row of a job', fields);
  const { error, headers } = answered;
  const provider = headers['x-provider'] ?? upstreamOf(error);
  const after = error === null ? null : afterRow({ error, retries: row.retry_count, random: app.random() });
  if (after?.kind === 'again') return { ...after, provider, error };
  const outcome = { jobId: job.id, line: row.line, requestId, ...said(answered), model: headers['x-model'] ?? null, provider, ...ids.tally };
  return { kind: 'outcome', outcome, provider, error };
}

function said({ status, json, error }: Answered): Pick<Outcome, 'statusCode' | 'response' | 'error'> {
  return { statusCode: status, response: json, error: error && { code: error.code, message: error.message } };
}

function upstreamOf(error: AppError | null): string | null {
  const upstream = error?.parts.details?.['upstream'];
  if (typeof upstream !== 'object' || upstream === null || !('provider' in upstream)) return null;
  const { provider } = upstream;
  return typeof provider === 'string' ? provider : null;
}

function unasked(job: RunningJob, row: ClaimedRow, code: string, message: string): Ended {
  return { kind: 'outcome', outcome: unansweredOutcome(job.id, row.line, { code, message }), provider: null, error: null };
}

/** Of a row that nobody was asked for. */
export function unansweredOutcome(jobId: string, line: number, error: NonNullable<Outcome['error']>): Outcome {
  const nothing = { statusCode: null, requestId: null, response: null, model: null, provider: null };
  return { jobId, line, error, ...nothing, inputTokens: 0, cachedInputTokens: 0, outputTokens: 0, reasoningTokens: 0, costNanoUsd: 0, savedNanoUsd: 0 };
}
