import type { Clock, Limiter, Permit } from '../../app.ts';
import type { CallLimits } from '../../contract/policy.ts';
import { addressLimit, callLimits, type Limit, limitHeaders, refusal } from '../../core/limits.ts';
import { createLocalLimits } from './local-limits.ts';

type Needs = {
  readonly clock: Pick<Clock, 'monotonic'>;
  /** How many processes serve with the same database, this one included. */
  readonly processCount: () => number;
};

const UNLIMITED: Permit = { headers: {}, leave: () => undefined };

export function createLimiter({ clock, processCount }: Needs): Limiter {
  const local = createLocalLimits(clock);
  const known = new WeakMap<readonly CallLimits[], readonly Limit[]>();

  const limitsOf = (limits: readonly CallLimits[]): readonly Limit[] => {
    let found = known.get(limits);
    if (!found) known.set(limits, (found = limits.flatMap(callLimits)));
    return found;
  };
  const shareOf = ({ max }: Limit): number => Math.max(Math.min(1, max), Math.floor(max / Math.max(1, processCount())));

  const admit = (limits: readonly Limit[], tokens: number): Permit => {
    const atMs = clock.monotonic();
    const verdict = local.take(limits, tokens, shareOf);
    const { refusedBy } = verdict;
    if (refusedBy) throw refusal(limits, { ...verdict, refusedBy });
    return { headers: limitHeaders(limits, verdict.standings), leave: (used) => local.leave(limits, { atMs, tokens, used }) };
  };

  return {
    enter(limits, tokens) {
      const bounds = limits.length === 0 ? [] : limitsOf(limits);
      return bounds.length === 0 ? UNLIMITED : admit(bounds, tokens);
    },
    visit: (route, rate, address) => admit([addressLimit(route, rate, address)], 0).headers,
  };
}
