import type { App } from '../../../app.ts';
import { AppError } from '../../../contract/errors.ts';
import type { MessageBatchesQuery, MessageBatchParams } from '../../../contract/message-batches.ts';
import { isId } from '../../../contract/paging.ts';
import { isOver } from '../../../core/job-state.ts';
import type { Exchange, Reply } from '../../../http/route.ts';
import { assertCan } from '../change.ts';
import { type Db, type JobRow, updateJob, wakeProcessors } from '../store.ts';
import { messageBatch, messageBatches } from './batch.ts';
import { findMessageBatch, listMessageBatches, lockMessageBatch } from './store.ts';

export type OfOne = Exchange<MessageBatchParams, unknown, undefined>;

export async function showMessageBatch(app: App, exchange: OfOne): Promise<Reply> {
  const { projectId } = exchange.principal;
  return { json: await app.inProject(projectId, async (db) => messageBatch(db, await messageBatchAt(db, exchange))) };
}

export async function showMessageBatches(app: App, { principal: { projectId }, query }: Exchange<undefined, MessageBatchesQuery, undefined>): Promise<Reply> {
  const { limit, after_id: after, before_id: before } = query;
  for (const [field, id] of Object.entries({ after_id: after, before_id: before })) {
    if (id !== undefined && !isId(id)) throw new AppError('INVALID_VALUE', { field, message: `${field} must be the id of a batch` });
  }
  const json = await app.inProject(projectId, async (db) => {
    const rows = await listMessageBatches(db, projectId, { after, before, rowsMax: limit + 1 });
    const page = rows.slice(0, limit);
    const data = await messageBatches(db, before === undefined ? page : page.toReversed());
    return { data, has_more: rows.length > limit, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null };
  });
  return { json };
}

/** What was answered stays; every other request is told that it was cancelled. */
export async function cancelMessageBatch(app: App, exchange: OfOne): Promise<Reply> {
  const { projectId } = exchange.principal;
  const json = await changing(app, exchange, async (db, before) => {
    assertCan('cancel', before);
    const after = await askToCancel(app, db, before);
    await app.audit(db, exchange, { action: 'job.cancel', projectId, targetId: before.id });
    return messageBatch(db, after);
  });
  return { json };
}

/** One that still runs is cancelled first. */
export async function removeMessageBatch(app: App, exchange: OfOne): Promise<Reply> {
  const { projectId } = exchange.principal;
  await changing(app, exchange, async (db, before) => {
    if (!isOver(before.status)) await askToCancel(app, db, before);
    await updateJob(db, before.id, { deleted_at: new Date(app.clock.now()) });
    await app.audit(db, exchange, { action: 'job.delete', projectId, targetId: before.id });
  });
  return { json: { id: exchange.params.id, type: 'message_batch_deleted' } };
}

async function askToCancel(app: Pick<App, 'clock'>, db: Db, job: JobRow): Promise<JobRow> {
  const at = new Date(app.clock.now());
  const after = await updateJob(db, job.id, { cancel_asked_at: job.cancel_asked_at ?? at, updated_at: at });
  await wakeProcessors(db, job.id);
  return after;
}

function changing<Result>(app: App, { principal: { projectId }, params: { id } }: OfOne, run: (db: Db, before: JobRow) => Promise<Result>): Promise<Result> {
  return app.inProject(projectId, async (db) => run(db, there(isId(id) ? await lockMessageBatch(db, projectId, id) : null, id)));
}

export async function messageBatchAt(db: Db, { principal: { projectId }, params: { id } }: OfOne): Promise<JobRow> {
  return there(isId(id) ? await findMessageBatch(db, projectId, id) : null, id);
}

function there(job: JobRow | null, id: string): JobRow {
  if (job) return job;
  throw new AppError('NOT_FOUND', { message: `There is no message batch ${JSON.stringify(id.slice(0, 100))}` });
}
