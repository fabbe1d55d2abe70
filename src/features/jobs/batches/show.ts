import type { App } from '../../../app.ts';
import type { BatchesQuery, BatchParams } from '../../../contract/batches.ts';
import { AppError } from '../../../contract/errors.ts';
import { isId } from '../../../contract/paging.ts';
import type { Exchange, Reply } from '../../../http/route.ts';
import { assertCan } from '../change.ts';
import { type JobRow, updateJob, wakeProcessors } from '../store.ts';
import { batchObject } from './batch.ts';
import { findBatch, listBatches, lockBatch } from './store.ts';

type OfOne = Exchange<BatchParams, unknown, undefined>;

export async function showBatch(app: App, { principal: { projectId }, params: { id } }: OfOne): Promise<Reply> {
  const job = isId(id) ? await app.inProject(projectId, (db) => findBatch(db, projectId, id)) : null;
  return { json: batchObject(there(job, id)) };
}

export async function showBatches(app: App, { principal: { projectId }, query }: Exchange<undefined, BatchesQuery, undefined>): Promise<Reply> {
  const { after, limit } = query;
  if (after !== undefined && !isId(after)) throw new AppError('INVALID_VALUE', { field: 'after', message: 'after must be the last_id of the page before' });
  const rows = await app.inProject(projectId, (db) => listBatches(db, projectId, { after, rowsMax: limit + 1 }));
  const data = rows.slice(0, limit).map(batchObject);
  return { json: { object: 'list', data, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null, has_more: rows.length > limit } };
}

/** What was answered stays; every other request is told that it was cancelled. */
export async function cancelBatch(app: App, exchange: OfOne): Promise<Reply> {
  const { principal, params } = exchange;
  const { projectId } = principal;
  const at = new Date(app.clock.now());
  const job = await app.inProject(projectId, async (db) => {
    const before = there(isId(params.id) ? await lockBatch(db, projectId, params.id) : null, params.id);
    assertCan('cancel', before);
    const after = await updateJob(db, before.id, { cancel_asked_at: before.cancel_asked_at ?? at, updated_at: at });
    await wakeProcessors(db, before.id);
    await app.audit(db, exchange, { action: 'job.cancel', projectId, targetId: before.id });
    return after;
  });
  return { json: batchObject(job) };
}

function there(job: JobRow | null, id: string): JobRow {
  if (job) return job;
  throw new AppError('NOT_FOUND', { message: `No batch found with id '${id.slice(0, 200)}'.`, field: 'id' });
}
