import { EVERY_PROJECT } from '../../../app.ts';
import { type Outcome, recordOutcomes } from '../run/outcomes.ts';
import { unansweredOutcome } from '../run/row.ts';
import { type PutBack, putBack } from '../run/store.ts';
import { dropLines, type OpenRow, openRows } from './lines/store.ts';
import { enterUnread } from './replay.ts';
import { changeBatch, type ProviderBatch } from './store.ts';
import { type EndingJob, NotKept, type Stepping } from './stepping.ts';

/** How batches end: what their requests have then, and that nothing is held for them any more. */
export type Why = { readonly code: string; readonly message: string };

const AT_ONCE = 500;

/** Every request that the batch still has, a few at a time. Whoever is told of some must give them up. */
async function eachOpen({ app, batch }: Pick<Stepping, 'app' | 'batch'>, told: (rows: readonly OpenRow[]) => Promise<void>): Promise<void> {
  for (let after = 0; ;) {
    const place = { after, limit: AT_ONCE };
    const rows = await app.inProject(EVERY_PROJECT, (db) => openRows(db, batch, place));
    const last = rows.at(-1);
    if (last === undefined) return;
    await told(rows);
    after = last.line;
  }
}

/** `charged`: the provider may have answered, and will be paid. */
export async function endRows(stepping: Pick<Stepping, 'app' | 'batch' | 'job'>, whyOf: (row: OpenRow) => Why, { charged = false } = {}): Promise<void> {
  const { app, batch, job } = stepping;
  await eachOpen(stepping, async (rows) => {
    if (charged) await Promise.all(rows.map((row) => new Promise<void>((entered) => enterUnread(app, { job, batch, row, entered }))));
    const outcomes = rows.map((row) => unanswered(stepping, row, { ...whyOf(row), costNanoUsd: charged ? row.worst_nano_usd : 0 }));
    await recordOutcomes(app, batch.id, outcomes);
  });
}

/** The outcome of a request to which this batch gave no answer. */
export function unanswered(
  { job, batch }: Pick<Stepping, 'job' | 'batch'>,
  { line }: OpenRow,
  { code, message, costNanoUsd = 0 }: Why & { readonly costNanoUsd?: number },
): Outcome {
  return { ...unansweredOutcome(job.id, line, { code, message }), provider: batch.provider, model: batch.model, costNanoUsd };
}

/** They wait for another batch; null is for those that do not. */
export async function returnRows(stepping: Pick<Stepping, 'app' | 'batch' | 'job'>, backOf: (row: OpenRow) => Omit<PutBack, 'line'> | null): Promise<void> {
  const { app, batch, job } = stepping;
  await eachOpen(stepping, async (rows) => {
    const back = rows.flatMap((row) => {
      const how = backOf(row);
      return how === null ? [] : [{ line: row.line, ...how }];
    });
    await app.inProject(EVERY_PROJECT, (db) => putBack(db, { jobId: job.id, claimedBy: batch.id }, back));
  });
}

/** The last step: none of its requests is open any more. What it held is free when this is written. */
export async function close({ app, batch }: Pick<Stepping, 'app' | 'batch'>, step: 'collected' | 'failed', error: Why | null = null): Promise<null> {
  await app.inProject(EVERY_PROJECT, async (db) => {
    await dropLines(db, batch.id);
    const columns = { step, error: error && JSON.stringify(error), ended_at: batch.ended_at ?? new Date(app.clock.now()), keeper: null, kept_until: null };
    if ((await changeBatch(db, batch, columns)) === null) throw new NotKept('somebody else keeps this batch');
  });
  const { id, job_id: jobId, provider, upstream_id: upstreamId, requests } = batch;
  app.log.info('a batch at a provider is over', {
    batch: id,
    job_id: jobId,
    provider,
    upstream_id: upstreamId,
    requests,
    step,
    ...(error ? { code: error.code } : {}),
  });
  return null;
}

/** Why a request has no answer whose job ends before the provider did. */
export function whyOfJob(job: EndingJob): Why {
  if (job.cancel_asked_at !== null || job.deleted_at !== null) return CANCELLED;
  return EXPIRED;
}

export const CANCELLED: Why = { code: 'batch_cancelled', message: 'This request was not answered before its batch was cancelled' };
export const EXPIRED: Why = { code: 'batch_expired', message: 'This request was not answered before its time was over' };

/** None of it was asked, or is to be. */
export async function endUnasked(stepping: Stepping): Promise<ProviderBatch | null> {
  const why = whyOfJob(stepping.job);
  await endRows(stepping, () => why);
  return close(stepping, 'failed', why);
}
