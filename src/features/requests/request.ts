import type { Outcome, RequestCall, RequestSummary } from '../../contract/requests.ts';
import type { FailedAttempt } from '../../core/ledger-row.ts';
import { usdOf } from '../../core/money.ts';
import { BY_GRAVITY, type CallRow } from './store.ts';

type Body = RequestCall['body'];

/** What all calls of a request come to. `calls` are in the order in which they were made, and at least one. */
export function summary(calls: readonly [CallRow, ...CallRow[]]): RequestSummary {
  const [first] = calls;
  const worst = calls.reduce((before, call) => (gravity(call.outcome) > gravity(before.outcome) ? call : before), first);
  return {
    id: first.request_id,
    created_at: first.at.toISOString(),
    project_id: first.project_id,
    user_id: first.user_id,
    user_name: first.user_name,
    key_id: first.key_id,
    key_name: first.key_name,
    route: first.route,
    template_id: first.template_id,
    job_id: first.job_id,
    asked_model: first.asked_model,
    ...shown(calls),
    model: first.model,
    provider: first.provider,
    outcome: worst.outcome,
    error_code: worst.error_code,
    cache: calls.every(({ cache }) => cache === 'HIT') ? 'HIT' : (calls.find(({ cache }) => cache !== 'HIT')?.cache ?? 'MISS'),
    streamed: first.streamed,
    call_count: calls.length,
  };
}

export function requestCall(call: CallRow, body: Body): RequestCall {
  const { id, model, provider, outcome, error_code: errorCode, cache, streamed, max_tokens: maxTokens, request_hash: requestHash } = call;
  return { id, model, provider, outcome, error_code: errorCode, cache, streamed, ...shown([call]), max_tokens: maxTokens, request_hash: requestHash, body };
}

/** `call_x`, `call_x.2`, …, `call_x.10`. */
export function inOrder(calls: readonly CallRow[]): CallRow[] {
  return calls.toSorted((a, b) => a.id.length - b.id.length || (a.id < b.id ? -1 : 1));
}

function gravity(outcome: Outcome): number {
  return BY_GRAVITY.indexOf(outcome);
}

type Sums = Pick<RequestSummary, 'usage' | 'cost_usd' | 'saved_usd' | 'estimated' | 'timing' | 'attempts'>;

function shown(calls: readonly [CallRow, ...CallRow[]]): Sums {
  const sum = (of: (call: CallRow) => number): number => calls.reduce((total, call) => total + of(call), 0);
  const tokens = { input: sum((call) => call.input_tokens), output: sum((call) => call.output_tokens) };
  return {
    usage: {
      input_tokens: tokens.input,
      cached_input_tokens: sum((call) => call.cached_input_tokens),
      output_tokens: tokens.output,
      reasoning_tokens: sum((call) => call.reasoning_tokens),
      total_tokens: tokens.input + tokens.output,
    },
    cost_usd: usdOf(sum((call) => call.cost_nano_usd)),
    saved_usd: usdOf(sum((call) => call.saved_nano_usd)),
    estimated: calls.some(({ estimated }) => estimated),
    timing: { queue_ms: tenths(sum((call) => call.queue_ms)), first_piece_ms: calls[0].first_piece_ms, upstream_ms: tenths(sum((call) => call.upstream_ms)) },
    attempts: calls.flatMap(attemptsOf),
  };
}

/** The failures, and the one that counted: there is none for an answer from the cache, nor where the last failure was the end. */
function attemptsOf({ failures, cache, outcome, ...call }: CallRow): RequestSummary['attempts'] {
  const failed = (failures ?? []) as readonly FailedAttempt[];
  if (cache === 'HIT' || (outcome === 'failed' && failed.length > 0)) return [...failed];
  return [...failed, { provider: call.provider, model: call.model, fault: null, status: null, ms: call.upstream_ms }];
}

/** Sums of fractions have crumbs. */
function tenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}
