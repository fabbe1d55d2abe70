import type { Principal } from '../contract/policy.ts';

/** Whose calls and keys somebody may look at; null is everybody's. */
export type Reach = { readonly projectId: string | null; readonly keyId: string | null };

/** An administrator sees all, people their project, and a key its own calls. */
export function reachOf(principal: Principal): Reach {
  if (principal.kind === 'user' && principal.role === 'admin') return { projectId: null, keyId: null };
  return { projectId: principal.projectId, keyId: principal.kind === 'key' ? principal.keyId : null };
}
