import { AppError } from '../contract/errors.ts';
import type { Opened } from './open.ts';

const DRAIN_LOOK_MS = 20;

export function toldToStop(): Promise<void> {
  return new Promise((tell) => {
    process.once('SIGINT', () => tell());
    process.once('SIGTERM', () => tell());
  });
}

/** What takes requests, where something does. */
type Front = { readonly inFlight: () => number; readonly kill: () => Promise<void> };
const NO_FRONT: Front = { inFlight: () => 0, kill: async () => undefined };

/** No new work; what is in flight may finish within the grace, and is then ended with an error that says why. Jobs go back to where others find them. */
export async function drain({ app, log, jobs, startDraining, ...opened }: Opened, graceS: number, { inFlight, kill }: Front = NO_FRONT): Promise<void> {
  startDraining();
  // Calls too: a stream that is kept may have nobody who reads it.
  const busy = (): boolean => inFlight() > 0 || app.gateway.callsInFlight() > 0;
  process.once('SIGINT', () => process.exit(130));
  log.info('draining', { in_flight: inFlight(), grace_s: graceS });
  const until = app.clock.monotonic() + graceS * 1000;
  while (busy() && app.clock.monotonic() < until) await app.clock.sleep(DRAIN_LOOK_MS);
  if (busy()) {
    app.gateway.stop(new AppError('SERVICE_UNAVAILABLE', { message: 'The service was shut down before this answer ended', retryAfterMs: 1000 }));
    const last = app.clock.monotonic() + 1000;
    while (busy() && app.clock.monotonic() < last) await app.clock.sleep(DRAIN_LOOK_MS);
  }
  await Promise.all([opened.streams.close(), opened.deliveries.close(), jobs.close()]);
  await kill();
  await closeRest({ log, ...opened });
}

/** What is left when nothing runs any more. */
export async function closeRest({ log, limits, localModels, money, bodies, database }: Omit<Opened, 'app' | 'jobs' | 'startDraining'>): Promise<void> {
  limits.close();
  localModels.close();
  await Promise.all([money.close(), bodies.close()]);
  await database.close();
  log.info('stopped');
  log.flush();
}
