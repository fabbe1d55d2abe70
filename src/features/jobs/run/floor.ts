import type { Canceller } from '../../../core/cancellation.ts';
import type { FairShare, Sharer } from '../../../core/fair-share.ts';
import type { Pace } from '../../../core/pace.ts';
import type { Throughput } from '../../../core/throughput.ts';
import type { Paces } from './paces.ts';
import type { ClaimedRow, RunningJob } from './store.ts';
import type { Worker } from './worker.ts';
import type { JobsApp } from './world.ts';
import type { Writer } from './writer.ts';

/** What is being worked on in this process. The tables know all of it too, except what has not been written yet. */
export type Floor = {
  readonly app: JobsApp;
  readonly worker: Worker;
  readonly writer: Writer;
  readonly paces: Paces;
  readonly share: FairShare;
  /** Of all rows. */
  readonly throughput: Throughput;
  readonly actives: Map<string, Active>;
  readonly running: Set<RunningRow>;
  /** A place is free, or something was written. */
  readonly changed: () => void;
  /** A job has no more rows to run: it is through, or was ended. */
  readonly left: (jobId: string) => void;
  stopping: boolean;
};

/** A job whose rows run here. */
export type Active = Sharer & {
  readonly job: RunningJob;
  /** Under the limits of whoever made it. */
  readonly pace: Pace;
  /** Claimed, and not begun. */
  readonly queue: Claimed[];
  /** When it was last asked for rows and had fewer than that; infinitely long ago where it had as many. */
  dryAt: number;
  /** Until then it is not asked again. */
  dryUntil: number;
  /** Until then rows wait that are soon to run again. */
  backUntil: number;
};

export type Claimed = ClaimedRow & { readonly claimedBy: string };

export type RunningRow = {
  readonly active: Active;
  readonly row: Claimed;
  readonly provider: string | null;
  readonly canceller: Canceller;
};

/** Over which workers died more than once: one of them at a time. */
export function isSuspect({ crashes }: ClaimedRow): boolean {
  return crashes > 1;
}

export function placesOf({ app }: Floor): number {
  return app.config().settings.jobConcurrency;
}
