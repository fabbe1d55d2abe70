import type { App } from '../../app.ts';
import { AppError } from '../../contract/errors.ts';
import type { Cancellation } from '../../core/cancellation.ts';
import type { Refusal } from '../../core/login-throttle.ts';

type Check = { readonly username: string; readonly address: string; readonly password: string; readonly hash: string | null; readonly signal: Cancellation };

/** Whether the password is right; throws RATE_LIMIT_EXCEEDED where too many were wrong before, and then verifies nothing. */
export async function verifyPassword(app: Pick<App, 'clock' | 'secrets'>, check: Check): Promise<boolean> {
  const { loginThrottle } = app.secrets;
  const now = app.clock.monotonic;
  const first = loginThrottle.look(check, now());
  if (!first.allowed) throw tooManyFailures(first);
  const turn: { succeeded?: (nowMs: number) => void } = {};
  // Counted when its turn comes, not before: a hundred right passwords at once are no attack.
  const right = await app.secrets.verifyPassword(check.password, check.hash, () => {
    check.signal.throwIfAborted();
    const begun = loginThrottle.begin(check, now());
    if (!begun.allowed) throw tooManyFailures(begun);
    turn.succeeded = begun.succeeded;
  });
  if (right) turn.succeeded?.(now());
  return right;
}

function tooManyFailures({ limit, retryAfterMs }: Refusal): AppError {
  return new AppError('RATE_LIMIT_EXCEEDED', {
    message: `Rate limit exceeded: ${limit} per 1 minute`,
    details: { limit, window_s: 60, what: 'failed sign-ins' },
    retryAfterMs,
  });
}
