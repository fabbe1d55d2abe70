import type { Clock, Log } from '../../app.ts';
import type { Limit } from '../../core/limits.ts';
import type { Redis } from '../redis.ts';

/** How much of a limit this process may admit by what it has counted itself. */
export type Shares = {
  /** When nobody else counts. */
  readonly alone: (limit: Limit) => number;
  /** When Redis has admitted it too. */
  readonly besideRedis: (limit: Limit) => number;
};

export type ShareNeeds = {
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly log: Log;
  /** Null where none is configured. */
  readonly redis: Redis | null;
  /** How many processes serve with the same database, this one included. */
  readonly processCount: () => number;
};

/** Until all processes have found Redis again, each by looking once a second, and some not at the first look. */
const ALL_BACK_MS = 5000;

/**
 * Each process has the same part of a limit. When Redis has just gone away, nobody knows what the others have admitted meanwhile: for the first window
 * a share is halved, so that all of them together admit at most one and a half of the limit. When Redis has just come back, it knows nothing of what
 * was admitted without it: for one window after all of them are back the share holds beside it.
 */
export function createShares({ clock, log, redis, processCount }: ShareNeeds): Shares {
  let changedMs = redis === null || redis.isUp() ? Number.NEGATIVE_INFINITY : clock.monotonic();
  const sayAway = (): void =>
    log.warning('Redis is away: each process goes on with its share of the limits', { reason: redis?.trouble(), processes: processCount() });
  if (redis?.isUp() === false) sayAway();
  redis?.onChange((isUp) => {
    changedMs = clock.monotonic();
    if (isUp) log.info('Redis is back: limits are counted over all processes again');
    else sayAway();
  });
  const changedWithin = (ms: number): boolean => clock.monotonic() - changedMs < ms;
  const shareOf = ({ max }: Limit, parts: number): number => {
    const processes = processCount();
    if (processes <= 1) return max;
    // A limit that is smaller than the number of processes lets each admit one: to refuse all would be worse.
    return Math.max(Math.min(1, max), Math.floor(max / processes / parts));
  };

  return {
    alone: (limit) => shareOf(limit, redis !== null && changedWithin(limit.windowMs) ? 2 : 1),
    besideRedis: (limit) => (changedWithin(limit.windowMs + ALL_BACK_MS) ? shareOf(limit, 1) : Number.POSITIVE_INFINITY),
  };
}
