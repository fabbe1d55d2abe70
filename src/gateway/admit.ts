import type { App, ModelCall, Permit } from '../app.ts';
import { AppError } from '../contract/errors.ts';
import type { Candidate } from '../core/routing.ts';

/** Step one: whether a call may begin at all. */
export function admit(needs: Pick<App, 'clock' | 'lifecycle'>, call: ModelCall): void {
  if (needs.lifecycle.state() === 'draining') {
    throw new AppError('SERVICE_UNAVAILABLE', {
      message: 'The service is shutting down; try again in a moment',
      retryAfterMs: 1000,
      headers: { connection: 'close' },
    });
  }
  if (call.signal.aborted) throw call.signal.reason;
  if (call.deadline <= needs.clock.now()) throw new AppError('TIMEOUT', { message: 'The deadline of this call has already passed' });
}

/** The places that the caller's key may go to. A key that may call an alias may go wherever it leads. */
export function allowedCandidates(call: ModelCall, candidates: readonly Candidate[]): readonly Candidate[] {
  const { principal, model } = call;
  if (principal.kind !== 'key' || principal.allowedModels === null) return candidates;
  const allowed = new Set(principal.allowedModels);
  if (model !== undefined && allowed.has(model)) return candidates;
  const open = candidates.filter((candidate) => allowed.has(candidate.model) || allowed.has(`${candidate.provider.id}/${candidate.model}`));
  if (open.length > 0) return open;
  throw new AppError('FORBIDDEN', {
    message: `This API key may not call ${model ?? 'the default model'}`,
    field: 'model',
    details: { allowed_models: principal.allowedModels },
  });
}

export const UNLIMITED: Permit = { headers: {}, leave: () => undefined };
