import { AppError } from '../../contract/errors.ts';
import type { Principal } from '../../contract/policy.ts';
import type { JobReach, JobRow } from './store.ts';

/** Whose calls the requests of a job are, for ever. */
export function creatorOf(principal: Principal): JobRow['creator'] {
  if (principal.kind === 'user') return { kind: 'user', id: principal.userId };
  return principal.kind === 'key' ? { kind: 'key', id: principal.keyId } : { kind: 'anonymous', id: null };
}

/** Everybody of a project sees its jobs; who is nobody in particular sees what nobody in particular made. */
export function reachOfJobs({ kind, projectId }: Principal): JobReach {
  return { projectId, anonymousOnly: kind === 'anonymous' };
}

/** What a job asks is paid by who made it, and bounded by their rights: nobody but they, or an administrator, says what that is. */
export function assertMayFill(job: Pick<JobRow, 'creator'>, principal: Principal): void {
  const { kind, id } = creatorOf(principal);
  if (kind === job.creator.kind && id === job.creator.id) return;
  if (principal.kind === 'user' && principal.role === 'admin') return;
  throw new AppError('FORBIDDEN', {
    message: 'The requests of this job are the calls of whoever made it: only they, or an administrator, may say what they are',
  });
}
