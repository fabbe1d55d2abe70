import type { App } from '../app.ts';
import type { GatewayCall, Receipt, WholeCall } from '../app/gateway.ts';
import type { Permit } from '../app/spending.ts';
import type { Usage } from '../core/events.ts';
import { costNanoUsd } from '../core/prices.ts';
import type { Call } from '../core/provider.ts';
import type { Candidate } from '../core/routing.ts';
import { openAccount } from './account.ts';
import { admit, allowedCandidates, enter } from './admit.ts';
import type { createAssumedPriceNote } from './assumed-price.ts';
import { inTurn, type Reached } from './attempt.ts';
import { type CallLimit, callLimit } from './call-limit.ts';
import { failedClosing } from './failed-closing.ts';
import type { Load } from './load.ts';
import type { Sessions } from './targets-choice.ts';
import type { Targets } from './targets.ts';

export type Core = {
  readonly needs: Omit<App, 'gateway'>;
  readonly live: Set<CallLimit>;
  readonly targets: Targets;
  readonly sessions: Sessions;
  readonly noteAssumedPrice: ReturnType<typeof createAssumedPriceNote>;
};

type Asking<Answer> = {
  readonly call: GatewayCall;
  readonly load: Load;
  /** Of those that can do it. */
  readonly candidates: readonly Candidate[];
  /** One attempt. */
  readonly ask: (candidate: Candidate, upstream: Call) => Promise<Answer>;
  readonly usageOf: (answer: Answer) => Usage;
};
type Ready<Answer> = Asking<Answer> & { readonly id: string; readonly permit: Permit; readonly arrivedAt: number };

/** A call whose answer comes in one piece, such as an embedding: admitted, attempted and paid for as every other. */
export async function wholeCall<Answer>(core: Core, asking: Asking<Answer>): Promise<WholeCall<Answer>> {
  const { needs } = core;
  const { call, load } = asking;
  const arrivedAt = needs.clock.monotonic();
  admit(needs, call);
  const candidates = allowedCandidates(call, asking.candidates);
  const id = call.ids.next();
  const permit = await enter(needs, { call, load, candidates });
  const limit = callLimit(core, call);
  try {
    return await answered(core, { ...asking, candidates, id, permit, arrivedAt }, limit);
  } catch (cause) {
    permit.leave(0);
    throw cause;
  } finally {
    limit.clear();
  }
}

async function answered<Answer>({ needs, targets, noteAssumedPrice }: Core, ready: Ready<Answer>, { signal }: CallLimit): Promise<WholeCall<Answer>> {
  const { call, candidates, arrivedAt, permit, ask, usageOf } = ready;
  const account = await openAccount(needs, { ...ready, cache: 'BYPASS', requestHash: null });
  const startedAt = needs.clock.monotonic();
  const queueMs = startedAt - arrivedAt;
  const upstreamMs = (): number => needs.clock.monotonic() - startedAt;
  let reached: Reached<Answer>;
  try {
    signal.throwIfAborted();
    reached = await inTurn(needs, { call, candidates, targets, signal, failures: account.failures, sending: account.sending }, ask);
  } catch (cause) {
    account.close(failedClosing(candidates, { cause, queueMs, upstreamMs: upstreamMs(), last: account.failures.at(-1) }));
    throw cause;
  }
  const { candidate, visit, attempts, said } = reached;
  visit.over('well');
  const tookMs = upstreamMs();
  const usage = usageOf(said);
  const receipt: Receipt = { usage, costNanoUsd: costNanoUsd(usage, candidate.price) };
  account.close({ outcome: 'ok', errorCode: null, candidate, ...receipt, queueMs, firstPieceMs: tookMs, upstreamMs: tookMs, answer: null });
  noteAssumedPrice(call, candidate);
  record(call, reached, { receipt, tookMs });
  return {
    model: candidate.model,
    provider: candidate.provider.id,
    cache: 'BYPASS',
    attempts,
    queueMs,
    upstreamMs: () => tookMs,
    receipt: () => receipt,
    limitHeaders: permit.headers,
    answer: said,
  };
}

type Recorded = { readonly receipt: Receipt; readonly tookMs: number };

function record({ logFields }: GatewayCall, { candidate, attempts }: Reached<unknown>, { receipt: { usage, costNanoUsd: cost }, tookMs }: Recorded): void {
  Object.assign(logFields, {
    cache: 'BYPASS',
    provider: candidate.provider.id,
    model: candidate.model,
    attempts,
    input_tokens: usage.inputTokens,
    output_tokens: usage.outputTokens,
    cost_usd: cost / 1e9,
    upstream_ms: Math.round(tookMs * 10) / 10,
    ...(usage.estimated ? { estimated: true } : {}),
  });
}
