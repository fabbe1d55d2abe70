import { AppError } from '../../contract/errors.ts';
import { UpstreamError } from '../../core/provider.ts';

/** Why a local model cannot take a question now: another place may, and where there is none the caller is told this. */
export function noPlace(name: string, waiting: number, retryAfterMs: number): UpstreamError {
  return unavailable(
    new AppError('SERVICE_UNAVAILABLE', { message: `The local model ${name} has ${waiting} questions waiting, and takes no more`, retryAfterMs }),
  );
}

export function stillLoading(name: string, retryAfterMs: number): UpstreamError {
  return unavailable(new AppError('SERVICE_UNAVAILABLE', { message: `The local model ${name} is still being loaded`, retryAfterMs }));
}

export function cannotLoad(name: string, why: string, retryAfterMs: number): UpstreamError {
  return unavailable(
    new AppError('LOCAL_MODEL_UNAVAILABLE', { message: `The local model ${name} cannot be used: ${why}`, details: { model: name, reason: why }, retryAfterMs }),
  );
}

/** As a provider that limits our rate, and for so long that it is not waited for: the model is well, or known not to be. */
function unavailable(cause: AppError): UpstreamError {
  return new UpstreamError('rate_limited', cause.message, { retryAfterMs: Infinity, cause });
}
