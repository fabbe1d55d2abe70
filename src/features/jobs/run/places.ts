import { Canceller } from '../../../core/cancellation.ts';
import { type Active, type Claimed, type Floor, isSuspect, placesOf, type RunningRow } from './floor.ts';
import { type Ended, runRow } from './row.ts';

/** Rows whose outcome is not written yet: with the database away nothing more is begun. */
const UNWRITTEN_PER_PLACE = 8;
/** A row that comes back sooner is waited for by whoever waits until nothing is left to do. */
const SOON_MS = 60_000;
/** Its wait begins when it is written. */
const WRITTEN_MS = 500;

/** Begins as many rows as there are places for, whose turn it is. Answers the milliseconds until another one may begin that waits for its provider. */
export function beginRows(floor: Floor): number {
  const places = placesOf(floor);
  for (;;) {
    if (floor.stopping || floor.running.size >= places || floor.writer.waiting() >= places * UNWRITTEN_PER_PLACE) return Infinity;
    const first = new Map<Active, number>();
    const soonestMs = findReady(floor, first);
    const active = floor.share.next(first.keys());
    if (active === null) return soonestMs;
    for (const row of active.queue.splice(first.get(active) ?? 0, 1)) begin(floor, active, row);
  }
}

/** Which row of each job may begin first. */
function findReady({ app, actives, paces, running }: Floor, first: Map<Active, number>): number {
  const suspectRuns = [...running].some(({ row }) => isSuspect(row));
  const now = app.clock.monotonic();
  let soonestMs = Infinity;
  for (const active of actives.values()) {
    const ownMs = active.pace.waitMs(now);
    soonestMs = active.queue.length > 0 ? Math.min(soonestMs, ownMs) : soonestMs;
    if (ownMs > 0) continue;
    const index = active.queue.findIndex((row) => {
      const waitMs = paces.waitMs(paces.providerOf(active.job, row));
      soonestMs = Math.min(soonestMs, waitMs);
      return waitMs === 0 && !(suspectRuns && isSuspect(row));
    });
    if (index >= 0) first.set(active, index);
  }
  return soonestMs;
}

function begin(floor: Floor, active: Active, row: Claimed): void {
  const { app, paces, running, share, throughput } = floor;
  const provider = paces.providerOf(active.job, row);
  const canceller = new Canceller();
  const entry: RunningRow = { active, row, provider, canceller };
  running.add(entry);
  share.began(active);
  paces.began(provider);
  active.pace.began();
  const over = (ended: Ended): void => {
    running.delete(entry);
    share.ended(active);
    throughput.count(app.clock.monotonic());
    paces.ended(provider, ended);
    tellPace(active, ended, app.clock.monotonic());
    write(floor, entry, ended);
    floor.changed();
  };
  void runRow(app, active.job, { row, signal: canceller }).then(over);
}

/** How long a caller who has as many calls at once as they may is let alone. */
const PARALLEL_PAUSE_MS = 100;

function tellPace({ pace }: Active, { error }: Ended, nowMs: number): void {
  pace.ended();
  if (error?.code !== 'RATE_LIMIT_EXCEEDED') pace.answered();
  else pace.limited(error.parts.details?.['kind'] === 'parallel' ? PARALLEL_PAUSE_MS : (error.parts.retryAfterMs ?? PARALLEL_PAUSE_MS), nowMs);
}

/** What was ended from outside runs again, unless it was through before: whoever ended it says what becomes of it. */
function write({ app, writer }: Floor, { active, row, canceller }: RunningRow, ended: Ended): void {
  const { claimedBy, line } = row;
  const wasEnded = canceller.aborted && ended.error !== null;
  if (ended.kind === 'outcome' && !wasEnded) {
    writer.add(claimedBy, { outcome: ended.outcome });
    return;
  }
  const again = ended.kind === 'again' && !wasEnded ? ended : { ms: 0, counts: false };
  if (again.ms <= SOON_MS) active.backUntil = Math.max(active.backUntil, app.clock.monotonic() + again.ms + WRITTEN_MS);
  writer.add(claimedBy, { jobId: active.id, back: { line, waitMs: again.ms, counts: again.counts } });
}

/** Ends a row that runs. */
export function endRow({ canceller }: RunningRow, why: string): void {
  canceller.abort(new DOMException(why, 'AbortError'));
}

/** Rows that were claimed and have not begun wait for anybody. */
export function giveBack({ writer }: Floor, { id, queue }: Active): void {
  for (const { claimedBy, line } of queue.splice(0)) writer.add(claimedBy, { jobId: id, back: { line, waitMs: 0, counts: false } });
}
