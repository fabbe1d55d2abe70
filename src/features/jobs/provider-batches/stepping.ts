import { EVERY_PROJECT } from '../../../app.ts';
import type { Cancellation } from '../../../core/cancellation.ts';
import { type Call, UpstreamError } from '../../../core/provider.ts';
import type { OurBatch, ProviderBatches } from '../../../core/provider-batches.ts';
import type { JobsApp } from '../run/world.ts';
import type { JobRow } from '../store.ts';
import { readTexts } from './lines/store.ts';
import { type BatchColumns, changeBatch, knownAmong, type ProviderBatch } from './store.ts';

/** One batch on its way, with what its steps are taken by. */
export type Stepping = {
  readonly app: JobsApp;
  readonly job: EndingJob;
  readonly batch: ProviderBatch;
  readonly batches: ProviderBatches;
  readonly call: Call;
  readonly signal: Cancellation;
};
/** `ending` where it goes no further: it was cancelled or deleted, or its time is over. */
export type EndingJob = JobRow & { readonly ending: boolean };

/** Somebody else keeps the batch by now. */
export class NotKept extends Error {}

/** Written of each step that went well. */
export const WELL = { failures: 0, failing_since: null, error: null } satisfies BatchColumns;

export async function change({ app, batch }: Pick<Stepping, 'app' | 'batch'>, columns: BatchColumns): Promise<ProviderBatch> {
  const changed = await app.inProject(EVERY_PROJECT, (db) => changeBatch(db, batch, columns));
  if (changed === null) throw new NotKept('somebody else keeps this batch');
  return changed;
}

/** The wait after so many looks, or failures. */
export function waitMs({ app }: Pick<Stepping, 'app'>, count: number): number {
  const { jobBatchPollS, jobBatchPollMaxS } = app.config().settings;
  const spread = 0.9 + app.random() / 5;
  return Math.min(jobBatchPollS * 2 ** Math.min(count, 20), Math.max(jobBatchPollS, jobBatchPollMaxS)) * 1000 * spread;
}

export function batchesOf(app: JobsApp, { provider }: ProviderBatch): ProviderBatches {
  const batches = app.config().providers.get(provider)?.batches;
  if (batches === undefined) throw new UpstreamError('connect', `${provider} has no batches, or is not configured any more`);
  return batches;
}

/** Of bytes that are read from the database at a time. */
const PAGE_BYTES = 1_000_000;
const PAGE_MAX = 1000;

export function ourBatch({ app, batch }: Pick<Stepping, 'app' | 'batch'>): OurBatch {
  const { id, kind, requests, bytes, created_at: createdAt, tried_at: triedAt, input_file_id: inputFileId } = batch;
  const limit = Math.max(1, Math.min(PAGE_MAX, Math.floor((PAGE_BYTES * requests) / Math.max(1, bytes))));
  return {
    id,
    kind,
    requests,
    bytes,
    inputFileId,
    createdAt: createdAt.getTime(),
    triedAt: (triedAt ?? createdAt).getTime(),
    knownAmong: (upstreamIds) => app.inProject(EVERY_PROJECT, (db) => knownAmong(db, id, upstreamIds)),
    async *texts() {
      for (let after = 0; ;) {
        const place = { after, limit };
        const page = await app.inProject(EVERY_PROJECT, (db) => readTexts(db, id, place));
        const last = page.at(-1);
        if (last === undefined) return;
        yield page.map(({ text }) => text);
        after = last.line;
      }
    },
  };
}
