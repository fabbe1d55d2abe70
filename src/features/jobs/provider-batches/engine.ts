import { EVERY_PROJECT } from '../../../app.ts';
import { Canceller } from '../../../core/cancellation.ts';
import { oneAtATime } from '../../../core/one-at-a-time.ts';
import { createWorker } from '../run/worker.ts';
import type { JobsApp } from '../run/world.ts';
import type { JobRow } from '../store.ts';
import { plan } from './plan.ts';
import { stepBatch } from './step.ts';
import { listDue } from './store.ts';
import { createTasks } from './tasks.ts';

/** Runs the jobs whose requests go to batches of providers: fills batches, and takes each as far as it goes. Any number of processes may do so. */
export type BatchEngine = {
  /** Something may have changed. Resolves when what is due has begun. */
  readonly look: () => Promise<void>;
  /** Resolves when nothing is left that could be done now. */
  readonly idle: () => Promise<void>;
  readonly stop: () => void;
  readonly close: () => Promise<void>;
};

const LISTED = 16;
const MIN_WAIT_MS = 20;
const CLOSE_MAX_MS = 5000;

export function createBatchEngine(app: JobsApp, { left }: { readonly left: () => void }): BatchEngine {
  const stopping = new Canceller();
  let cancelNext = null as (() => void) | null;
  const onOver = (): void => {
    left();
    lookQuietly();
  };
  const tasks = createTasks({ ...app, stopping, onOver });
  const planJob = async (job: JobRow): Promise<void> => {
    if (!(await asWorker(app, (workerId) => plan(app, { job, workerId, signal: stopping })))) tasks.rest(job.id);
  };
  const look = oneAtATime(async () => {
    cancelNext?.();
    if (stopping.aborted) return;
    const due = await app.inProject(EVERY_PROJECT, (db) => listDue(db, LISTED));
    for (const id of due.step) tasks.begin(id, () => stepBatch(app, { id, signal: stopping }));
    for (const job of due.plan) tasks.begin(job.id, () => planJob(job));
    const nextMs = Math.min(due.nextMs ?? Infinity, tasks.nextMs());
    if (Number.isFinite(nextMs)) cancelNext = app.clock.after(Math.max(MIN_WAIT_MS, nextMs), lookQuietly);
  });
  /** Where nobody waits for it: the next tick looks again. */
  function lookQuietly(): void {
    look().catch((cause: unknown) => app.log.debug('the batches at providers cannot be looked at for now', { reason: String(cause) }));
  }
  const stop = (): void => {
    cancelNext?.();
    stopping.abort(new DOMException('the service stops', 'AbortError'));
  };

  return {
    look,
    stop,
    async idle() {
      for (await look(); tasks.running().length > 0; await look()) await Promise.race(tasks.running());
    },
    async close() {
      stop();
      const waited = new Canceller();
      await Promise.race([Promise.all(tasks.running()), app.clock.sleep(CLOSE_MAX_MS, waited).catch(() => undefined)]);
      waited.abort(null);
    },
  };
}

/** What was claimed and did not come anywhere waits again afterwards; of a process that died too. */
async function asWorker<Result>(app: JobsApp, work: (workerId: string) => Promise<Result>): Promise<Result> {
  const worker = createWorker({ ...app, onBuried: () => undefined });
  await worker.join();
  try {
    return await work(worker.id());
  } finally {
    await worker.leave();
  }
}
