import type { App } from '../app.ts';
import type { GatewayCall } from '../app/gateway.ts';
import type { OpenCall, Permit, Reservation } from '../app/spending.ts';
import type { Usage } from '../core/events.ts';
import type { FailedAttempt, LedgerRow } from '../core/ledger-row.ts';
import { worstCaseNanoUsd } from '../core/prices.ts';
import type { Candidate } from '../core/routing.ts';
import type { Load } from './load.ts';

/**
 * The money of one call: the most that it can cost is set aside before it starts and written down in case the process dies; when it is over,
 * what it did cost is.
 */
export type Account = {
  /** Attempts that failed before the one that counts; attempt.ts adds to them. */
  readonly failures: FailedAttempt[];
  /** From this moment on the call may cost something: writes down what is true if the process dies. */
  readonly sending: () => void;
  /** Once. */
  readonly close: (closing: Closing) => void;
};

export type Closing = {
  readonly outcome: LedgerRow['outcome'];
  readonly errorCode: string | null;
  readonly candidate: Pick<Candidate, 'model'> & Partial<Pick<Candidate, 'priceAssumed'>> & { readonly provider: { readonly id: string } };
  readonly usage: Usage;
  readonly costNanoUsd: number;
  readonly queueMs: number;
  readonly firstPieceMs: number | null;
  readonly upstreamMs: number;
  /** What was said, as far as it came; null where nothing did. */
  readonly answer: object | null;
};

type Needs = Pick<App, 'ledger' | 'budgets' | 'bodies'>;

export type Opening = {
  readonly call: GatewayCall;
  readonly load: Load;
  readonly id: string;
  readonly permit: Permit;
  readonly candidates: readonly Candidate[];
  readonly cache: LedgerRow['cache'];
  /** Equal for equal requests; null where nobody asked for it. */
  readonly requestHash: string | null;
};

/** How far our count of a text's tokens may be below the provider's, and what it adds by itself. */
const COUNT_ERROR = 1.35;
const COUNT_MORE = 16;

export function openAccount(needs: Needs, opening: Opening): Account | Promise<Account> {
  const worst = worstCase(opening);
  if (worst.nanoUsd === 0) return account(needs, opening, { worst, reservation: null });
  const reserved = needs.budgets.reserve(opening.call.principal.budgets, worst.nanoUsd);
  return reserved instanceof Promise
    ? reserved.then((reservation) => account(needs, opening, { worst, reservation }))
    : account(needs, opening, { worst, reservation: reserved });
}

type Reserved = { readonly worst: WorstCase; readonly reservation: Reservation | null };

function account(needs: Needs, opening: Opening, { worst, reservation }: Reserved): Account {
  const failures: FailedAttempt[] = [];
  let opened: OpenCall | null = null;
  return {
    failures,
    sending() {
      if (reservation !== null) opened ??= needs.ledger.open(ledgerRow(opening, lost(worst)));
    },
    close(closing) {
      const { usage } = closing;
      const { ids } = opening.call;
      ids.tally.calls++;
      ids.tally.costNanoUsd += closing.costNanoUsd;
      countTokens(ids, usage);
      opening.permit.leave(usage.inputTokens + usage.outputTokens);
      const entered = reservation?.settle(closing.costNanoUsd);
      needs.ledger.close(ledgerRow(opening, closing, failures), { opened, again: ids.again, ...(entered ? { entered } : {}) });
      keepBody(needs, opening, closing);
    },
  };
}

function lost({ candidate, inputTokens, outputTokens, nanoUsd }: WorstCase): Closing {
  const usage = { inputTokens, outputTokens, estimated: true };
  return { outcome: 'lost', errorCode: null, candidate, usage, costNanoUsd: nanoUsd, queueMs: 0, firstPieceMs: null, upstreamMs: 0, answer: null };
}

/** A call that an answer given before has saved. */
export function enterHit(needs: Pick<App, 'ledger' | 'bodies'>, opening: Omit<Opening, 'candidates'>, closing: Closing, savedNanoUsd: number): void {
  const { ids } = opening.call;
  opening.permit.leave(0);
  ids.tally.savedNanoUsd += savedNanoUsd;
  countTokens(ids, closing.usage);
  needs.ledger.close({ ...ledgerRow(opening, closing), saved_nano_usd: savedNanoUsd }, { again: ids.again });
  keepBody(needs, opening, closing);
}

export function countTokens({ tally }: GatewayCall['ids'], { inputTokens, cachedInputTokens = 0, outputTokens, reasoningTokens = 0 }: Usage): void {
  tally.inputTokens += inputTokens;
  tally.cachedInputTokens += cachedInputTokens;
  tally.outputTokens += outputTokens;
  tally.reasoningTokens += reasoningTokens;
}

export function keepBody({ bodies }: Pick<App, 'bodies'>, { call, id }: Pick<Opening, 'call' | 'id'>, { outcome, answer }: Closing): void {
  bodies.keep({ id, atMs: call.ids.at, projectId: call.principal.projectId, outcome, request: call.request, answer });
}

export function ledgerRow(opening: Omit<Opening, 'candidates'>, closing: Closing, failures: readonly FailedAttempt[] = []): LedgerRow {
  const { call, load } = opening;
  const { principal, ids } = call;
  const { usage } = closing;
  return {
    id: opening.id,
    at: new Date(ids.at).toISOString(),
    request_id: call.requestId,
    root_id: ids.rootId,
    project_id: principal.projectId,
    user_id: principal.kind === 'anonymous' ? undefined : (principal.userId ?? undefined),
    key_id: principal.kind === 'key' ? principal.keyId : undefined,
    route: call.route,
    template_id: call.templateId ?? undefined,
    job_id: call.jobId ?? undefined,
    asked_model: call.model,
    provider: closing.candidate.provider.id,
    model: closing.candidate.model,
    outcome: closing.outcome,
    error_code: closing.errorCode ?? undefined,
    cache: opening.cache,
    streamed: load.streamed,
    input_tokens: usage.inputTokens,
    cached_input_tokens: usage.cachedInputTokens || undefined,
    output_tokens: usage.outputTokens,
    reasoning_tokens: usage.reasoningTokens || undefined,
    max_tokens: load.maxTokens,
    estimated: usage.estimated === true || closing.candidate.priceAssumed === true || undefined,
    cost_nano_usd: closing.costNanoUsd,
    queue_ms: tenths(closing.queueMs),
    first_piece_ms: closing.firstPieceMs === null ? undefined : tenths(closing.firstPieceMs),
    upstream_ms: tenths(closing.upstreamMs),
    failures: failures.length === 0 ? undefined : failures,
    request_hash: opening.requestHash ?? undefined,
  };
}

type WorstCase = { readonly nanoUsd: number; readonly candidate: Candidate; readonly inputTokens: number; readonly outputTokens: number };

/** The dearest that any candidate can make of it: all of the input, counted generously, and the longest answer. */
function worstCase({ load, candidates }: Opening): WorstCase {
  let worst: WorstCase | null = null;
  let inputTokens = -1;
  for (const candidate of candidates) {
    const isFree = worstCaseNanoUsd({ inputTokens: 1, maxTokens: 1 }, candidate.price) === 0;
    if (!isFree && inputTokens < 0) inputTokens = mostInputTokens(load, candidates);
    const outputTokens = load.outputTokens(candidate.facts);
    const nanoUsd = isFree ? 0 : worstCaseNanoUsd({ inputTokens, maxTokens: outputTokens }, candidate.price);
    if (worst === null || nanoUsd > worst.nanoUsd) worst = { nanoUsd, candidate, inputTokens: Math.max(0, inputTokens), outputTokens };
  }
  if (worst === null) throw new Error('a call has at least one candidate');
  return worst;
}

/** Our count, generously; as much as the model can read, where it reads what we cannot count. */
export function mostInputTokens(load: Load, candidates: readonly Pick<Candidate, 'facts'>[]): number {
  const counted = Math.ceil(load.inputTokens() * COUNT_ERROR) + COUNT_MORE;
  return load.hasUncounted ? Math.max(counted, ...candidates.map(({ facts }) => facts.contextTokens)) : counted;
}

function tenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}
