import { createKeyRest, type KeyRest } from '../core/key-rest.ts';
import type { ProviderKey } from '../core/provider.ts';
import { add, fits, moveTo, type RateWindow, rateWindow } from '../core/rate-window.ts';
import { recentMap } from '../core/recent-map.ts';
import { createRetryBudget, type RetryBudget } from '../core/retry-budget.ts';
import { type Candidate, placeName } from '../core/routing.ts';
import { bothPlaces, createPlaces, type Places } from './targets-places.ts';

/** What bounds the calls of a place by one of several keys, besides how well it is. */
export type KeyGate = Pick<KeyRest, 'limited' | 'answered'> & {
  /** Until the key may be used again there; 0 where it may. */
  readonly restMs: (nowMs: number) => number;
  readonly used: (nowMs: number) => void;
};

/** What a place by a key is made with. Retries are a share of the calls of a place, by whatever key they go. */
type Gated = { readonly places: Places; readonly budget: RetryBudget; readonly gate: KeyGate };
type Way = Candidate & { readonly key: ProviderKey };

export type KeyGates = {
  readonly of: (way: Way, ofProvider: Places) => Gated;
  /** Its bounds are these from now on. */
  readonly bound: (provider: string, key: ProviderKey) => void;
};

/** How much a key is used, over all models. */
type Use = { key: ProviderKey; readonly minute: RateWindow; readonly places: Places };
const MINUTE_MS = 60_000;

export function createKeyGates(placesMax: number): KeyGates {
  const uses = new Map<string, Use>();
  const budgets = recentMap<RetryBudget>(placesMax);

  const useOf = (provider: string, key: ProviderKey): Use => {
    const name = `${provider} ${key.id}`;
    const known = uses.get(name);
    if (known) return known;
    const made: Use = { key, minute: rateWindow(), places: createPlaces(() => made.key.maxParallel ?? Infinity) };
    uses.set(name, made);
    return made;
  };

  return {
    of(way, ofProvider) {
      const use = useOf(way.provider.id, way.key);
      const place = placeName(way);
      const budget = budgets.get(place) ?? createRetryBudget();
      budgets.set(place, budget);
      return { places: bothPlaces(ofProvider, use.places), budget, gate: gateOf(use) };
    },
    bound(provider, key) {
      useOf(provider, key).key = key;
    },
  };
}

function gateOf(use: Use): KeyGate {
  const { limited, answered, leftMs } = createKeyRest();
  return {
    limited,
    answered,
    restMs: (nowMs) => Math.max(leftMs(nowMs), untilNextMs(use, nowMs)),
    used(nowMs) {
      moveTo(use.minute, MINUTE_MS, nowMs);
      add(use.minute, MINUTE_MS, { nowMs, weight: 1 });
    },
  };
}

/** Until one more call fits into its minute. */
function untilNextMs({ key: { rpm }, minute }: Use, nowMs: number): number {
  if (rpm === null) return 0;
  moveTo(minute, MINUTE_MS, nowMs);
  return fits(minute, rpm, 1) ? 0 : (minute.buckets[0] ?? nowMs) + MINUTE_MS - nowMs;
}
