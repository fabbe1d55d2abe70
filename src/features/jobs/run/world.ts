import type { App } from '../../../app.ts';
import type { Budget, Principal } from '../../../contract/policy.ts';
import type { Ask } from '../../../http/ask.ts';
import type { RunningJob } from './store.ts';

/** What rows of jobs run with. */
export type JobsApp = App & { readonly ask: Ask };

type Whose = Pick<RunningJob, 'id' | 'project_id' | 'creator' | 'budget_nano_usd'>;

/** The latest principal of a creator with the budget of the job added: one that is told apart by what it was made of. */
const bounded = new WeakMap<Principal, Map<string, Principal>>();

/**
 * Whose calls the rows of a job are now, with the budget of the job; null where they may not call any more, or not for this project. Throws
 * SERVICE_UNAVAILABLE where that cannot be found out.
 */
export function principalOf(app: Pick<App, 'principalOf'>, job: Whose): Principal | null | Promise<Principal | null> {
  const found = app.principalOf(job.creator);
  return found instanceof Promise ? found.then((principal) => ofJob(principal, job)) : ofJob(found, job);
}

function ofJob(principal: Principal | null, { id, project_id: projectId, budget_nano_usd: limitNanoUsd }: Whose): Principal | null {
  if (principal === null || principal.projectId !== projectId) return null;
  if (limitNanoUsd === null) return principal;
  const known = bounded.get(principal) ?? new Map<string, Principal>();
  bounded.set(principal, known);
  const budget: Budget = { scope: 'job', id, limitNanoUsd, period: 'total', timeZone: 'UTC' };
  const made = known.get(id) ?? { ...principal, budgets: [...principal.budgets, budget] };
  known.set(id, made);
  return made;
}
