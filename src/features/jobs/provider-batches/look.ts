import { UpstreamError } from '../../../core/provider.ts';
import type { BatchProblem, BatchSeen } from '../../../core/provider-batches.ts';
import { EVERY_PROJECT } from '../../../app.ts';
import { recordOutcomes } from '../run/outcomes.ts';
import { collect } from './collect.ts';
import { close, endRows, returnRows, unanswered, type Why, whyOfJob } from './ending.ts';
import { lineAt, openRows } from './lines/store.ts';
import { type ProviderBatch } from './store.ts';
import { change, type Stepping, waitMs, WELL } from './stepping.ts';

/** How far a batch is at its provider; one whose job ends is cancelled there. */
export async function look(stepping: Stepping): Promise<ProviderBatch | null> {
  const { app, job, batches, call, signal } = stepping;
  let { batch } = stepping;
  const upstreamId = batch.upstream_id ?? '';
  if (job.ending && batch.cancel_asked_at === null) {
    await cancelThere(stepping, upstreamId);
    batch = await change(stepping, { ...WELL, cancel_asked_at: new Date(app.clock.now()), looks: 0 });
  }
  signal.throwIfAborted();
  const seen = await batches.look(upstreamId, call);
  if (seen.outcome === null) {
    await change({ app, batch }, { ...WELL, upstream_status: seen.status, looks: batch.looks + 1, lookInMs: waitMs(stepping, batch.looks) });
    return null;
  }
  return change({ app, batch }, { ...WELL, step: 'ended', ended_at: new Date(app.clock.now()), looks: 0, ...filesOf(seen) });
}

function filesOf(seen: BatchSeen): Pick<ProviderBatch, 'upstream_status' | 'output_file_id' | 'error_file_id'> {
  return { upstream_status: seen.status, output_file_id: seen.outputFileId, error_file_id: seen.errorFileId };
}

/** One that is over by itself cannot be cancelled, and shows its end. */
async function cancelThere({ batches, call }: Stepping, upstreamId: string): Promise<void> {
  try {
    await batches.cancel(upstreamId, call);
  } catch (cause) {
    if (!(cause instanceof UpstreamError && (cause.fault === 'rejected' || cause.status === 409))) throw cause;
  }
}

/** What came of a batch that is over: its results, or why there are none. */
export async function end(stepping: Stepping): Promise<ProviderBatch | null> {
  const { batch, batches, call } = stepping;
  const seen = await batches.look(batch.upstream_id ?? '', call);
  return seen.outcome === 'failed' ? refused(stepping, seen.problems) : collect(stepping, seen);
}

const REFUSED: Why = { code: 'batch_failed', message: 'The provider refused the batch without saying why' };
/** Requests that stood beside one that was refused are asked again so often, and those for which there was no place at the provider. */
const RETURNS_MAX = 3;
const QUEUE_RETURNS_MAX = 16;
const QUEUE_FULL = 'token_limit_exceeded';

/** The provider looked at the requests, and took none of them: those that it names are at fault, and the others go into another batch. */
async function refused(stepping: Stepping, problems: readonly BatchProblem[]): Promise<null> {
  const { app, batch, job } = stepping;
  const [first = REFUSED] = problems;
  const whole: Why = job.ending ? whyOfJob(job) : { code: first.code, message: first.message };
  let hasNamed = false;
  for (const { line: place, code, message } of problems) {
    if (place === null) continue;
    const line = await app.inProject(EVERY_PROJECT, (db) => lineAt(db, batch.id, place));
    const rows = line === null ? [] : await app.inProject(EVERY_PROJECT, (db) => openRows(db, batch, { lines: [line] }));
    hasNamed ||= line !== null;
    await recordOutcomes(
      app,
      batch.id,
      rows.map((row) => unanswered(stepping, row, { code, message })),
    );
  }
  const isFull = whole.code === QUEUE_FULL;
  const returnsMax = isFull ? QUEUE_RETURNS_MAX : hasNamed ? RETURNS_MAX : 0;
  await returnRows(stepping, ({ retry_count: count }) => {
    return job.ending || count >= returnsMax ? null : { waitMs: isFull ? waitMs(stepping, count) : 0, counts: true };
  });
  await endRows(stepping, () => whole);
  return close(stepping, 'failed', whole);
}
