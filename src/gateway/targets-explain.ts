import type { RouteAsking, RouteExplanation } from '../app/gateway.ts';
import { assumedNanoUsd } from '../core/target-order.ts';
import { allowedCandidates } from './admit.ts';
import { choose, type Choosing } from './targets-choice.ts';

/** What `run` would do with such a call, without doing it. */
export function explain(core: Choosing, { principal, model, session, asked }: RouteAsking): RouteExplanation {
  const { routes, defaultModel } = core.needs.config();
  const name = model ?? defaultModel;
  const { strategy, sticky } = routes.plan(name);
  const call = { principal, model };
  const { order, leftOut } = choose(core, { call, session, asked: () => asked, able: (all) => allowedCandidates(call, all) });
  const placed = order.map(({ candidate, reason, keyReason }): Explained => {
    return { candidate, reason, keyReason, state: core.targets.look(candidate), nanoUsd: assumedNanoUsd(candidate, asked) };
  });
  return { model: name, strategy, sticky, order: [...placed.filter(mayBeEntered), ...placed.filter((each) => !mayBeEntered(each))], leftOut };
}

type Explained = RouteExplanation['order'][number];

function mayBeEntered({ state: { full, restMs, breaker } }: Explained): boolean {
  return !full && restMs === 0 && (breaker.state === 'closed' || (breaker.state === 'open' && breaker.waitMs === 0));
}
