import type { App, ModelCall } from '../app.ts';
import { AppError } from '../contract/errors.ts';

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
