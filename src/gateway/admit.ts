import type { App } from '../app.ts';
import type { GatewayCall, ModelCall } from '../app/gateway.ts';
import type { Permit } from '../app/spending.ts';
import { AppError } from '../contract/errors.ts';
import type { Candidate } from '../core/routing.ts';
import type { Load } from './load.ts';

/** Step one: whether a call may begin at all. */
export function admit(needs: Pick<App, 'clock' | 'lifecycle'>, call: GatewayCall): void {
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

/** A key that may call an alias may go wherever it leads. */
export function openCandidates(allowedModels: readonly string[] | null, model: string | undefined, candidates: readonly Candidate[]): readonly Candidate[] {
  if (allowedModels === null) return candidates;
  const allowed = new Set(allowedModels);
  if (model !== undefined && allowed.has(model)) return candidates;
  return candidates.filter((candidate) => allowed.has(candidate.model) || allowed.has(`${candidate.provider.id}/${candidate.model}`));
}

/** The places that the caller's key may go to. */
export function allowedCandidates({ principal, model }: Pick<GatewayCall, 'principal' | 'model'>, candidates: readonly Candidate[]): readonly Candidate[] {
  if (principal.kind !== 'key') return candidates;
  const open = openCandidates(principal.allowedModels, model, candidates);
  if (open.length > 0) return open;
  throw new AppError('FORBIDDEN', {
    message: `This API key may not call ${model ?? 'the default model'}`,
    field: 'model',
    details: { allowed_models: principal.allowedModels },
  });
}

/** The places that can be told all that was asked: those that speak the caller's dialect, and all others where nothing would be lost on the way. */
export function tellableCandidates({ request: { given } }: ModelCall, candidates: readonly Candidate[]): readonly Candidate[] {
  if (given === undefined || given.untold.length === 0) return candidates;
  const able = candidates.filter(({ provider }) => provider.dialects?.includes(given.dialect));
  if (able.length > 0) return able;
  const [field = ''] = given.untold;
  throw new AppError('INVALID_VALUE', {
    message: `${field} cannot be said to ${candidates[0]?.provider.id ?? 'this provider'}, which does not speak the dialect that it belongs to: leave it out, or ask another model`,
    field,
    details: { untold: given.untold, dialect: given.dialect },
  });
}

type Entering = { readonly call: GatewayCall; readonly load: Load; readonly candidates: readonly Candidate[] };

const UNLIMITED: Permit = { headers: {}, leave: () => undefined };

/** Counts the call against the limits of its caller. */
export function enter(needs: Pick<App, 'limiter'>, { call, load, candidates }: Entering): Permit | Promise<Permit> {
  const { limits } = call.principal;
  if (limits.length === 0) return UNLIMITED;
  const longest = Math.max(0, ...candidates.map((candidate) => load.outputTokens(candidate.facts)));
  const tokens = limits.some((limit) => limit.tpm !== null) ? load.inputTokens() + longest : 0;
  const entering = needs.limiter.enter(limits, tokens);
  return entering instanceof Promise ? entering.then(leftOnce) : leftOnce(entering);
}

/** A call that fails is left where it fails, and once more where it began. */
function leftOnce(permit: Permit): Permit {
  let left = false;
  return {
    headers: permit.headers,
    leave(tokens) {
      if (!left) permit.leave(tokens);
      left = true;
    },
  };
}
