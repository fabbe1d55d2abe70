import { EVERY_PROJECT } from '../../../app.ts';
import type { Cancellation } from '../../../core/cancellation.ts';
import { type Call, UpstreamError } from '../../../core/provider.ts';
import { upstreamAppError } from '../../../gateway/attempt.ts';
import type { JobsApp } from '../run/world.ts';
import { close, endRows, returnRows, type Why } from './ending.ts';
import { whileKept } from './keeping.ts';
import { end, look } from './look.ts';
import { create, upload } from './send.ts';
import { jobOf, keepBatch, type ProviderBatch, runDirectly } from './store.ts';
import { batchesOf, change, type Stepping, waitMs } from './stepping.ts';

/** Takes a batch as far as it goes now: one process at a time, each step written down before the next. */
export function stepBatch(app: JobsApp, due: { readonly id: string; readonly signal: Cancellation }): Promise<void> {
  return whileKept(app, due, (batch, signal) => takeSteps(app, batch, signal));
}

async function takeSteps(app: JobsApp, first: ProviderBatch, signal: Cancellation): Promise<void> {
  const { clock, random, send } = app;
  const call: Call = { send, signal, requestId: first.id, random, sleep: clock.sleep };
  for (let batch: ProviderBatch | null = first; batch !== null;) {
    signal.throwIfAborted();
    const at: ProviderBatch = batch;
    const job = await app.inProject(EVERY_PROJECT, (db) => jobOf(db, at));
    if (job === null) return;
    let stepping: Omit<Stepping, 'batches'> = { app, job, batch: at, call, signal };
    try {
      batch = await takeStep({ ...stepping, batches: batchesOf(app, at) });
    } catch (cause) {
      if (signal.aborted || !(cause instanceof UpstreamError)) throw cause;
      stepping = {
        ...stepping,
        batch:
          (await app.inProject(EVERY_PROJECT, (db) => keepBatch(db, { id: at.id, keeper: at.keeper ?? '', seconds: app.config().settings.jobLeaseS }))) ?? at,
      };
      batch = await afterFault(stepping, cause);
    }
  }
}

function takeStep(stepping: Stepping): Promise<ProviderBatch | null> {
  switch (stepping.batch.step) {
    case 'new':
      return upload(stepping);
    case 'uploaded':
      return create(stepping);
    case 'created':
      return look(stepping);
    case 'ended':
      return end(stepping);
    default:
      return Promise.resolve(null);
  }
}

type Faulty = Omit<Stepping, 'batches'>;

/** What is refused now is refused later too; but what was there a moment ago is looked for some times more. */
const REFUSALS_MAX = 5;

async function afterFault(stepping: Faulty, error: UpstreamError): Promise<ProviderBatch | null> {
  const { app, batch } = stepping;
  const isSent = batch.step === 'created' || batch.step === 'ended';
  const isRefusal = error.fault === 'rejected' || error.fault === 'unauthorized';
  const failures = batch.failures + 1;
  const sinceMs = batch.failing_since === null ? 0 : app.clock.now() - batch.failing_since.getTime();
  const fields = {
    batch: batch.id,
    job_id: batch.job_id,
    provider: batch.provider,
    step: batch.step,
    fault: error.fault,
    status: error.status,
    failures,
    reason: error.message,
  };
  app.log.warning('a step of a batch at a provider failed', fields);
  if (isRefusal && !isSent) return refusedAtOnce(stepping, error);
  if (sinceMs >= app.config().settings.jobBatchGiveUpS * 1000 || (error.fault === 'rejected' && failures >= REFUSALS_MAX)) return giveUp(stepping, error);
  await change(stepping, {
    failures,
    failing_since: batch.failing_since ?? new Date(app.clock.now()),
    error: JSON.stringify(whyOf(batch, error)),
    lookInMs: Math.max(waitMs(stepping, batch.failures), error.retryAfterMs ?? 0),
  });
  return null;
}

/** Nothing was made, and nothing would be. */
async function refusedAtOnce(stepping: Faulty, error: UpstreamError): Promise<null> {
  const { app, job, batch } = stepping;
  if (job.engine === 'auto' && !job.ending && hasNoBatches(error)) {
    await returnRows(stepping, () => ({ waitMs: 0, counts: false }));
    await app.inProject(EVERY_PROJECT, (db) => runDirectly(db, job.id, `${batch.provider} has no batches at its address.`));
    return close(stepping, 'failed', whyOf(batch, error));
  }
  const why = whyOf(batch, error);
  await endRows(stepping, () => why);
  return close(stepping, 'failed', why);
}

/** A server that speaks the vendor's API without its batches. */
function hasNoBatches({ status, code }: UpstreamError): boolean {
  return (status === 404 && code !== 'model_not_found') || status === 405 || status === 501;
}

/** What was asked there may have been answered: it is paid for, and it can be asked again. */
async function giveUp(stepping: Faulty, error: UpstreamError): Promise<null> {
  const { batch } = stepping;
  const why = whyOf(batch, error);
  const mayRun = batch.step !== 'new' && (batch.step !== 'uploaded' || batch.tried_at !== null);
  if (mayRun && batch.upstream_id !== null) await cancelQuietly(stepping, batch.upstream_id);
  await endRows(stepping, () => ({ code: why.code, message: `${why.message}; the batch was given up` }), { charged: mayRun });
  return close(stepping, 'failed', why);
}

async function cancelQuietly({ app, batch, call }: Faulty, upstreamId: string): Promise<void> {
  try {
    await batchesOf(app, batch).cancel(upstreamId, call);
  } catch (cause) {
    if (!(cause instanceof UpstreamError)) throw cause;
  }
}

function whyOf({ provider, model }: ProviderBatch, error: UpstreamError): Why {
  const { code, message } = upstreamAppError({ provider: { id: provider }, model }, error, { attempts: 1, allLimited: true });
  return { code, message: error.words === null ? message : `${message}: ${error.words}` };
}
