import { EVERY_PROJECT } from '../../../app.ts';
import { UpstreamError } from '../../../core/provider.ts';
import type { BatchResult, BatchSeen } from '../../../core/provider-batches.ts';
import { type Outcome, recordOutcomes } from '../run/outcomes.ts';
import { CANCELLED, close, endRows, EXPIRED, unanswered, type Why, whyOfJob } from './ending.ts';
import { customIdOf } from './fill.ts';
import { type OpenRow, openRows } from './lines/store.ts';
import { replay } from './replay.ts';
import type { Stepping } from './stepping.ts';

/** Reads the results of a batch, some at a time. What was read before, in a reading that broke off, is done and is left out. */
const AT_ONCE = 200;
/** So often results that are fewer than announced are read again. */
const REREADS_MAX = 4;
const MISSING: Why = { code: 'batch_result_missing', message: 'The provider ended the batch without a result for this request' };

export async function collect(stepping: Stepping, seen: BatchSeen): Promise<null> {
  const { batch, batches, call, signal } = stepping;
  const taken = new Set<number>();
  let [read, nobodys] = [0, 0];
  let some: BatchResult[] = [];
  const take = async (): Promise<void> => {
    signal.throwIfAborted();
    const ours = firstOfEachLine(batch.id, some, taken);
    await takeSome(stepping, ours);
    read += some.length;
    nobodys += some.length - ours.size;
    some = [];
  };
  for await (const result of batches.results(seen, call)) {
    some.push(result);
    if (some.length >= AT_ONCE) await take();
  }
  await take();
  if (nobodys > 0)
    stepping.app.log.warning('results of a batch belong to no request, or came twice; they were left out', { batch: batch.id, results: nobodys });
  if (read < seen.results && batch.failures < REREADS_MAX) {
    throw new UpstreamError('broken', `${seen.results} results were announced, and ${read} came`);
  }
  const why = whyMissing(stepping, seen);
  await endRows(stepping, () => why);
  return close(stepping, 'collected');
}

function whyMissing({ job }: Stepping, { outcome }: BatchSeen): Why {
  if (outcome === 'expired' || outcome === 'cancelled') return job.ending ? whyOfJob(job) : outcome === 'expired' ? EXPIRED : CANCELLED;
  return MISSING;
}

/** By the line of the request that they belong to, whatever their order. */
function firstOfEachLine(batchId: string, results: readonly BatchResult[], taken: Set<number>): ReadonlyMap<number, BatchResult> {
  const byLine = new Map<number, BatchResult>();
  for (const result of results) {
    const line = lineOf(batchId, result.customId);
    if (line === null || taken.has(line)) continue;
    taken.add(line);
    byLine.set(line, result);
  }
  return byLine;
}

async function takeSome(stepping: Stepping, byLine: ReadonlyMap<number, BatchResult>): Promise<void> {
  const { app, batch } = stepping;
  const rows = await app.inProject(EVERY_PROJECT, (db) => openRows(db, batch, { lines: [...byLine.keys()] }));
  const outcomes = await Promise.all(rows.map((row) => outcomeOf(stepping, row, byLine.get(row.line))));
  await recordOutcomes(app, batch.id, outcomes);
}

function lineOf(batchId: string, customId: string): number | null {
  const line = Number(customId.slice(customId.lastIndexOf('_') + 1));
  return Number.isSafeInteger(line) && customIdOf(batchId, line) === customId ? line : null;
}

async function outcomeOf(stepping: Stepping, row: OpenRow, result: BatchResult | undefined): Promise<Outcome> {
  const { app, batch, batches, call, job, signal } = stepping;
  if (result === undefined || result.type === 'unanswered') {
    const why = job.ending ? whyOfJob(job) : result?.why === 'cancelled' ? CANCELLED : EXPIRED;
    return unanswered(stepping, row, why);
  }
  const { outcome, entered } = await replay(app, { job, batch, batches, signal, call }, { row, result });
  await entered;
  return outcome;
}
