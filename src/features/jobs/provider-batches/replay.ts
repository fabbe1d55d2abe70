import type { Gateway, RunningCall } from '../../../app/gateway.ts';
import type { Principal } from '../../../contract/policy.ts';
import type { Cancellation } from '../../../core/cancellation.ts';
import { type EventBatches, foldAnswer, type ModelEvent, type Usage } from '../../../core/events.ts';
import type { LedgerRow } from '../../../core/ledger-row.ts';
import { type Call, UpstreamError } from '../../../core/provider.ts';
import type { BatchResult, ProviderBatches } from '../../../core/provider-batches.ts';
import { estimateInputTokens, estimateTokens } from '../../../core/tokens.ts';
import { upstreamAppError } from '../../../gateway/attempt.ts';
import { type BatchableCall, enterBatched } from '../../../gateway/batched.ts';
import type { Answered } from '../../../http/ask.ts';
import type { Outcome } from '../run/outcomes.ts';
import type { JobsApp } from '../run/world.ts';
import type { JobRow } from '../store.ts';
import { askRow, idsOf } from './asking.ts';
import type { OpenRow } from './lines/store.ts';
import type { ProviderBatch } from './store.ts';

/** What a batch is read with. */
export type Reading = {
  readonly job: JobRow;
  readonly batch: ProviderBatch;
  readonly batches: ProviderBatches;
  readonly signal: Cancellation;
  readonly call: Call;
};
type Told = Exclude<BatchResult, { readonly type: 'unanswered' }>;

/** What became of a row, and when the ledger has what it cost. */
type Replayed = { readonly outcome: Outcome; readonly entered: Promise<void> };

/** Runs the route of a row again, with the result of the batch for the model's answer: so it says what it would have said to a caller. */
export async function replay(app: JobsApp, reading: Reading, { row, result }: { readonly row: OpenRow; readonly result: Told }): Promise<Replayed> {
  const { job, batch, signal } = reading;
  const principal: Principal = batch.principal;
  const { ids, requestId } = idsOf({ job, row });
  const entering = Promise.withResolvers<void>();
  const gateway = answeringGateway(app, reading, { result, entered: entering.resolve });
  const answered = await askRow(app, { job, row, principal, signal }, gateway, { ids, requestId });
  if (ids.tally.calls === 0 && result.type === 'said') enterUnread(app, { job, batch, row, entered: entering.resolve });
  else if (ids.tally.calls === 0) entering.resolve();
  const outcome = { jobId: job.id, line: row.line, requestId, ...said(answered), model: batch.model, provider: batch.provider, ...ids.tally };
  return { outcome, entered: entering.promise };
}

function said({ status, json, error }: Answered): Pick<Outcome, 'statusCode' | 'response' | 'error'> {
  return { statusCode: status, response: json, error: error && { code: error.code, message: error.message } };
}

type Answering = { readonly result: Told; readonly entered: () => void };

/** The first call is answered by the batch. A further one, such as to have a mistake put right, is a call like any other. */
function answeringGateway(app: JobsApp, reading: Reading, answering: Answering): Gateway {
  let isFirst = true;
  const isAnswered = (): boolean => {
    const was = isFirst;
    isFirst = false;
    return was;
  };
  return {
    ...app.gateway,
    run: async (call) => (isAnswered() ? answerRun(app, reading, { asked: { type: 'chat', call }, ...answering }) : app.gateway.run(call)),
    embed: async (call) => (isAnswered() ? answerEmbed(app, reading, { asked: { type: 'embed', call }, ...answering }) : app.gateway.embed(call)),
  };
}

type Asked<Type> = Answering & { readonly asked: Extract<BatchableCall, { readonly type: Type }> };

function answerRun(app: JobsApp, { batch, batches }: Reading, { asked, result, entered }: Asked<'chat'>): RunningCall {
  const { request } = asked.call;
  const events = read(app, { batch, asked, result, entered }, (text) => batches.decode(batch.kind, { ...request, model: batch.model }, text));
  const fold = foldAnswer();
  for (const event of events) fold.add(event);
  const usage = fold.usage() ?? { inputTokens: estimateInputTokens(request), outputTokens: estimateTokens(fold.produced()), estimated: true };
  return { ...headOf(app, batch, { asked, usage, answer: fold.answer(), entered }), events: once(events) };
}

function answerEmbed(app: JobsApp, { batch, batches }: Reading, { asked, result, entered }: Asked<'embed'>): Awaited<ReturnType<Gateway['embed']>> {
  const { request } = asked.call;
  const answer = read(app, { batch, asked, result, entered }, (text) => batches.decodeEmbeddings({ ...request, model: batch.model }, text));
  const usage = { inputTokens: answer.inputTokens, outputTokens: 0, ...(answer.estimated ? { estimated: true } : {}) };
  return { ...headOf(app, batch, { asked, usage, answer: null, entered }), answer };
}

type Entering = { readonly asked: BatchableCall; readonly entered: () => void };

function headOf(app: JobsApp, batch: ProviderBatch, { asked, usage, answer, entered }: Entering & { readonly usage: Usage; readonly answer: object | null }) {
  const { id, provider, model, price } = batch;
  const receipt = enterBatched(app, asked, { batchId: id, provider, model, price, outcome: 'ok', errorCode: null, usage, answer, entered });
  return { model, provider, cache: 'BYPASS' as const, attempts: 1, queueMs: 0, upstreamMs: () => 0, limitHeaders: {}, receipt: () => receipt };
}

/** What was said; where it failed, or cannot be read, the call fails as it would have elsewhere. */
function read<Said>(
  app: JobsApp,
  { batch, asked, result, entered }: Entering & { readonly batch: ProviderBatch; readonly result: Told },
  decode: (text: string) => Said,
): Said {
  try {
    if (result.type === 'failed') throw result.fault;
    return decode(result.text);
  } catch (cause) {
    if (!(cause instanceof UpstreamError)) throw cause;
    const { id, provider, model, price } = batch;
    const error = upstreamAppError({ provider: { id: provider }, model }, cause, { attempts: 1, allLimited: true });
    const usage = { inputTokens: 0, outputTokens: 0 };
    enterBatched(app, asked, { batchId: id, provider, model, price, outcome: 'failed', errorCode: error.code, usage, answer: null, entered });
    throw error;
  }
}

async function* once(events: readonly ModelEvent[]): EventBatches {
  yield events;
}

type Unread = { readonly job: JobRow; readonly batch: ProviderBatch; readonly row: OpenRow; readonly entered: () => void };

/** The provider may have answered, and nobody knows what: the most that it can have cost is charged, as for every call that is given up for lost. */
export function enterUnread(app: JobsApp, { job, batch, row, entered }: Unread): void {
  const { ids, requestId } = idsOf({ job, row });
  const { principal } = batch;
  const id = ids.next();
  const lost: LedgerRow = {
    id,
    at: row.ran_at.toISOString(),
    request_id: requestId,
    root_id: id,
    project_id: job.project_id,
    user_id: principal.kind === 'anonymous' ? undefined : (principal.userId ?? undefined),
    key_id: principal.kind === 'key' ? principal.keyId : undefined,
    route: job.endpoint,
    template_id: job.template_id ?? undefined,
    job_id: job.id,
    asked_model: job.model ?? undefined,
    provider: batch.provider,
    model: batch.model,
    outcome: 'lost',
    cache: 'BYPASS',
    streamed: false,
    input_tokens: 0,
    output_tokens: 0,
    estimated: true,
    cost_nano_usd: row.worst_nano_usd,
    queue_ms: 0,
    upstream_ms: 0,
  };
  app.ledger.close(lost, { entered, heldBy: batch.id });
}
