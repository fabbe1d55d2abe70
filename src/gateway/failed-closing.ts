import { AppError } from '../contract/errors.ts';
import type { FailedAttempt } from '../core/ledger-row.ts';
import type { Candidate } from '../core/routing.ts';
import type { Closing } from './account.ts';
import { isLeaving } from './meter.ts';

type Failing = { readonly cause: unknown; readonly queueMs: number; readonly upstreamMs: number; readonly last: FailedAttempt | undefined };

/** How an account is closed of a call of which no piece came: nothing was used, as far as anybody can say. */
export function failedClosing([first]: readonly Candidate[], { cause, queueMs, upstreamMs, last }: Failing): Closing {
  return {
    outcome: isLeaving(cause) ? 'left' : 'failed',
    errorCode: cause instanceof AppError ? cause.code : null,
    candidate: { model: last?.model ?? first?.model ?? '', provider: { id: last?.provider ?? first?.provider.id ?? '' } },
    usage: { inputTokens: 0, outputTokens: 0 },
    costNanoUsd: 0,
    queueMs,
    firstPieceMs: null,
    upstreamMs,
    answer: null,
  };
}
