import type { Clock, Log } from '../../app.ts';
import type { Limiter } from '../../app/spending.ts';
import { openRedis } from '../redis.ts';
import { createLimiter } from './limiter.ts';

type Needs = {
  /** Null where there is none: each process has its share. */
  readonly redisUrl: string | null;
  readonly processId: string;
  /** How many processes serve with the same database, this one included. */
  readonly processCount: () => number;
  readonly clock: Clock;
  readonly log: Log;
};

export type OpenLimiter = { readonly limiter: Limiter; readonly close: () => void };

export async function openLimiter({ redisUrl, ...needs }: Needs): Promise<OpenLimiter> {
  const redis = redisUrl === null ? null : await openRedis({ url: redisUrl, clock: needs.clock });
  const { stop, ...limiter } = createLimiter({ ...needs, redis });
  return {
    limiter,
    close() {
      stop();
      redis?.close();
    },
  };
}
