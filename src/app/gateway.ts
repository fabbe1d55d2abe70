import type { Principal } from '../contract/policy.ts';
import type { BreakerView } from '../core/breaker.ts';
import type { CallIds } from '../core/call-ids.ts';
import type { Cancellation } from '../core/cancellation.ts';
import type { EventBatches, Usage } from '../core/events.ts';
import type { ModelRequest } from '../core/model-request.ts';
import type { EmbedAnswer, EmbedRequest, ModelFacts, ModerateAnswer, ModerateRequest, Price, ProviderKey, UpstreamFault } from '../core/provider.ts';
import type { Strategy } from '../core/routing.ts';
import type { Asked, LeftOut, Placed } from '../core/target-order.ts';

/** The only way to a model: admit, cache, choose, attempt, meter. Built in gateway/, used by every feature. */
export type Gateway = {
  /** Answers once the first piece is there, so that whatever fails before it still has a status of its own. */
  readonly run: (call: ModelCall) => Promise<RunningCall>;
  readonly embed: (call: EmbedCall) => Promise<WholeCall<EmbedAnswer>>;
  readonly moderate: (call: ModerateCall) => Promise<WholeCall<ModerateAnswer>>;
  /** What `model` means now: where a call to it would go first. Throws MODEL_NOT_FOUND. */
  readonly resolve: (model: string | undefined) => ResolvedModel;
  /** Every name that can be called. */
  readonly models: () => readonly ListedModel[];
  readonly cache: CacheControl;
  /** What this process knows of every place that was called. */
  readonly targets: () => readonly TargetState[];
  /** Where such a call would go now, and why. Throws as `run` would. */
  readonly explain: (asking: RouteAsking) => RouteExplanation;
  readonly callsInFlight: () => number;
  /** Ends every call in flight with this reason. */
  readonly stop: (reason: unknown) => void;
};

/** What every call says, whatever it asks for. */
export type GatewayCall<Request extends object = object> = {
  readonly principal: Principal;
  readonly requestId: string;
  /** Alias, `provider/model` or a known name; the default model where there is none. */
  readonly model: string | undefined;
  readonly request: Request;
  /** What the caller says belongs together: calls of one session go to the same place, where the alias says so. */
  readonly session?: string | undefined;
  /** The path of the route that it came by. */
  readonly route: string;
  /** With its version; null where there is none. What is made of another template is another answer. */
  readonly templateId: string | null;
  readonly jobId: string | null;
  readonly ids: CallIds;
  readonly signal: Cancellation;
  /** Unix milliseconds. */
  readonly deadline: number;
  /** The log line of the request; the gateway adds model, tokens, cost, attempts and times. */
  readonly logFields: Record<string, unknown>;
};

export type ModelCall = GatewayCall<Omit<ModelRequest, 'model'>> & {
  /** `use` reads and writes, `refresh` writes only, `off` neither. */
  readonly cache: 'use' | 'refresh' | 'off';
};

export type EmbedCall = GatewayCall<Omit<EmbedRequest, 'model'>>;

export type ModerateCall = GatewayCall<Omit<ModerateRequest, 'model'>>;

/** How a call was answered, and what it used. */
export type AnsweredCall = {
  /** As the provider calls it. */
  readonly model: string;
  readonly provider: string;
  readonly cache: 'HIT' | 'MISS' | 'BYPASS';
  /** Calls that went upstream for this answer; 0 for a cached one. */
  readonly attempts: number;
  readonly queueMs: number;
  readonly upstreamMs: () => number;
  /** What it used and cost, as far as it has come. */
  readonly receipt: () => Receipt;
  /** What is left of the caller's limits. */
  readonly limitHeaders: Readonly<Record<string, string>>;
};

export type RunningCall = AnsweredCall & {
  /** Throws an AppError when the answer breaks off. To leave the loop early is to cancel the call. */
  readonly events: EventBatches;
  /** Who goes on with an answer that broke off, as `provider/model`, once somebody does. Absent where nobody would. */
  readonly continuedBy?: () => string | null;
};

/** A call whose answer comes in one piece. */
export type WholeCall<Answer> = AnsweredCall & { readonly answer: Answer };

export type Receipt = { readonly usage: Usage; readonly costNanoUsd: number };

export type ResolvedModel = { readonly name: string; readonly provider: string; readonly facts: ModelFacts };

export type ListedModel = ResolvedModel & {
  readonly alias: boolean;
  /** What a call costs, whoever stated it; assumed where nobody did. */
  readonly price: Price;
  readonly priceAssumed: boolean;
};

/** How a place does, as far as this process has seen it. */
export type TargetState = {
  readonly provider: string;
  readonly model: string;
  /** By which of several keys; null where its provider has one. */
  readonly key: ProviderKey | null;
  /** Attempts, and those of them that failed. */
  readonly calls: number;
  readonly failures: number;
  readonly inFlight: number;
  /** Whether its provider has as many calls as the configuration allows at a time. */
  readonly full: boolean;
  /** Until its key may be used again: its rate is used up, by the provider's word or by its bound; 0 where it may. */
  readonly restMs: number;
  /** The middle of the latest; null where there is none. */
  readonly firstPieceMs: number | null;
  /** Unix milliseconds. */
  readonly lastFailure: { readonly at: number; readonly fault: UpstreamFault; readonly status: number | null } | null;
  /** `sinceMs` in Unix milliseconds. */
  readonly breaker: BreakerView;
};

export type RouteAsking = {
  readonly principal: Principal;
  readonly model: string | undefined;
  readonly session: string | undefined;
  readonly asked: Asked;
};

export type RouteExplanation = {
  readonly model: string;
  readonly strategy: Strategy;
  readonly sticky: boolean;
  /** As they would be tried. */
  readonly order: readonly (Placed & { readonly state: TargetState; readonly nanoUsd: number })[];
  readonly leftOut: readonly LeftOut[];
};

export type CacheControl = {
  readonly stats: () => CacheStats;
  /** Empties the cache of one project; says how many answers went. */
  readonly clear: (projectId: string) => number;
};

export type CacheStats = {
  readonly size: number;
  readonly bytes: number;
  readonly maxEntries: number;
  readonly maxBytes: number;
  readonly hits: number;
  readonly misses: number;
  readonly savedNanoUsd: number;
};
