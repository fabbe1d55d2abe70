import type { App } from '../../app.ts';
import { isDate } from '../../contract/time-range.ts';
import type { RequestListQuery } from '../../contract/requests.ts';
import type { Principal } from '../../contract/policy.ts';
import { reachOf } from '../../core/reach.ts';
import { readOpenRange } from '../../core/time-range.ts';
import { projectTimeZone, type Wanted } from './store.ts';

const SHARED = ['project_id', 'user_id', 'key_id', 'route', 'template_id', 'job_id'] as const;
const SOME = ['model', 'provider', 'request_hash'] as const;

/** Which requests a caller means, of those that it may see. */
export async function readWanted(app: Pick<App, 'db'>, principal: Principal, query: RequestListQuery): Promise<Wanted> {
  const { q, outcome = null, cached = null, min_cost: minCost } = query;
  return {
    range: readOpenRange(query, await timeZoneOf(app, principal, query)),
    shared: [...ownRequests(principal), ...given(SHARED, query), ...(q === undefined ? [] : [['request_id', q] as const])],
    some: given(SOME, query),
    outcome,
    cached,
    costNanoUsdMin: minCost === undefined ? null : Math.round(minCost * 1e9),
  };
}

/** What holds of all that a caller may see. */
export function ownRequests(principal: Principal): Wanted['shared'] {
  const { projectId, keyId } = reachOf(principal);
  return [...(projectId === null ? [] : [['project_id', projectId] as const]), ...(keyId === null ? [] : [['key_id', keyId] as const])];
}

function given<Name extends keyof RequestListQuery>(names: readonly Name[], query: RequestListQuery): [Name, string][] {
  return names.flatMap((name) => (query[name] === undefined ? [] : [[name, String(query[name])] as [Name, string]]));
}

/** Days alone have one. */
async function timeZoneOf(
  app: Pick<App, 'db'>,
  principal: Principal,
  { from, to, time_zone: timeZone, project_id: projectId }: RequestListQuery,
): Promise<string> {
  if (timeZone !== undefined) return timeZone;
  const hasDays = [from, to].some((moment) => moment !== undefined && isDate(moment));
  return hasDays ? projectTimeZone(app.db, projectId ?? principal.projectId) : 'UTC';
}
