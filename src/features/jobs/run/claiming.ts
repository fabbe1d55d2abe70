import { EVERY_PROJECT } from '../../../app.ts';
import { shareOut } from '../../../core/fair-share.ts';
import { createPace } from '../../../core/pace.ts';
import { type Active, type Floor, isSuspect, placesOf } from './floor.ts';
import { endRow, giveBack } from './places.ts';
import { claimRows, listRunningJobs, retakeFromDead } from './store.ts';

/**
 * Claimed ahead is what ends in this time, so that no place stays empty while more are fetched; and no more, since it is nobody else's, and would
 * share the blame for the death of a worker.
 */
const AHEAD_S = 0.1;
/** A job has no more than so many times of it, where the first ones wait for their provider. */
const AHEAD_OF_WAITING = 4;
/** Less room than this part of it is not worth a question. */
const WORTH_IT = 4;
/** A job that had no row to give is asked again after this. */
const DRY_MS = 500;
const NEVER = Number.NEGATIVE_INFINITY;

/** Takes back what dead workers had, and brings the list of jobs up to date: what is cancelled or over ends here too. */
export async function lookAtJobs(floor: Floor): Promise<void> {
  const { app, actives, running } = floor;
  const { jobLeaseS } = app.config().settings;
  const retaken = await app.inProject(EVERY_PROJECT, (db) => retakeFromDead(db, jobLeaseS));
  if (retaken > 0) app.log.warning('rows of jobs are taken back from a worker that died', { rows: retaken });
  const jobs = await app.inProject(EVERY_PROJECT, listRunningJobs);
  const listed = new Map(jobs.map((job) => [job.id, job]));
  for (const active of actives.values()) {
    if (listed.has(active.id)) continue;
    actives.delete(active.id);
    giveBack(floor, active);
    for (const entry of running) if (entry.active === active) endRow(entry, 'the job was ended');
    floor.left(active.id);
  }
  for (const [id, job] of listed) {
    const known = actives.get(id);
    if (known) known.dryUntil = 0;
    else actives.set(id, { id, projectId: job.project_id, job, pace: createPace(), queue: [], dryAt: NEVER, dryUntil: 0, backUntil: 0 });
  }
}

/** Claims what there are places for, of all jobs in one question. */
export async function claim(floor: Floor): Promise<void> {
  const { app, actives, running, worker } = floor;
  const asked = wantedRows(floor);
  if (asked.size === 0) return;
  await worker.join();
  const workerId = worker.id();
  const askedAt = app.clock.monotonic();
  const suspect = ![...running].some(({ row }) => isSuspect(row)) && ![...actives.values()].some(({ queue }) => queue.some(isSuspect));
  const wanted = [...asked].map(([active, rows]) => ({ jobId: active.id, rows }));
  const claimed = Map.groupBy(await app.inProject(EVERY_PROJECT, (db) => claimRows(db, { workerId, asked: wanted, suspect })), ({ job_id: id }) => id);
  for (const [active, rows] of asked) {
    const got = (claimed.get(active.id) ?? []).toSorted((one, other) => one.line - other.line).map((row) => Object.assign(row, { claimedBy: workerId }));
    active.dryAt = got.length < rows ? askedAt : NEVER;
    active.dryUntil = active.dryAt + DRY_MS;
    active.queue.push(...got);
    if (floor.stopping || actives.get(active.id) !== active) giveBack(floor, active);
    else moveBack(actives, active);
  }
}

/** Of jobs that have equally little, those come first that were asked longest ago: else the oldest ones would have their turn again and again. */
function moveBack(actives: Floor['actives'], active: Active): void {
  actives.delete(active.id);
  actives.set(active.id, active);
}

/** How many rows more each job gets of what there is room for. */
function wantedRows(floor: Floor): ReadonlyMap<Active, number> {
  const { app, actives, running, share, throughput } = floor;
  const now = app.clock.monotonic();
  const places = placesOf(floor);
  const full = places + Math.min(places, Math.ceil(throughput.perSecond(now) * AHEAD_S));
  let room = full - running.size;
  const holders = [...actives.values()].map((active) => {
    const { id, projectId, queue, dryUntil, pace } = active;
    const ready = readyIn(floor, active);
    room -= ready;
    const wants = now >= dryUntil && !isPaused(pace.waitMs(now)) && queue.length < full * AHEAD_OF_WAITING;
    return { active, id, projectId, has: share.runningOf(id) + ready, wants };
  });
  if (floor.stopping || room < Math.max(1, full / WORTH_IT)) return new Map();
  return new Map([...shareOut(room, holders)].map(([{ active }, rows]) => [active, rows]));
}

/** As opposed to one that waits for a row to end. */
function isPaused(waitMs: number): boolean {
  return waitMs > 0 && waitMs < Infinity;
}

function readyIn({ paces }: Floor, { job, queue }: Active): number {
  const isReady = (row: (typeof queue)[number]): boolean => {
    // One that waits for a place of its provider has its turn soon.
    return !isPaused(paces.waitMs(paces.providerOf(job, row)));
  };
  return queue.filter(isReady).length;
}

export function wantsRows(floor: Floor): boolean {
  return wantedRows(floor).size > 0;
}

/** Whether nothing can be run now: no row here, none that is soon to come back, and no job that may have another one. */
export function isIdle({ actives, running, writer }: Floor): boolean {
  return running.size === 0 && writer.waiting() === 0 && [...actives.values()].every(({ dryAt, backUntil, queue }) => queue.length === 0 && dryAt > backUntil);
}
