import type { MessageBatch } from '../../../contract/message-batches.ts';
import { isOver } from '../../../core/job-state.ts';
import type { Db, JobRow } from '../store.ts';
import { countUnanswered, type Unanswered } from './store.ts';

const NONE: Unanswered = { canceled: 0, expired: 0 };

/** Jobs in Anthropic's words. */
export async function messageBatches(db: Db, jobs: readonly JobRow[]): Promise<readonly MessageBatch[]> {
  const unsound = jobs.filter(({ status, failed_requests: failed }) => isOver(status) && failed > 0);
  const counts = await countUnanswered(
    db,
    unsound.map(({ id }) => id),
  );
  return jobs.map((job) => shown(job, counts.get(job.id) ?? NONE));
}

export async function messageBatch(db: Db, job: JobRow): Promise<MessageBatch> {
  const [batch] = await messageBatches(db, [job]);
  if (batch) return batch;
  throw new Error('a job was not shown');
}

function shown(job: JobRow, { canceled, expired }: Unanswered): MessageBatch {
  const ended = isOver(job.status);
  const { total_requests: total, completed_requests: succeeded, failed_requests: failed } = job;
  return {
    id: job.id,
    type: 'message_batch',
    processing_status: ended ? 'ended' : job.cancel_asked_at === null ? 'in_progress' : 'canceling',
    request_counts: ended
      ? { processing: 0, succeeded, errored: failed - canceled - expired, canceled, expired }
      : { processing: total, succeeded: 0, errored: 0, canceled: 0, expired: 0 },
    created_at: job.created_at.toISOString(),
    ended_at: timeOf(job.completed_at),
    expires_at: (job.expires_at ?? job.created_at).toISOString(),
    cancel_initiated_at: timeOf(job.cancel_asked_at),
    archived_at: null,
    results_url: ended ? `/v1/messages/batches/${job.id}/results` : null,
  };
}

function timeOf(at: Date | null): string | null {
  return at?.toISOString() ?? null;
}
