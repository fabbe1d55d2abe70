import { EVERY_PROJECT } from '../../../app.ts';
import { Canceller } from '../../../core/cancellation.ts';
import { createWorker } from '../run/worker.ts';
import type { JobsApp } from '../run/world.ts';
import type { JobRow } from '../store.ts';
import { plan } from './plan.ts';
import { stepBatch } from './step.ts';
import { listDue } from './store.ts';

/** Runs the jobs whose requests go to batches of providers: fills batches, and takes each as far as it goes. Any number of processes may do so. */
export type BatchEngine = {
  /** Something may have changed. Resolves when what is due has begun. */
  readonly look: () => Promise<void>;
  /** Resolves when nothing is left that could be done now. */
  readonly idle: () => Promise<void>;
  readonly stop: () => void;
  readonly close: () => Promise<void>;
};

/** So many jobs and batches are worked on at once. */
const AT_ONCE = 8;
const CLOSE_MAX_MS = 5000;

export function createBatchEngine(app: JobsApp, { left }: { readonly left: () => void }): BatchEngine {
  const stopping = new Canceller();
  const busy = new Map<string, Promise<void>>();
  /** Jobs that wait for money, and until when. */
  const unpaid = new Map<string, number>();
  let looking: Promise<void> | null = null;
  let again = false;
  let cancelNext: () => void = () => undefined;

  function begin(id: string, work: () => Promise<void>): void {
    if (busy.has(id) || busy.size >= AT_ONCE || stopping.aborted) return;
    const working = work()
      .catch((cause: unknown) =>
        app.log.error('a batch at a provider cannot be moved on for now', {
          subject: id,
          reason: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause),
        }),
      )
      .finally(() => {
        busy.delete(id);
        left();
        void look();
      });
    busy.set(id, working);
  }

  async function planJob(job: JobRow): Promise<void> {
    const worker = createWorker({ ...app, onBuried: () => undefined });
    await worker.join();
    try {
      const paid = await plan(app, { job, workerId: worker.id(), signal: stopping });
      if (!paid) unpaid.set(job.id, app.clock.monotonic() + app.config().settings.jobBatchPollS * 1000);
    } finally {
      await worker.leave();
    }
  }
  async function lookOnce(): Promise<void> {
    cancelNext();
    const due = await app.inProject(EVERY_PROJECT, (db) => listDue(db, AT_ONCE));
    const now = app.clock.monotonic();
    for (const [id, until] of unpaid) if (until <= now) unpaid.delete(id);
    for (const id of due.step) begin(id, () => stepBatch(app, { id, signal: stopping }));
    for (const job of due.plan) if (!unpaid.has(job.id)) begin(job.id, () => planJob(job));
    if (due.nextMs !== null && !stopping.aborted) cancelNext = app.clock.after(Math.max(MIN_WAIT_MS, due.nextMs), () => void look());
  }
  function look(): Promise<void> {
    again = true;
    looking ??= (async () => {
      while (again && !stopping.aborted) {
        again = false;
        await lookOnce();
      }
    })()
      .catch((cause: unknown) => app.log.warning('the batches at providers cannot be looked at for now', { reason: String(cause) }))
      .finally(() => {
        looking = null;
      });
    return looking;
  }

  return {
    look,
    async idle() {
      for (await look(); busy.size > 0; await look()) await Promise.race(busy.values());
    },
    stop() {
      cancelNext();
      stopping.abort(new DOMException('the service stops', 'AbortError'));
    },
    async close() {
      this.stop();
      await looking;
      const waited = new Canceller();
      await Promise.race([Promise.all(busy.values()), app.clock.sleep(CLOSE_MAX_MS, waited).catch(() => undefined)]);
      waited.abort(null);
    },
  };
}

const MIN_WAIT_MS = 20;
