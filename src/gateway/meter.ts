import type { App } from '../app.ts';
import type { ModelCall, Receipt } from '../app/gateway.ts';
import { AppError } from '../contract/errors.ts';
import type { Cancellation } from '../core/cancellation.ts';
import { type AnswerFold, foldAnswer, type ModelEvent, type Usage } from '../core/events.ts';
import type { LedgerRow } from '../core/ledger-row.ts';
import type { ModelRequest } from '../core/model-request.ts';
import { costNanoUsd } from '../core/prices.ts';
import { UpstreamError } from '../core/provider.ts';
import { estimateInputTokens, estimateTokens } from '../core/tokens.ts';
import type { Account } from './account.ts';
import { type Attempted, upstreamAppError } from './attempt.ts';

/** Step five: read what goes by, and know at every moment what it used and cost, however it ends. */
export type Metered = {
  readonly batches: AsyncGenerator<readonly ModelEvent[]>;
  readonly fold: AnswerFold;
  readonly receipt: () => Receipt;
  readonly upstreamMs: () => number;
};

type Needs = Pick<App, 'clock' | 'config' | 'log'>;
type Metering = {
  readonly call: ModelCall;
  readonly attempted: Attempted;
  readonly account: Account;
  readonly startedAt: number;
  readonly queueMs: number;
  readonly signal: Cancellation;
  /** Called once, with whether the answer is whole. */
  readonly over: (complete: boolean) => void;
};

export function meter(needs: Needs, metering: Metering): Metered {
  const { attempted, signal } = metering;
  const { candidate } = attempted;
  const overrun = overrunWatch(metering.call);
  const reading = startReading(needs, metering);
  let begun = false;

  /** Looked at before it is passed on: an end that was said cannot be taken back. */
  const within = (batch: readonly ModelEvent[]): readonly ModelEvent[] => {
    reading.add(batch);
    overrun?.(batch);
    return batch;
  };

  async function* batches(): AsyncGenerator<readonly ModelEvent[]> {
    begun = true;
    try {
      signal.throwIfAborted();
      yield within(attempted.said.first);
      for (;;) {
        const step = await attempted.said.rest.next();
        if (step.done) break;
        yield within(step.value);
      }
      // A provider that stops without saying so has not finished, whatever its iterator says.
      if (reading.fold.answer() === null) throw new UpstreamError('broken', 'the answer stopped without an end');
      reading.finish('ok', null);
    } catch (cause) {
      if (cause instanceof UpstreamError) attempted.visit.failed(cause);
      // Anything else is the caller's leaving, its deadline, or a fault of ours, and goes on as it is.
      const error = cause instanceof UpstreamError ? upstreamAppError(candidate, cause, { attempts: attempted.attempts, allLimited: true }) : cause;
      reading.broke(error);
      throw error;
    } finally {
      reading.finish('left', null);
      await attempted.said.rest.return?.();
    }
  }

  /** A caller may leave, or its time be over, before anybody began to read: what has come is charged then, since a generator that never ran ends nothing. */
  const abandon = (): void => {
    if (begun) return;
    reading.add(attempted.said.first);
    reading.broke(signal.reason);
    void attempted.said.rest.return?.();
  };
  if (signal.aborted) abandon();
  else signal.addEventListener('abort', abandon, { once: true });

  return { batches: batches(), fold: reading.fold, receipt: reading.receipt, upstreamMs: reading.upstreamMs };
}

type Reading = Pick<Metered, 'fold' | 'receipt' | 'upstreamMs'> & {
  readonly add: (batch: readonly ModelEvent[]) => readonly ModelEvent[];
  /** The first time that it is called counts. */
  readonly finish: (outcome: LedgerRow['outcome'], errorCode: string | null) => void;
  readonly broke: (cause: unknown) => void;
};

function startReading(needs: Needs, { call, attempted, account, startedAt, queueMs, over }: Metering): Reading {
  const { candidate } = attempted;
  const fold = foldAnswer();
  const firstPieceMs = needs.clock.monotonic() - startedAt;
  let endedAt: number | null = null;

  const receipt = (): Receipt => {
    const usage = fold.usage() ?? estimated(call.request, fold);
    return { usage, costNanoUsd: costNanoUsd(usage, candidate.price) };
  };
  const upstreamMs = (): number => (endedAt ?? needs.clock.monotonic()) - startedAt;
  const finish = (outcome: LedgerRow['outcome'], errorCode: string | null): void => {
    if (endedAt !== null) return;
    endedAt = needs.clock.monotonic();
    attempted.visit.over(outcome === 'ok' ? 'well' : 'unknown');
    const { usage, costNanoUsd: cost } = receipt();
    account.close({ outcome, errorCode, candidate, usage, costNanoUsd: cost, queueMs, firstPieceMs, upstreamMs: upstreamMs(), answer: saidSoFar(fold) });
    const text = needs.config().settings.logPrompts ? fold.text() : null;
    record(call, attempted, { receipt: { usage, costNanoUsd: cost }, complete: outcome === 'ok', firstPieceMs, upstreamMs: upstreamMs(), text });
    over(outcome === 'ok');
  };
  return {
    fold,
    receipt,
    upstreamMs,
    finish,
    broke: (cause) => finish(isLeaving(cause) ? 'left' : 'cut', cause instanceof AppError ? cause.code : null),
    add(batch) {
      for (const event of batch) fold.add(event);
      return batch;
    },
  };
}

/** The whole answer, or the text of one that broke off. */
function saidSoFar(fold: AnswerFold): object | null {
  const text = fold.text();
  return fold.answer() ?? (text === '' ? null : { text });
}

export function isLeaving(cause: unknown): boolean {
  return cause instanceof DOMException && cause.name === 'AbortError';
}

/** Our count of tokens is nearly never more than this times the true one. */
const COUNT_ERROR = 1.4;

/**
 * A provider may ignore the longest answer that it was told, and a budget was reserved for no more than that. Where there is one, a stream is cut
 * when it certainly has more tokens: as many pieces, or by a count that is as low as it can be.
 */
function overrunWatch({ principal, request }: ModelCall): ((batch: readonly ModelEvent[]) => void) | null {
  const maxTokens = request.maxTokens === undefined ? undefined : request.maxTokens * (request.answers ?? 1);
  if (principal.budgets.length === 0 || maxTokens === undefined || !request.stream) return null;
  let pieces = 0;
  let counted = 0;
  return (batch) => {
    for (const event of batch) {
      const text = outputOf(event);
      if (text === '') continue;
      pieces++;
      counted += estimateTokens(text);
    }
    if (Math.max(pieces, counted / COUNT_ERROR) <= maxTokens) return;
    throw new AppError('BUDGET_EXCEEDED', {
      message: `The provider went on beyond the ${maxTokens} tokens that were asked for and set aside from the budget; the answer was cut`,
      details: { max_tokens: maxTokens },
    });
  };
}

function outputOf(event: ModelEvent): string {
  if (event.type === 'tool-delta') return event.arguments;
  return event.type === 'text-delta' || event.type === 'reasoning-delta' || event.type === 'refusal-delta' ? event.text : '';
}

type Recorded = {
  readonly receipt: Receipt;
  readonly complete: boolean;
  readonly firstPieceMs: number;
  readonly upstreamMs: number;
  readonly text: string | null;
};

function record(call: ModelCall, attempted: Attempted, recorded: Recorded): void {
  const { usage, costNanoUsd: cost } = recorded.receipt;
  Object.assign(call.logFields, {
    provider: attempted.candidate.provider.id,
    model: attempted.candidate.model,
    attempts: attempted.attempts,
    input_tokens: usage.inputTokens,
    output_tokens: usage.outputTokens,
    cost_usd: cost / 1e9,
    first_piece_ms: Math.round(recorded.firstPieceMs * 10) / 10,
    upstream_ms: Math.round(recorded.upstreamMs * 10) / 10,
    ...(usage.estimated ? { estimated: true } : {}),
    ...(recorded.complete ? {} : { incomplete: true }),
    ...(recorded.text === null ? {} : { prompt: call.request.messages, answer: recorded.text }),
  });
}

/** Where a provider gives no usage, or was cut off before it did: our own count of what came, and of what went where it did not say that first. */
function estimated(request: Omit<ModelRequest, 'model'>, fold: AnswerFold): Usage {
  const outputTokens = estimateTokens(fold.produced());
  return { ...(fold.begun() ?? { inputTokens: estimateInputTokens(request) }), outputTokens, estimated: true };
}
