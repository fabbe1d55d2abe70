import type { JobStatus } from '../contract/jobs.ts';

/** What a job is, as far as it decides what may be done with it. */
export type JobState = {
  readonly status: JobStatus;
  readonly isSubmitted: boolean;
  readonly isCancelAsked: boolean;
  readonly requests: number;
  readonly failed: number;
  /** Requests without an outcome. */
  readonly open: number;
};

export type JobDeed = 'add' | 'configure' | 'describe' | 'submit' | 'cancel' | 'retry';

const OVER: ReadonlySet<JobStatus> = new Set(['completed', 'completed_with_errors', 'failed', 'cancelled', 'expired']);

export function isOver(status: JobStatus): boolean {
  return OVER.has(status);
}

/** Why this cannot be done now, in words for whoever asked; null where it can. */
export function obstacleTo(deed: JobDeed, state: JobState): string | null {
  return OBSTACLES[deed](state);
}

const OBSTACLES: Readonly<Record<JobDeed, (state: JobState) => string | null>> = {
  add: (state) => notYetBegun(state, 'takes no more requests'),
  /** What its requests are asked with, and when. */
  configure: (state) => notYetBegun(state, 'keeps its settings'),
  /** What it is called, and who is told of it. */
  describe: () => null,
  submit(state) {
    if (isOver(state.status)) return `the job is ${state.status}: it was submitted before`;
    // The processors may have been faster, and to say it twice does no harm.
    if (state.status !== 'pending') return null;
    if (state.isCancelAsked) return 'the job is being cancelled';
    return state.requests === 0 ? 'the job has no requests' : null;
  },
  cancel: ({ status }) => (isOver(status) ? `the job is ${status}: there is nothing to cancel` : null),
  retry({ status, failed, open }) {
    if (!isOver(status)) return `the job is ${status}: what failed can be retried when it is over`;
    return failed + open === 0 ? 'no request of the job failed' : null;
  },
};

function notYetBegun({ status, isSubmitted, isCancelAsked }: JobState, what: string): string | null {
  if (status !== 'pending') return `the job is ${status} and ${what}`;
  if (isCancelAsked) return `the job is being cancelled and ${what}`;
  return isSubmitted ? `the job was submitted and ${what}` : null;
}
