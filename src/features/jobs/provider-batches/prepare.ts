import { AppError } from '../../../contract/errors.ts';
import type { Principal } from '../../../contract/policy.ts';
import type { Cancellation } from '../../../core/cancellation.ts';
import { UpstreamError } from '../../../core/provider.ts';
import type { BatchedCall, EncodedCall, ProviderBatches } from '../../../core/provider-batches.ts';
import type { Candidate } from '../../../core/routing.ts';
import { type BatchableCall, batchCandidate, batchWorstNanoUsd } from '../../../gateway/batched.ts';
import { asAppError } from '../../../http/fail.ts';
import type { Outcome } from '../run/outcomes.ts';
import { unansweredOutcome } from '../run/row.ts';
import type { ClaimedRow } from '../run/store.ts';
import type { JobsApp } from '../run/world.ts';
import type { JobRow } from '../store.ts';
import { capture, idsOf } from './asking.ts';

/** A request that can go into a batch of this place and kind. */
export type Ready = {
  readonly row: ClaimedRow;
  readonly candidate: Candidate;
  readonly batches: ProviderBatches;
  readonly encoded: EncodedCall;
  readonly worstNanoUsd: number;
};
export type Prepared = { readonly ready: Ready } | { readonly outcome: Outcome };

type Preparing = { readonly job: JobRow; readonly row: ClaimedRow; readonly principal: Principal | null; readonly signal: Cancellation };

/** What a request would ask, in the words of the provider's batches; where it asks nothing, or may not, that is its outcome. */
export async function prepare(app: JobsApp, { job, row, principal, signal }: Preparing): Promise<Prepared> {
  if (principal === null) return { outcome: gone(job, row) };
  const captured = await capture(app, { job, row, principal, signal });
  if (captured.type === 'call') return encode(app, { job, row }, captured.asked);
  const { answered } = captured;
  if (answered.error?.code === 'INTERNAL_ERROR' || answered.error?.code === 'SERVICE_UNAVAILABLE') throw answered.error;
  const { code, message } = answered.error ?? { code: 'INVALID_VALUE', message: 'This request asks no model, and cannot stand in a batch' };
  const { requestId } = idsOf({ job, row });
  return { outcome: { ...unansweredOutcome(job.id, row.line, { code, message }), requestId, statusCode: answered.status, response: answered.json } };
}

function gone({ id }: JobRow, { line }: ClaimedRow): Outcome {
  return unansweredOutcome(id, line, { code: 'FORBIDDEN', message: 'Whoever made this job may not call any more: the key, the user or the project is gone' });
}

function encode(app: JobsApp, { job, row }: { readonly job: JobRow; readonly row: ClaimedRow }, asked: BatchableCall): Prepared {
  try {
    const candidate = batchCandidate(app, asked);
    const batches = candidate?.provider.batches;
    if (!candidate || !batches) throw new AppError('INVALID_VALUE', { message: `There are no batches for ${asked.call.model ?? 'the default model'}` });
    const encoded = batches.encode(toldTo(asked, candidate.model));
    return { ready: { row, candidate, batches, encoded, worstNanoUsd: batchWorstNanoUsd(asked, candidate) } };
  } catch (thrown) {
    const { code, message } = thrown instanceof UpstreamError ? new AppError('INVALID_VALUE', { message: thrown.message }) : asAppError(thrown);
    if (code === 'INTERNAL_ERROR') throw thrown;
    return { outcome: unansweredOutcome(job.id, row.line, { code, message }) };
  }
}

function toldTo(asked: BatchableCall, model: string): BatchedCall {
  return asked.type === 'chat' ? { type: 'chat', request: { ...asked.call.request, model } } : { type: 'embed', request: { ...asked.call.request, model } };
}
