import type { App } from '../app.ts';
import type { GatewayCall } from '../app/gateway.ts';
import { AppError } from '../contract/errors.ts';
import { type Cancellation, Canceller } from '../core/cancellation.ts';

export type CallLimit = { readonly signal: Cancellation; readonly abort: (reason: unknown) => void; readonly clear: () => void };
type Needs = { readonly needs: Pick<App, 'clock'>; readonly live: Set<CallLimit> };

/** Ends a call at its deadline, and when its caller leaves; a shared one (`detached`) outlives the caller who began it. */
export function callLimit({ needs, live }: Needs, call: GatewayCall, { detached = false }: { readonly detached?: boolean } = {}): CallLimit {
  const canceller = new Canceller();
  const leave = (): void => canceller.abort(call.signal.reason);
  const cancel = needs.clock.after(Math.max(0, call.deadline - needs.clock.now()), () => {
    canceller.abort(new AppError('TIMEOUT', { message: 'The answer took longer than the time that the caller or REQUEST_TIMEOUT_S allows' }));
  });
  if (!detached) {
    if (call.signal.aborted) leave();
    else call.signal.addEventListener('abort', leave, { once: true });
  }
  const limit: CallLimit = {
    signal: canceller,
    abort: (reason) => canceller.abort(reason),
    clear: () => {
      live.delete(limit);
      cancel();
      if (!detached) call.signal.removeEventListener('abort', leave);
    },
  };
  live.add(limit);
  return limit;
}
