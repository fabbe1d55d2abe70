import { UpstreamError } from '../../../core/provider.ts';
import type { BatchSeen } from '../../../core/provider-batches.ts';
import { endUnasked } from './ending.ts';
import { type ProviderBatch } from './store.ts';
import { change, NotKept, ourBatch, type Stepping, waitMs, WELL } from './stepping.ts';

/**
 * How a batch comes to its provider. Before each step that makes something there, it is written down that it may be made; who finds that written
 * looks whether it was.
 */
export async function upload(stepping: Stepping): Promise<ProviderBatch | null> {
  const { app, batch, batches, call, job } = stepping;
  // Nothing runs there yet.
  if (job.ending) return endUnasked(stepping);
  if (batches.upload === undefined || batches.findUpload === undefined) return change(stepping, { ...WELL, step: 'uploaded' });
  const ours = ourBatch(stepping);
  const found = batch.tried_at === null ? null : await lookFor(batches.findUpload(ours, call));
  if (found !== null) return change(stepping, { ...WELL, step: 'uploaded', input_file_id: found, tried_at: null });
  const tried = { app, batch: await change(stepping, { tried_at: new Date(app.clock.now()) }) };
  const fileId = await ask(tried, batches.upload(ours, call));
  return change(tried, { ...WELL, step: 'uploaded', input_file_id: fileId, tried_at: null });
}

/** Where nobody may look for it, nothing is known of it: that is no refusal of what was asked before. */
async function lookFor<Found>(finding: Promise<Found>): Promise<Found> {
  try {
    return await finding;
  } catch (cause) {
    if (!(cause instanceof UpstreamError) || (cause.fault !== 'rejected' && cause.fault !== 'unauthorized')) throw cause;
    throw new UpstreamError('failed', `it cannot be found out whether a batch was made: ${cause.message}`, { words: cause.words ?? '', cause });
  }
}

/** Of a rate limit it is known that nothing was made. */
async function ask<Made>(tried: Pick<Stepping, 'app' | 'batch'>, asking: Promise<Made>): Promise<Made> {
  try {
    return await asking;
  } catch (cause) {
    if (cause instanceof UpstreamError && cause.fault === 'rate_limited') await change(tried, { tried_at: null });
    throw cause;
  }
}

export async function create(stepping: Stepping): Promise<ProviderBatch | null> {
  const { app, batch, batches, call, job } = stepping;
  if (batch.tried_at !== null) {
    const { ours, unclear } = await lookFor(batches.find(ourBatch(stepping), call));
    const [first, ...others] = ours;
    if (first) return adopt(stepping, first, others);
    // What was begun a moment ago may still be on its way.
    const sinceMs = app.clock.now() - batch.tried_at.getTime();
    const settleMs = app.config().settings.jobBatchPollS * 1000;
    if (unclear || sinceMs < settleMs) return later(stepping, unclear ? waitMs(stepping, batch.looks) : settleMs - sinceMs);
  }
  if (job.ending) return endUnasked(stepping);
  const tried = { ...stepping, batch: await change(stepping, { tried_at: new Date(app.clock.now()) }) };
  return adopt(tried, await ask(tried, batches.create(ourBatch(stepping), call)), []);
}

async function later(stepping: Stepping, ms: number): Promise<null> {
  await change(stepping, { ...WELL, looks: stepping.batch.looks + 1, lookInMs: ms });
  return null;
}

/** This one is ours; a second one, made by somebody who was thought dead, is not to be paid. */
async function adopt(stepping: Stepping, seen: BatchSeen, others: readonly BatchSeen[]): Promise<ProviderBatch | null> {
  const { app, batch } = stepping;
  const { upstreamId, status } = seen;
  try {
    const created = await change(stepping, {
      ...WELL,
      step: 'created',
      upstream_id: upstreamId,
      upstream_status: status,
      tried_at: null,
      looks: 0,
      lookInMs: waitMs(stepping, 0),
    });
    for (const other of others) await cancelSpare(stepping, other);
    app.log.info('a batch was made at a provider', {
      batch: batch.id,
      job_id: batch.job_id,
      provider: batch.provider,
      upstream_id: upstreamId,
      requests: batch.requests,
    });
    return created;
  } catch (cause) {
    if (cause instanceof NotKept)
      app.log.warning('a batch was made at a provider by a process that was taken for dead', { batch: batch.id, upstream_id: upstreamId });
    throw cause;
  }
}

async function cancelSpare({ app, batch, batches, call }: Stepping, { upstreamId }: BatchSeen): Promise<void> {
  app.log.warning('a batch was made twice at a provider; the second one is cancelled', { batch: batch.id, upstream_id: upstreamId });
  await batches.cancel(upstreamId, call).catch((cause: unknown) => {
    if (!(cause instanceof UpstreamError)) throw cause;
  });
}
