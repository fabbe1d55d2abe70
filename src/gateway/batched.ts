import type { App } from '../app.ts';
import type { EmbedCall, ModelCall, Receipt } from '../app/gateway.ts';
import { embedInputTokens } from '../core/tokens.ts';
import type { Usage } from '../core/events.ts';
import { costNanoUsd, worstCaseNanoUsd } from '../core/prices.ts';
import type { ModelFacts, Price } from '../core/provider.ts';
import type { Candidate } from '../core/routing.ts';
import { type Closing, countTokens, keepBody, ledgerRow, mostInputTokens, type Opening } from './account.ts';
import { allowedCandidates, tellableCandidates } from './admit.ts';
import { chatLoad, type Load } from './load.ts';

/** Calls that go to a provider in a batch: where they may, the most that they can cost, and how they are entered when they were answered. */
export type BatchableCall = { readonly type: 'chat'; readonly call: ModelCall } | { readonly type: 'embed'; readonly call: EmbedCall };

/** Where such a call would go; the first that has batches, null where none has. Throws as the call itself would. */
export function batchCandidate({ config }: Pick<App, 'config'>, { type, call }: BatchableCall): Candidate | null {
  const { routes, defaultModel } = config();
  const allowed = allowedCandidates(call, routes.candidates(call.model ?? defaultModel));
  if (type === 'embed') return allowed.find(({ provider }) => provider.batches && provider.embed && provider.embedsAsGiven) ?? null;
  return tellableCandidates(call, allowed).find(({ provider }) => provider.batches && provider.chat) ?? null;
}

type Placed = { readonly facts: ModelFacts; readonly price: Price };

export function batchWorstNanoUsd(batchable: BatchableCall, { facts, price }: Placed): number {
  const load = loadOf(batchable);
  return worstCaseNanoUsd({ inputTokens: mostInputTokens(load, [{ facts }]), maxTokens: load.outputTokens(facts) }, price, { batch: true });
}

function loadOf({ type, call }: BatchableCall): Load {
  if (type === 'chat') return chatLoad(call);
  return { inputTokens: () => embedInputTokens(call.request), outputTokens: () => 0, maxTokens: undefined, streamed: false, hasUncounted: false };
}

export type Answered = {
  readonly batchId: string;
  readonly provider: string;
  readonly model: string;
  readonly price: Price;
  readonly outcome: 'ok' | 'failed';
  readonly errorCode: string | null;
  readonly usage: Usage;
  readonly answer: object | null;
  /** Called when the ledger has it. */
  readonly entered: () => void;
};

const NO_PERMIT: Opening['permit'] = { headers: {}, leave: () => undefined };

/** Enters what came of a call in a batch. To enter it twice, under its id, changes nothing. */
export function enterBatched(needs: Pick<App, 'ledger' | 'bodies'>, batchable: BatchableCall, answered: Answered): Receipt {
  const { call } = batchable;
  const { batchId, provider, model, price, outcome, errorCode, usage, answer, entered } = answered;
  const cost = costNanoUsd(usage, price, { batch: true });
  const saved = Math.max(0, costNanoUsd(usage, price) - cost);
  const { ids } = call;
  const opening = { call, load: loadOf(batchable), id: ids.next(), permit: NO_PERMIT, cache: 'BYPASS', requestHash: null } as const;
  const candidate = { model, provider: { id: provider } };
  const closing: Closing = { outcome, errorCode, candidate, usage, costNanoUsd: cost, queueMs: 0, firstPieceMs: null, upstreamMs: 0, answer };
  ids.tally.calls++;
  ids.tally.costNanoUsd += cost;
  ids.tally.savedNanoUsd += saved;
  countTokens(ids, usage);
  needs.ledger.close({ ...ledgerRow(opening, closing), saved_nano_usd: saved }, { entered, heldBy: batchId });
  keepBody(needs, opening, closing);
  return { usage, costNanoUsd: cost };
}
