import type { App } from '../../../app.ts';
import { invalidValue } from '../../../contract/errors.ts';
import type { JobOutcome, OutcomeListQuery, RequestListQuery } from '../../../contract/job-rows.ts';
import type { JobParams } from '../../../contract/jobs.ts';
import { usdOf } from '../../../core/money.ts';
import type { Exchange, Reply } from '../../../http/route.ts';
import { pageAt, placeOf } from '../place.ts';
import { jobAt } from '../show.ts';
import type { JobRow } from '../store.ts';
import { exportOutcomes } from './export.ts';
import { listOutcomes, listRequests, type Outcome } from './store.ts';

export async function showRequests(app: App, { principal, params, query }: Exchange<JobParams, RequestListQuery, undefined>): Promise<Reply> {
  const place = placeOf(query);
  const { custom_id: customId = null, status: state = null } = query;
  const json = await app.inProject(principal.projectId, async (db) => {
    const job = await jobAt(db, principal, params.id);
    const isWhole = state === null && customId === null;
    const rows = await listRequests(db, { jobId: job.id, state, customId, place: isWhole ? counted(atLine(place)) : atLine(place) });
    const total = isWhole ? job.total_requests : null;
    return pageAt(place, { rows, total, cursorOf, show: (row) => row });
  });
  return { json };
}

export async function showOutcomes(app: App, { principal, params, query }: Exchange<JobParams, OutcomeListQuery, undefined>): Promise<Reply> {
  const { format, custom_id: customId = null, status = null } = query;
  if (format !== undefined) {
    assertWhole(query);
    const job = await app.inProject(principal.projectId, (db) => jobAt(db, principal, params.id));
    return exportOutcomes(app, job, { format, status: query.status });
  }
  const place = placeOf(query);
  const failed = status === null ? null : status === 'failed';
  const json = await app.inProject(principal.projectId, async (db) => {
    const job = await jobAt(db, principal, params.id);
    const total = customId === null ? totalOf(job, status) : null;
    const isWhole = failed === null && total === job.total_requests;
    const rows = await listOutcomes(db, { jobId: job.id, failed, customId, place: isWhole ? counted(atLine(place)) : nearer(atLine(place), total) });
    return pageAt(place, { rows, total, cursorOf, show: outcomeReply });
  });
  return { json };
}

function totalOf({ completed_requests: completed, failed_requests: failed }: JobRow, status: OutcomeListQuery['status'] | null): number {
  if (status === 'completed') return completed;
  return status === 'failed' ? failed : completed + failed;
}

/** A file has no pages. */
function assertWhole(query: OutcomeListQuery): void {
  const { format: _, status: __, ...rest } = query;
  const [field] = Object.entries(rest).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  if (field === undefined) return;
  throw invalidValue(field, 'cannot be given with format, which gives the whole');
}

function cursorOf({ line }: { readonly line: number }): string {
  return String(line);
}

type LinePlace = Parameters<typeof listOutcomes>[1]['place'];

/** Where no line is missing, so many to skip are a line to begin behind, which an index finds at once. */
function counted({ rowsMax, skip, after }: LinePlace): LinePlace {
  return { rowsMax, skip: 0, after: after ?? skip };
}

/** Rows are counted from the end that is nearer: a million of them take a while. */
function nearer(place: LinePlace, total: number | null): LinePlace {
  if (total === null || place.after !== null || place.skip <= total / 2) return place;
  const rowsMax = Math.max(0, Math.min(place.rowsMax, total - place.skip));
  return { rowsMax, skip: Math.max(0, total - place.skip - rowsMax), after: null, fromEnd: true };
}

function atLine({ rowsMax, skip, after }: ReturnType<typeof placeOf>): LinePlace {
  if (after === null) return { rowsMax, skip, after: null };
  if (/^\d{1,9}$/.test(after)) return { rowsMax, skip, after: Number(after) };
  throw invalidValue('cursor', 'must be the next_cursor of the page before');
}

function outcomeReply({ response, error, cost_nano_usd: cost, saved_nano_usd: saved, created_at: at, ...outcome }: Outcome): JobOutcome {
  return {
    line: outcome.line,
    custom_id: outcome.custom_id,
    status: error === null ? 'completed' : 'failed',
    status_code: outcome.status_code,
    request_id: outcome.request_id,
    response: response === null ? null : (JSON.parse(response) as unknown),
    error,
    model: outcome.model,
    provider: outcome.provider,
    input_tokens: outcome.input_tokens,
    output_tokens: outcome.output_tokens,
    cost_usd: usdOf(cost),
    saved_usd: usdOf(saved),
    retry_count: outcome.retry_count,
    created_at: at.toISOString(),
  };
}
