import type { KeyReason } from './key-order.ts';
import type { ModelRequest } from './model-request.ts';
import { costNanoUsd } from './prices.ts';
import type { Capability } from './provider.ts';
import { type Candidate, placeName, type Plan, type Weighted } from './routing.ts';
import { estimateInputTokens } from './tokens.ts';

/** In which order one call tries the places that its model's name stands for, and why each stands where it does. */
export type TargetOrder = { readonly order: readonly Placed[]; readonly leftOut: readonly LeftOut[] };
export type Placed = {
  readonly candidate: Candidate;
  readonly reason: Reason;
  /** Of a provider with several keys: why this one. */
  readonly keyReason?: KeyReason | undefined;
};
export type Reason =
  /** There is one only. */
  | 'only'
  /** The session was there before. */
  | 'session'
  /** The weights drew it, or it follows by its weight. */
  | 'drawn'
  | 'weight'
  | 'price'
  /** By how soon its answers began lately; one without such answers is tried by one call at a time, and stands last for the others. */
  | 'speed'
  | 'untried'
  | 'unmeasured'
  | 'order'
  | 'fallback';
/** It could not do what the call needs, and another can. */
export type LeftOut = { readonly candidate: Candidate; readonly lacks: Capability | 'context' };

/** What a call needs of a place. */
export type Asked = { readonly inputTokens: number; readonly maxTokens: number | undefined; readonly capabilities: readonly Capability[] };
/** What is known of a place by now. */
export type Measured = { readonly firstPieceMs: number | null; readonly inFlight: number };

type Ordering = {
  readonly plan: Omit<Plan, 'all'>;
  readonly asked: Asked;
  /** Of a chance, or of a session: from 0 to 1. */
  readonly draw: number;
  /** By `placeName`: where the session was before. */
  readonly before: string | null;
  readonly measured: (candidate: Candidate) => Measured;
};

export function orderTargets(ordering: Ordering): TargetOrder {
  const { plan, asked, before } = ordering;
  const fits = (candidate: Candidate): boolean => lackOf(candidate, asked) === null;
  const all = [...plan.targets.map(({ candidate }) => candidate), ...plan.fallbacks];
  // Where none can do it, it is for them to say so.
  const isChoice = all.some(fits);
  const stays = (candidate: Candidate): boolean => !isChoice || fits(candidate);
  const targets = plan.targets.filter(({ candidate }) => stays(candidate));
  const fallbacks = plan.fallbacks.filter(stays).map((candidate): Placed => ({ candidate, reason: 'fallback' }));
  const order = [...ofTargets(ordering, targets), ...fallbacks];
  const leftOut = all.flatMap((candidate): LeftOut[] => {
    const lacks = isChoice ? lackOf(candidate, asked) : null;
    return lacks === null ? [] : [{ candidate, lacks }];
  });
  return { order: order.length === 1 ? order.map(({ candidate }) => ({ candidate, reason: 'only' })) : sessionFirst(order, before), leftOut };
}

/** What a request needs; texts are counted as for a reservation. */
export function askedOf(request: Omit<ModelRequest, 'model'>): Asked {
  const capabilities: Capability[] = [];
  if (request.tools !== undefined && request.tools.length > 0) capabilities.push('tools');
  if (request.output !== undefined) capabilities.push('json_schema');
  if (request.messages.some(({ content }) => typeof content !== 'string' && content.some(({ type }) => type === 'image'))) capabilities.push('images');
  return { inputTokens: estimateInputTokens(request), maxTokens: request.maxTokens, capabilities };
}

/** An answer of this many tokens is taken for what a call costs that does not say how long it may be. */
const OUTPUT_TOKENS = 500;

export function assumedNanoUsd({ price }: Candidate, { inputTokens, maxTokens = OUTPUT_TOKENS }: Asked): number {
  return costNanoUsd({ inputTokens, outputTokens: maxTokens }, price);
}

function lackOf({ facts }: Candidate, { inputTokens, maxTokens = 0, capabilities }: Asked): LeftOut['lacks'] | null {
  const missing = capabilities.find((capability) => !facts.capabilities.includes(capability));
  if (missing !== undefined) return missing;
  return inputTokens + maxTokens > facts.contextTokens ? 'context' : null;
}

function ofTargets({ plan, asked, draw, measured }: Ordering, targets: readonly Weighted[]): Placed[] {
  switch (plan.strategy) {
    case 'ordered':
      return targets.map(({ candidate }) => ({ candidate, reason: 'order' }));
    case 'weighted':
      return weightedOrder(targets, draw);
    case 'cheapest':
      return targets
        .map(({ candidate }) => ({ candidate, nanoUsd: assumedNanoUsd(candidate, asked) }))
        .toSorted((one, other) => one.nanoUsd - other.nanoUsd)
        .map(({ candidate }) => ({ candidate, reason: 'price' }));
    case 'fastest':
      return fastestOrder(targets.map(({ candidate }) => ({ candidate, ...measured(candidate) })));
    default:
      return plan.strategy satisfies never;
  }
}

/** The one that the weights draw comes first; the others follow by weight, as its fallbacks. */
function weightedOrder(targets: readonly Weighted[], draw: number): Placed[] {
  let left = draw * targets.reduce((sum, target) => sum + target.weight, 0);
  const drawn = targets.find((target) => (left -= target.weight) < 0) ?? targets[0];
  const others = targets.filter((target) => target !== drawn).toSorted((one, other) => other.weight - one.weight);
  return [
    ...(drawn ? [{ candidate: drawn.candidate, reason: 'drawn' } as const] : []),
    ...others.map(({ candidate }): Placed => ({ candidate, reason: 'weight' })),
  ];
}

/** What nobody has measured is tried by one call, and not by all that come before that one was answered. */
function fastestOrder(targets: readonly (Measured & { readonly candidate: Candidate })[]): Placed[] {
  const ranked = targets.map(({ candidate, firstPieceMs, inFlight }) => {
    if (firstPieceMs !== null) return { candidate, reason: 'speed', rank: firstPieceMs } as const;
    return inFlight === 0 ? ({ candidate, reason: 'untried', rank: -1 } as const) : ({ candidate, reason: 'unmeasured', rank: Infinity } as const);
  });
  // Of two that are unmeasured the difference is NaN, and they stay as they stand.
  return ranked.toSorted((one, other) => one.rank - other.rank || 0).map(({ candidate, reason }) => ({ candidate, reason }));
}

function sessionFirst(order: readonly Placed[], before: string | null): readonly Placed[] {
  const found = before === null ? undefined : order.find(({ candidate }) => placeName(candidate) === before);
  if (found === undefined) return order;
  return [{ candidate: found.candidate, reason: 'session' }, ...order.filter((each) => each !== found)];
}
