import type { Batch, BatchError } from '../../../contract/batches.ts';
import type { JobRow } from '../store.ts';

/** A job in OpenAI's words. */
export function batchObject(job: JobRow): Batch {
  const status = statusOf(job);
  const over = seconds(job.completed_at);
  const when = (wanted: Batch['status']): number | null => (status === wanted ? over : null);
  return {
    id: job.id,
    object: 'batch',
    endpoint: job.endpoint,
    model: job.model,
    errors: errorsOf(job),
    input_file_id: job.input_file_id ?? '',
    completion_window: '24h',
    status,
    output_file_id: job.output_file_id,
    error_file_id: job.error_file_id,
    created_at: seconds(job.created_at) ?? 0,
    in_progress_at: seconds(job.started_at),
    expires_at: seconds(job.expires_at),
    finalizing_at: seconds(job.finalizing_at),
    completed_at: when('completed'),
    failed_at: when('failed'),
    expired_at: when('expired'),
    cancelling_at: seconds(job.cancel_asked_at),
    cancelled_at: when('cancelled'),
    request_counts: { total: job.total_requests, completed: job.completed_requests, failed: job.failed_requests },
    usage: {
      input_tokens: job.input_tokens,
      input_tokens_details: { cached_tokens: job.cached_input_tokens },
      output_tokens: job.output_tokens,
      output_tokens_details: { reasoning_tokens: job.reasoning_tokens },
      total_tokens: job.input_tokens + job.output_tokens,
    },
    metadata: Object.keys(job.metadata).length === 0 ? null : job.metadata,
  };
}

function statusOf({ status, cancel_asked_at: cancelAskedAt }: Pick<JobRow, 'status' | 'cancel_asked_at'>): Batch['status'] {
  switch (status) {
    case 'pending':
    case 'validating':
      return cancelAskedAt === null ? 'validating' : 'cancelling';
    case 'in_progress':
    case 'finalizing':
      return cancelAskedAt === null ? status : 'cancelling';
    case 'completed_with_errors':
      return 'completed';
    default:
      return status;
  }
}

/** Of a batch that could not begin; what its input has no part in stands by itself. */
function errorsOf({ error, input_errors: inputErrors, status }: JobRow): Batch['errors'] {
  if (inputErrors !== null) return { object: 'list', data: [...inputErrors] };
  if (error === null || status === 'expired') return null;
  const one: BatchError = { code: String(error['code']), line: null, message: String(error['message']), param: null };
  return { object: 'list', data: [one] };
}

function seconds(at: Date | null): number | null {
  return at === null ? null : Math.floor(at.getTime() / 1000);
}
