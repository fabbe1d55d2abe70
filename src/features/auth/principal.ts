import { type Budget, type CallLimits, DEFAULT_PROJECT, type Principal } from '../../contract/policy.ts';
import type { LiveKey, LiveUser, StoredBudget, StoredLimits, StoredProject } from './store.ts';

/** Who calls, with every bound that its calls count against: its own, its user's and its project's. */
export function userPrincipal(sessionId: string, user: LiveUser): Principal {
  const { userId, username, role, project } = user;
  return {
    kind: 'user',
    projectId: project.id,
    userId,
    username,
    role,
    sessionId,
    limits: bounds('user', userId, user.limits),
    budgets: [...budget('user', userId, user.budget, project.timeZone), ...projectBudget(project)],
  };
}

export function keyPrincipal(key: LiveKey): Principal {
  const { keyId, keyName, user, project, allowedModels, allowedRoutes } = key;
  return {
    kind: 'key',
    projectId: project.id,
    keyId,
    keyName,
    userId: user?.id ?? null,
    allowedModels,
    allowedRoutes,
    limits: [...bounds('key', keyId, key.limits), ...(user ? bounds('user', user.id, user.limits) : [])],
    budgets: [
      ...budget('key', keyId, key.budget, project.timeZone),
      ...(user ? budget('user', user.id, user.budget, user.timeZone) : []),
      ...projectBudget(project),
    ],
  };
}

export function anonymousPrincipal(project: StoredProject): Principal {
  return { kind: 'anonymous', projectId: DEFAULT_PROJECT, limits: [], budgets: projectBudget(project) };
}

function bounds(scope: CallLimits['scope'], id: string, { rpm, tpm, maxParallel }: StoredLimits): CallLimits[] {
  return rpm === null && tpm === null && maxParallel === null ? [] : [{ scope, id, rpm, tpm, maxParallel }];
}

function projectBudget({ id, budget: stored, timeZone }: StoredProject): Budget[] {
  return budget('project', id, stored, timeZone);
}

function budget(scope: Budget['scope'], id: string, stored: StoredBudget | null, timeZone: string): Budget[] {
  return stored === null ? [] : [{ scope, id, ...stored, timeZone }];
}
