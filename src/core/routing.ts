import type { ConfigFile } from '../contract/config-file.ts';
import { AppError } from '../contract/errors.ts';
import { namedModel } from './model-catalog.ts';
import type { ModelFacts, Price, Provider } from './provider.ts';

/** A place that a call can go to. */
export type Candidate = { readonly provider: Provider; readonly model: string; readonly facts: ModelFacts; readonly price: Price | null };

export type RouteTable = {
  /** Every name that can be called, with what it means; aliases first. */
  readonly names: ReadonlyMap<string, { readonly alias: boolean; readonly first: Candidate }>;
  /** Where a call to this name goes, in order. Throws MODEL_NOT_FOUND. */
  readonly candidates: (name: string, random: () => number) => readonly Candidate[];
};

type Sources = { readonly providers: ReadonlyMap<string, Provider>; readonly file: Pick<ConfigFile, 'models' | 'prices'>; readonly defaultModel: string };
type Weighted = { readonly candidate: Candidate; readonly weight: number };

const AVAILABLE_MAX = 200;

/** Built once for a configuration. */
export function buildRoutes(sources: Sources): RouteTable {
  const single = singleModels(sources);
  const aliases = new Map<string, { targets: Weighted[]; fallbacks: Candidate[] }>();
  const one = (name: string): Candidate => {
    const found = single.get(name) ?? openModel(sources, name);
    if (found) return found;
    throw notFound(name, [...single.keys()]);
  };
  for (const [name, alias] of Object.entries(sources.file.models)) {
    const targets = alias.targets.map((target) =>
      typeof target === 'string' ? { candidate: one(target), weight: 1 } : { candidate: one(target.model), weight: target.weight },
    );
    aliases.set(name, { targets, fallbacks: alias.fallbacks.map(one) });
  }
  const names = new Map<string, { alias: boolean; first: Candidate }>();
  for (const [name, { targets }] of aliases) if (targets[0]) names.set(name, { alias: true, first: targets[0].candidate });
  for (const [name, candidate] of single) if (!names.has(name)) names.set(name, { alias: false, first: candidate });

  return {
    names,
    candidates(name, random) {
      const alias = aliases.get(name);
      if (!alias) return [single.get(name) ?? openModel(sources, name) ?? missing(name, names)];
      return unique([...weightedOrder(alias.targets, random), ...alias.fallbacks]);
    },
  };
}

function singleModels({ providers, file, defaultModel }: Sources): Map<string, Candidate> {
  const found = new Map<string, Candidate>();
  for (const provider of providers.values()) {
    for (const facts of provider.models) {
      const candidate = candidateFor(provider, facts, file);
      found.set(`${provider.id}/${facts.id}`, candidate);
      // Of two providers that know a bare name, the first in the list is meant.
      if (!found.has(facts.id)) found.set(facts.id, candidate);
    }
  }
  if (!found.has(defaultModel) && !(defaultModel in file.models)) {
    const open = [...providers.values()].find((provider) => provider.open);
    if (open && !defaultModel.includes('/')) found.set(defaultModel, candidateFor(open, namedModel(defaultModel), file));
  }
  return found;
}

function candidateFor(provider: Provider, facts: ModelFacts, file: Sources['file']): Candidate {
  const entry = file.prices[`${provider.id}/${facts.id}`];
  if (!entry) return { provider, model: facts.id, facts, price: facts.price ?? null };
  // A USD amount for a million tokens is a thousand nano-USD for one.
  const price: Price = {
    inputNanoUsd: entry.input * 1000,
    outputNanoUsd: entry.output * 1000,
    ...(entry.cached_input === undefined ? {} : { cachedInputNanoUsd: entry.cached_input * 1000 }),
    asOf: entry.as_of ?? '',
    source: entry.source ?? 'sluice.config.yaml',
  };
  return { provider, model: facts.id, facts, price };
}

/** `provider/anything`, where the provider serves more than it lists. */
function openModel({ providers, file }: Sources, name: string): Candidate | null {
  const slash = name.indexOf('/');
  const provider = slash > 0 ? providers.get(name.slice(0, slash)) : undefined;
  const model = name.slice(slash + 1);
  return provider?.open && model !== '' ? candidateFor(provider, namedModel(model), file) : null;
}

/** The one that the weights draw comes first; the others follow by weight, as its fallbacks. */
function weightedOrder(targets: readonly Weighted[], random: () => number): Candidate[] {
  if (targets.length === 1) return targets.map((target) => target.candidate);
  let draw = random() * targets.reduce((sum, target) => sum + target.weight, 0);
  const drawn = targets.find((target) => (draw -= target.weight) < 0) ?? targets[0];
  const others = targets.filter((target) => target !== drawn).toSorted((a, b) => b.weight - a.weight);
  return [drawn, ...others].flatMap((target) => (target ? [target.candidate] : []));
}

function unique(candidates: readonly Candidate[]): Candidate[] {
  return candidates.filter(
    (candidate, index) => candidates.findIndex((other) => other.provider === candidate.provider && other.model === candidate.model) === index,
  );
}

function missing(name: string, names: RouteTable['names']): never {
  throw notFound(name, [...names.keys()]);
}

function notFound(name: string, available: readonly string[]): AppError {
  if (name === 'local' || name.startsWith('local/')) return new AppError('LOCAL_MODEL_UNAVAILABLE');
  return new AppError('MODEL_NOT_FOUND', {
    message: `There is no model ${name.slice(0, 100)}`,
    field: 'model',
    details: { available: available.slice(0, AVAILABLE_MAX) },
  });
}
