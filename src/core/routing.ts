import type { ConfigFile, STRATEGIES } from '../contract/config-file.ts';
import { AppError } from '../contract/errors.ts';
import { SETTINGS } from '../contract/settings.ts';
import { statedFor } from './by-name.ts';
import { describeModel } from './model-catalog.ts';
import { overrideFor } from './price-overrides.ts';
import type { KeyedProvider, ModelFacts, Price, Provider, ProviderKey } from './provider.ts';
import { parseUnknownPrice, type UnknownPrice } from './unknown-price.ts';

/** A place that a call can go to. */
export type Candidate = {
  readonly provider: Provider;
  readonly model: string;
  readonly facts: ModelFacts;
  readonly price: Price;
  /** Nobody stated the price: it is the one for models of which none is known. */
  readonly priceAssumed: boolean;
  /** Whose key it is called by, where its provider has several. */
  readonly key?: ProviderKey;
  /** The same place by each of them. */
  readonly byKey?: readonly Candidate[];
};

export type Strategy = (typeof STRATEGIES)[number];
export type Weighted = { readonly candidate: Candidate; readonly weight: number };
/** Where calls to a name may go; core/target-order.ts puts it in order for one call. */
export type Plan = {
  readonly strategy: Strategy;
  readonly sticky: boolean;
  readonly targets: readonly Weighted[];
  /** None of them is among the targets. */
  readonly fallbacks: readonly Candidate[];
  /** Targets and fallbacks as one list, as they stand in the configuration. */
  readonly all: readonly Candidate[];
  /** What becomes of a stream that breaks off after its first piece; an error where it is left out. */
  readonly onCut?: ConfigFile['models'][string]['on_cut'];
};

export type RouteTable = {
  /** Every name that can be called, with what it means; aliases first. */
  readonly names: ReadonlyMap<string, { readonly alias: boolean; readonly first: Candidate }>;
  /** Where a call to this name may go. Throws MODEL_NOT_FOUND. */
  readonly plan: (name: string) => Plan;
  /** The same as one list. */
  readonly candidates: (name: string) => readonly Candidate[];
};

type Sources = {
  readonly providers: ReadonlyMap<string, Provider>;
  readonly file: Pick<ConfigFile, 'models' | 'prices'> & Partial<Pick<ConfigFile, 'catalog'>>;
  readonly defaultModel: string;
  readonly unknownPrice?: UnknownPrice;
};
/** What there is under a name; a model without a price, where those are refused, is known and cannot be called. */
type Found = Candidate | Unpriced;
type Unpriced = { readonly unpriced: string };

const AVAILABLE_MAX = 200;
const UNKNOWN_PRICE = parseUnknownPrice(SETTINGS.unknownPrice.default) ?? 'refuse';

/** Built once for a configuration. */
export function buildRoutes(sources: Sources): RouteTable {
  const single = singleModels(sources);
  const plans = new Map<string, Plan>();
  const callable = (): string[] => [...single].flatMap(([name, found]) => ('unpriced' in found ? [] : [name]));
  const one = (name: string, available = callable): Candidate => {
    const found = single.get(name) ?? openModel(sources, name);
    if (!found) throw notFound(name, available());
    if ('unpriced' in found) throw withoutPrice(found.unpriced);
    return found;
  };
  for (const [name, alias] of Object.entries(sources.file.models)) {
    const targets = alias.targets.map((target) =>
      typeof target === 'string' ? { candidate: one(target), weight: 1 } : { candidate: one(target.model), weight: target.weight },
    );
    plans.set(
      name,
      planOf(
        alias,
        targets,
        alias.fallbacks.map((fallback) => one(fallback)),
      ),
    );
  }
  const names = new Map<string, { alias: boolean; first: Candidate }>();
  for (const [name, { targets }] of plans) if (targets[0]) names.set(name, { alias: true, first: targets[0].candidate });
  for (const [name, found] of single) {
    if (names.has(name) || 'unpriced' in found) continue;
    names.set(name, { alias: false, first: found });
    plans.set(name, alone(found));
  }

  const plan = (name: string): Plan => plans.get(name) ?? alone(one(name, () => [...names.keys()]));
  return { names, plan, candidates: (name) => plan(name).all };
}

function alone(candidate: Candidate): Plan {
  return { strategy: 'ordered', sticky: false, targets: [{ candidate, weight: 1 }], fallbacks: [], all: [candidate] };
}

/** A place that stands there twice is one place, with both its weights. */
function planOf({ strategy, sticky, on_cut: onCut }: ConfigFile['models'][string], weighted: readonly Weighted[], others: readonly Candidate[]): Plan {
  const targets = new Map<string, Weighted>();
  for (const { candidate, weight } of weighted) {
    const name = placeName(candidate);
    targets.set(name, { candidate, weight: weight + (targets.get(name)?.weight ?? 0) });
  }
  const fallbacks = new Map(others.map((candidate) => [placeName(candidate), candidate]));
  const after = [...fallbacks].flatMap(([name, each]) => (targets.has(name) ? [] : [each]));
  const places = [...targets.values()];
  return { strategy, sticky, onCut, targets: places, fallbacks: after, all: [...places.map(({ candidate }) => candidate), ...after] };
}

/** What a place is known by, whatever name a call to it came by. */
export function placeName({ provider, model }: Pick<Candidate, 'provider' | 'model'>): string {
  return `${provider.id}/${model}`;
}

/** Of a place by one of several keys, that one. */
export function wayName(candidate: Pick<Candidate, 'provider' | 'model' | 'key'>): string {
  return candidate.key === undefined ? placeName(candidate) : `${placeName(candidate)} ${candidate.key.id}`;
}

function singleModels(sources: Sources): Map<string, Found> {
  const { providers, file, defaultModel } = sources;
  const found = new Map<string, Found>();
  for (const provider of providers.values()) {
    for (const facts of provider.models) {
      const candidate = candidateFor(provider, facts, sources);
      found.set(`${provider.id}/${facts.id}`, candidate);
      // Of two providers that know a bare name, the first in the list is meant.
      if (!found.has(facts.id)) found.set(facts.id, candidate);
      if (provider.main === facts.id && !found.has(provider.id)) found.set(provider.id, candidate);
    }
  }
  if (!found.has(defaultModel) && !(defaultModel in file.models)) {
    const open = [...providers.values()].find((provider) => provider.open);
    if (open && !defaultModel.includes('/')) found.set(defaultModel, candidateFor(open, unlisted(open, defaultModel), sources));
  }
  return found;
}

/** The configuration's own price before the one that is known, and that before the one for models of which none is. */
function candidateFor(provider: Provider, known: ModelFacts, { file, unknownPrice = UNKNOWN_PRICE }: Sources): Found {
  const name = `${provider.id}/${known.id}`;
  const facts = corrected(known, statedFor(file.catalog ?? {}, name));
  const stated = overrideFor(file.prices, name) ?? facts.price;
  if (stated) return overKeys({ provider, model: facts.id, facts, price: stated, priceAssumed: false });
  if (unknownPrice === 'refuse') return { unpriced: name };
  return overKeys({ provider, model: facts.id, facts, price: unknownPrice, priceAssumed: true });
}

/** The configuration knows better what a model is. */
function corrected(facts: ModelFacts, stated: ConfigFile['catalog'][string] | undefined): ModelFacts {
  if (stated === undefined) return facts;
  const { context = facts.contextTokens, max_output: maxOutput = facts.outputTokensMax, capabilities = facts.capabilities } = stated;
  return { ...facts, contextTokens: context, outputTokensMax: Math.min(maxOutput, context), capabilities };
}

function overKeys(candidate: Candidate): Candidate {
  const { byKey } = candidate.provider;
  return byKey === undefined ? candidate : { ...candidate, byKey: byKey.map((keyed) => byOneKey(candidate, keyed)) };
}

function byOneKey(candidate: Candidate, { provider, key }: KeyedProvider): Candidate {
  return { ...candidate, provider, key };
}

/** `provider/anything`, where the provider serves more than it lists. */
function openModel(sources: Sources, name: string): Found | null {
  const slash = name.indexOf('/');
  const provider = slash > 0 ? sources.providers.get(name.slice(0, slash)) : undefined;
  const model = name.slice(slash + 1);
  return provider?.open && model !== '' ? candidateFor(provider, unlisted(provider, model), sources) : null;
}

function unlisted(provider: Provider, model: string): ModelFacts {
  return provider.describe?.(model) ?? describeModel(model, null);
}

function withoutPrice(name: string): AppError {
  const message = `No price is known for ${name.slice(0, 100)}, and UNKNOWN_PRICE refuses such models; put one under prices in sluice.config.yaml`;
  return new AppError('INVALID_VALUE', { message, field: 'model', details: { prices: { [name]: { input: 0.5, output: 1.5 } } } });
}

function notFound(name: string, available: readonly string[]): AppError {
  if (name === 'local' || name.startsWith('local/')) return new AppError('LOCAL_MODEL_UNAVAILABLE');
  return new AppError('MODEL_NOT_FOUND', {
    message: `There is no model ${name.slice(0, 100)}`,
    field: 'model',
    details: { available: available.slice(0, AVAILABLE_MAX) },
  });
}
