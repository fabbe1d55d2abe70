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
  const tick = oneAtATime(() => moveJobs(app, keeper));
  const ticker = createTicker(app, async () => {
    const { failed } = await tick();
    await Promise.all([engine.look(), batches.look()]);
    return failed === 0;
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
      } while ((await tick()).moved > 0);
    },
    stop,
    async close() {
      stop();
      await ticker.ended();
      await Promise.all([engine.close(), batches.close()]);
    },
  };
}

/** What could not be done is tried again so soon. */
const AGAIN_MS = 2000;

type Ticker = { readonly wake: () => void; readonly stop: () => void; readonly ended: () => Promise<void> };

function createTicker({ clock, config, log }: Pick<JobsApp, 'clock' | 'config' | 'log'>, pass: () => Promise<boolean>): Ticker {
  let stopped = false;
  let failures = 0;
  let last: Promise<void> = Promise.resolve();
  let cancelNext = null as (() => void) | null;
  const once = oneAtATime(async () => {
    cancelNext?.();
    if (stopped) return;
    let isWell = false;
    try {
      isWell = await pass();
      failures = 0;
    } catch (cause) {
      if (failures++ === 0) log.warning('the jobs cannot be looked at for now', { reason: String(cause) });
    }
    const pollMs = config().settings.jobPollIntervalS * 1000;
    if (!stopped) cancelNext = clock.after(isWell ? pollMs : Math.min(pollMs, AGAIN_MS), wake);
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

/** Jobs that went a step further, and those with which that did not work. */
type Moves = { moved: number; failed: number };

/** Each job that is due, once. */
async function moveJobs(app: JobsApp, keeper: string): Promise<Moves> {
  const seen: string[] = [];
  const moves: Moves = { moved: 0, failed: 0 };
  for (;;) {
    const job = await app.inProject(EVERY_PROJECT, (db) => keepJob(db, keeper, seen));
    if (job === null) return moves;
    seen.push(job.id);
    await moveOn(app, job, moves);
  }
}

async function moveOn(app: JobsApp, job: JobRow, moves: Moves): Promise<void> {
  try {
    for (let next = await advance(app, job); next !== null; next = await advance(app, next)) moves.moved++;
  } catch (cause) {
    moves.failed++;
    const reason = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
    app.log.error('a job cannot be moved on for now', { job_id: job.id, status: job.status, reason });
  } finally {
    await app.inProject(EVERY_PROJECT, (db) => letGoOfJob(db, job));
  }
}
