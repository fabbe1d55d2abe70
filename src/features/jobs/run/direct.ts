import { createFairShare } from '../../../core/fair-share.ts';
import { oneAtATime } from '../../../core/one-at-a-time.ts';
import { createThroughput } from '../../../core/throughput.ts';
import { claim, isIdle, lookAtJobs, wantsRows } from './claiming.ts';
import type { Active, Floor, RunningRow } from './floor.ts';
import { createPaces } from './paces.ts';
import { beginRows, endRow, giveBack } from './places.ts';
import { createWorker } from './worker.ts';
import type { JobsApp } from './world.ts';
import { createWriter } from './writer.ts';

/** Runs the rows of jobs here, as many at once as JOB_CONCURRENCY says, each job getting its share. */
export type DirectEngine = {
  /** Something may have changed: there is a new job, one was cancelled, a worker died. Resolves when it was looked at. */
  readonly look: () => Promise<void>;
  /** Resolves when there is nothing that could be run now. */
  readonly idle: () => Promise<void>;
  /** Begins nothing more; what has not begun waits for others at once. */
  readonly stop: () => void;
  /** Ends what still runs, which then waits for others too, and gives back the rest. */
  readonly close: () => Promise<void>;
};

/** How often is looked at the jobs while there are any: what was cancelled or retaken is seen so soon without a word from anybody. */
const LOOK_EACH_MS = 1000;
const IDLE_LOOK_MS = 50;
const CLOSE_MAX_MS = 5000;

export function createDirectEngine(app: JobsApp, { left }: Pick<Floor, 'left'>): DirectEngine {
  const { clock } = app;
  const changed = (): void => {
    beginRows(floor);
    if (wantsRows(floor)) void pump.turn();
  };
  const floor = makeFloor(app, { left, changed });
  const pump = createPump(floor);
  const stop = (): void => {
    floor.stopping = true;
    for (const active of floor.actives.values()) giveBack(floor, active);
  };

  return {
    look: pump.look,
    async idle() {
      await pump.look();
      while (!isIdle(floor) || pump.isStuck()) await clock.sleep(IDLE_LOOK_MS);
    },
    stop,
    async close() {
      stop();
      for (const entry of floor.running) endRow(entry, 'the service was shut down');
      const leaving = emptied(floor).then(() => floor.worker.leave());
      // With the database away the others take what is left, when the lease is over.
      await Promise.race([leaving, clock.sleep(CLOSE_MAX_MS)]);
    },
  };
}

async function emptied({ app, running, writer }: Floor): Promise<void> {
  while (running.size > 0 || writer.waiting() > 0) await app.clock.sleep(IDLE_LOOK_MS);
}

type Pump = {
  /** Claims and begins as much as there is place for. */
  readonly turn: () => Promise<void>;
  /** The same after a look at the jobs. */
  readonly look: () => Promise<void>;
  /** Whether the last turn failed. */
  readonly isStuck: () => boolean;
};

/** Keeps the places filled, and looks at the jobs now and then as long as there are any. */
function createPump(floor: Floor): Pump {
  const { app } = floor;
  let lookedAt = Number.NEGATIVE_INFINITY;
  let failures = 0;
  let cancelNext = null as (() => void) | null;

  const takeTurn = async (): Promise<void> => {
    do {
      if (app.clock.monotonic() - lookedAt >= LOOK_EACH_MS) {
        lookedAt = app.clock.monotonic();
        await lookAtJobs(floor);
      }
      await claim(floor);
      beginRows(floor);
    } while (wantsRows(floor));
  };
  const setNext = (): void => {
    cancelNext?.();
    if (floor.stopping || (floor.actives.size === 0 && failures === 0)) return;
    const waitMs = Math.min(beginRows(floor), LOOK_EACH_MS);
    cancelNext = app.clock.after(Math.max(1, waitMs), () => void turn());
  };
  const turn = oneAtATime(async () => {
    try {
      await takeTurn();
      failures = 0;
    } catch (cause) {
      if (failures++ === 0) app.log.warning('rows of jobs cannot be claimed for now', { reason: String(cause) });
    }
    setNext();
  });
  return {
    turn,
    look() {
      lookedAt = Number.NEGATIVE_INFINITY;
      return turn();
    },
    isStuck: () => failures > 0,
  };
}

function makeFloor(app: JobsApp, { left, changed }: Pick<Floor, 'left' | 'changed'>): Floor {
  const actives = new Map<string, Active>();
  const running = new Set<RunningRow>();
  const writer = createWriter({
    inProject: app.inProject,
    clock: app.clock,
    log: app.log,
    onStored: (jobId, open) => {
      if (open <= 0) left(jobId);
    },
    // What runs no more of a job that was ended can have its outcome now.
    onBack: (jobId) => {
      if (!actives.has(jobId)) left(jobId);
    },
    onWritten: changed,
  });
  const worker = createWorker({
    ...app,
    onBuried(id) {
      for (const { queue } of actives.values()) queue.splice(0, queue.length, ...queue.filter(({ claimedBy }) => claimedBy !== id));
      for (const entry of running) if (entry.row.claimedBy === id) endRow(entry, 'this row is run by others by now');
    },
  });
  return {
    app,
    worker,
    writer,
    paces: createPaces(app),
    share: createFairShare(),
    throughput: createThroughput(),
    actives,
    running,
    changed,
    left,
    stopping: false,
  };
}
