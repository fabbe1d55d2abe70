import type { Clock } from '../../app.ts';
import type { Limiter, Permit } from '../../app/spending.ts';
import type { CallLimits } from '../../contract/policy.ts';
import { addressLimit, callLimits, type Limit, limitHeaders, refusal, weightOf } from '../../core/limits.ts';
import { createLocalLimits } from './local-limits.ts';
import { createRedisLimits, type RedisLimits } from './redis-limits.ts';
import { createShares, type ShareNeeds } from './shares.ts';

type Needs = ShareNeeds & { readonly clock: Pick<Clock, 'monotonic' | 'after'>; readonly processId: string };

export type RunningLimiter = Limiter & { readonly stop: () => void };

const UNLIMITED: Permit = { headers: {}, leave: () => undefined };

/**
 * With Redis all processes count together; without, each has its share. What a process admits it counts by itself too, always, so that its share
 * begins with that when Redis goes away.
 */
export function createLimiter(needs: Needs): RunningLimiter {
  const { clock, redis, processId, processCount } = needs;
  const local = createLocalLimits(clock);
  const shares = createShares(needs);
  const common = redis && createRedisLimits({ redis, clock, processId, running: local.running });

  const admitHere = (limits: readonly Limit[], tokens: number): Permit => {
    const verdict = local.take(limits, tokens, shares.alone);
    const { refusedBy } = verdict;
    if (refusedBy) throw refusal(limits, { ...verdict, refusedBy });
    return { headers: limitHeaders(limits, verdict.standings), leave: (used) => local.leave(limits, verdict.taken, used) };
  };
  const admitTogether = async (limits: readonly Limit[], tokens: number, { take, correct }: RedisLimits): Promise<Permit> => {
    const verdict = await take(limits, tokens);
    if (verdict === null) return admitHere(limits, tokens);
    const { refusedBy } = verdict;
    if (refusedBy) throw refusal(limits, { ...verdict, refusedBy });
    const here = local.take(limits, tokens, shares.besideRedis);
    if (here.refusedBy) {
      correct(limits, verdict.atMs, (limit) => -weightOf(limit, tokens, limit.max));
      throw refusal(limits, { ...here, refusedBy: here.refusedBy });
    }
    return {
      headers: limitHeaders(limits, verdict.standings),
      leave(used) {
        local.leave(limits, here.taken, used);
        correct(limits, verdict.atMs, (limit) => (limit.kind === 'tokens' ? Math.ceil(used) - weightOf(limit, tokens, limit.max) : 0));
      },
    };
  };
  const admit = (limits: readonly Limit[], tokens: number): Permit | Promise<Permit> =>
    common && redis?.isUp() ? admitTogether(limits, tokens, common) : admitHere(limits, tokens);
  const limitsOf = createLimitsOf();

  return {
    enter(limits, tokens) {
      const bounds = limits.length === 0 ? [] : limitsOf(limits);
      return bounds.length === 0 ? UNLIMITED : admit(bounds, tokens);
    },
    visit(route, rate, address) {
      const permit = admit([addressLimit(route, rate, address)], 0);
      return permit instanceof Promise ? permit.then(({ headers }) => headers) : permit.headers;
    },
    state: () => ({ store: redis?.isUp() ? 'redis' : 'local', processes: processCount() }),
    stop: () => common?.stop(),
  };
}

/** A principal is read anew every second, and makes many calls. */
function createLimitsOf(): (limits: readonly CallLimits[]) => readonly Limit[] {
  const known = new WeakMap<readonly CallLimits[], readonly Limit[]>();
  return (limits) => {
    let found = known.get(limits);
    if (!found) known.set(limits, (found = limits.flatMap(callLimits)));
    return found;
  };
}
