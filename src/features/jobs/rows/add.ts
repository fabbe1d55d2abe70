import type { App } from '../../../app.ts';
import { AppError, invalidValue } from '../../../contract/errors.ts';
import type { NewRowsBody, NewRowsQuery } from '../../../contract/job-rows.ts';
import type { JobParams } from '../../../contract/jobs.ts';
import { isId } from '../../../contract/paging.ts';
import type { Template } from '../../../core/template.ts';
import type { Exchange, Reply } from '../../../http/route.ts';
import { assertCan } from '../change.ts';
import { assertMayFill, reachOfJobs } from '../creator.ts';
import { there } from '../show.ts';
import { type JobRow, lockJob, updateJob } from '../store.ts';
import { templateOf } from '../template.ts';
import { arrayRows, checkedRows, jsonlRows } from './read.ts';
import { type RawRow, rowCheck } from './row.ts';
import { openTable } from './table.ts';
import { takeIn } from './take-in.ts';

type Adding = Exchange<JobParams, NewRowsQuery, NewRowsBody | undefined>;
type Source = { readonly rows: AsyncIterable<RawRow> | Iterable<RawRow>; readonly columns: readonly string[] | null };

/** Adds requests to a job, all that came or none. */
export async function addRequests(app: App, exchange: Adding): Promise<Reply> {
  const { principal, params } = exchange;
  const json = await app.inProject(principal.projectId, async (db) => {
    const job = there(isId(params.id) ? await lockJob(db, params.id, reachOfJobs(principal)) : null, params.id);
    assertMayFill(job, principal);
    assertCan('add', job);
    const template = job.template_id === null ? null : await templateOf(db, { projectId: job.project_id, id: job.template_id });
    const source = await sourceOf(exchange, job, template);
    const check = rowCheck({ job, template, defaultModel: app.config().defaultModel });
    const added = await takeIn(db, job, checkedRows(source.rows, check));
    if (added === 0) throw new AppError('INVALID_VALUE', { message: 'There is no request in this body' });
    const columns = source.columns === null ? {} : { columns: JSON.stringify(source.columns) };
    await updateJob(db, job.id, { ...columns, updated_at: new Date(app.clock.now()) });
    return { job_id: job.id, added, total_requests: job.total_requests + added };
  });
  exchange.logFields['job_id'] = json.job_id;
  exchange.logFields['requests'] = json.added;
  return { status: 201, json };
}

async function sourceOf({ body, bodyStream, query }: Adding, job: JobRow, template: Template | null): Promise<Source> {
  if (query.map !== undefined && bodyStream?.type !== 'text/csv') throw invalidValue('map', 'is for text/csv alone: only a table has columns');
  if (bodyStream?.type === 'text/csv') {
    const opening = { endpoint: job.endpoint, template, map: query.map, columnsBefore: job.columns ?? [] };
    const table = await openTable(bodyStream.read(), opening);
    return { rows: table.rows(), columns: table.columns };
  }
  if (bodyStream) return { rows: jsonlRows(bodyStream.read()), columns: null };
  const requests = Array.isArray(body) ? body : (body?.requests ?? []);
  return { rows: arrayRows(requests), columns: null };
}
