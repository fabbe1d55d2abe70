import { EVERY_PROJECT } from '../../../app.ts';
import { oneAtATime } from '../../../core/one-at-a-time.ts';
import { createBatchEngine } from '../provider-batches/engine.ts';
import type { JobRow } from '../store.ts';
import { createDirectEngine } from './direct.ts';
import { advance } from './states/advance.ts';
import { keepJob, letGoOfJob } from './states/store.ts';
import type { JobsApp } from './world.ts';

/**
 * Moves jobs on, from the tables and back into them: any number of processors may do so at once, and each tick is safe anywhere, in the service, in a
 * worker, and from cron.
 */
export type JobProcessor = {
  /** Looks at everything, now and from then on every JOB_POLL_INTERVAL_S. Called too when something was said of a job, here or by another process. */
  readonly wake: () => void;
  /** One pass: until nothing is left that could be done now. */
  readonly runThrough: () => Promise<void>;
  /** No new work: what runs may end. */
  readonly stop: () => void;
  /** Ends what runs, and gives back what others can go on with. */
  readonly close: () => Promise<void>;
};

export function createJobProcessor(app: JobsApp): JobProcessor {
  const keeper = app.newId('keep');
  /** Answers how many jobs went a step further. */
  const tick = oneAtATime(() => moveJobs(app, keeper));
  const ticker = createTicker(app, async () => {
    await tick();
    await Promise.all([engine.look(), batches.look()]);
  });
  let byTicks = false;
  const left = (): void => {
    if (byTicks) ticker.wake();
    else void tick().catch(() => undefined);
  };
  const engine = createDirectEngine(app, { left });
  const batches = createBatchEngine(app, { left });
  const stop = (): void => {
    ticker.stop();
    engine.stop();
    batches.stop();
  };

  return {
    wake() {
      byTicks = true;
      ticker.wake();
    },
    async runThrough() {
      do {
        await tick();
        await Promise.all([engine.idle(), batches.idle()]);
      } while ((await tick()) > 0);
    },
    stop,
    async close() {
      stop();
      await ticker.ended();
      await Promise.all([engine.close(), batches.close()]);
    },
  };
}

type Ticker = { readonly wake: () => void; readonly stop: () => void; readonly ended: () => Promise<void> };

function createTicker({ clock, config, log }: Pick<JobsApp, 'clock' | 'config' | 'log'>, pass: () => Promise<void>): Ticker {
  let stopped = false;
  let failures = 0;
  let last: Promise<void> = Promise.resolve();
  let cancelNext = null as (() => void) | null;
  const once = oneAtATime(async () => {
    cancelNext?.();
    if (stopped) return;
    try {
      await pass();
      failures = 0;
    } catch (cause) {
      if (failures++ === 0) log.warning('the jobs cannot be looked at for now', { reason: String(cause) });
    }
    if (!stopped) cancelNext = clock.after(config().settings.jobPollIntervalS * 1000, wake);
  });
  function wake(): void {
    if (!stopped) last = once();
  }
  return {
    wake,
    stop() {
      stopped = true;
      cancelNext?.();
    },
    ended: () => last,
  };
}

/** Each job that is due, once; answers how many went a step further. */
async function moveJobs(app: JobsApp, keeper: string): Promise<number> {
  const seen: string[] = [];
  let moved = 0;
  for (;;) {
    const job = await app.inProject(EVERY_PROJECT, (db) => keepJob(db, keeper, seen));
    if (job === null) return moved;
    seen.push(job.id);
    if (await moveOn(app, job)) moved++;
  }
}

async function moveOn(app: JobsApp, job: JobRow): Promise<boolean> {
  let moved = false;
  try {
    for (let next = await advance(app, job); next !== null; next = await advance(app, next)) moved = true;
  } catch (cause) {
    const reason = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
    app.log.error('a job cannot be moved on for now', { job_id: job.id, status: job.status, reason });
  } finally {
    await app.inProject(EVERY_PROJECT, (db) => letGoOfJob(db, job));
  }
  return moved;
}
