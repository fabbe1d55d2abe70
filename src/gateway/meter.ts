import type { App, ModelCall, Receipt } from '../app.ts';
import { type AnswerFold, foldAnswer, type ModelEvent, type Usage } from '../core/events.ts';
import type { ModelRequest } from '../core/model-request.ts';
import { costNanoUsd } from '../core/prices.ts';
import { UpstreamError } from '../core/provider.ts';
import { estimateInputTokens, estimateTokens } from '../core/tokens.ts';
import { type Attempted, upstreamAppError } from './attempt.ts';

/** Step five: read what goes by, and know at every moment what it used and cost, however it ends. */
export type Metered = {
  readonly batches: AsyncIterator<readonly ModelEvent[]>;
  readonly fold: AnswerFold;
  readonly receipt: () => Receipt;
  readonly upstreamMs: () => number;
};

type Needs = Pick<App, 'clock' | 'config' | 'log'>;
type Metering = {
  readonly call: ModelCall;
  readonly attempted: Attempted;
  readonly startedAt: number;
  /** Called once, with the whole answer where there is one. */
  readonly over: (complete: boolean) => void;
};

export function meter(needs: Needs, { call, attempted, startedAt, over }: Metering): Metered {
  const fold = foldAnswer();
  const firstPieceMs = needs.clock.monotonic() - startedAt;
  let endedAt: number | null = null;

  const receipt = (): Receipt => {
    const usage = fold.usage() ?? estimated(call.request, fold.text());
    return { usage, costNanoUsd: costNanoUsd(usage, attempted.candidate.price) };
  };
  const upstreamMs = (): number => (endedAt ?? needs.clock.monotonic()) - startedAt;
  const finish = (complete: boolean): void => {
    if (endedAt !== null) return;
    endedAt = needs.clock.monotonic();
    record(call, attempted, {
      receipt: receipt(),
      complete,
      firstPieceMs,
      upstreamMs: upstreamMs(),
      text: needs.config().settings.logPrompts ? fold.text() : null,
    });
    over(complete);
  };

  async function* batches(): AsyncGenerator<readonly ModelEvent[]> {
    try {
      for (const event of attempted.first) fold.add(event);
      yield attempted.first;
      for (;;) {
        const step = await attempted.rest.next();
        if (step.done) break;
        for (const event of step.value) fold.add(event);
        yield step.value;
      }
      // A provider that stops without saying so has not finished, whatever its iterator says.
      if (fold.answer() === null) throw new UpstreamError('broken', 'the answer stopped without an end');
      finish(true);
    } catch (cause) {
      // Anything else is the caller's leaving, its deadline, or a fault of ours, and goes on as it is.
      throw cause instanceof UpstreamError ? upstreamAppError(attempted.candidate, cause, { attempts: attempted.attempts, allLimited: true }) : cause;
    } finally {
      finish(false);
      await attempted.rest.return?.();
    }
  }

  return { batches: batches(), fold, receipt, upstreamMs };
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

/** Where a provider gives no usage, or was cut off before it did: our own count of what went and what came. */
function estimated(request: Omit<ModelRequest, 'model'>, text: string): Usage {
  return { inputTokens: estimateInputTokens(request), outputTokens: estimateTokens(text), estimated: true };
}
