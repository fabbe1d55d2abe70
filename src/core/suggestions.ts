import { costNanoUsd } from './prices.ts';
import type { Capability, Price } from './provider.ts';

/** What real traffic shows could have cost less. Each number is one that the ledger has; what is assumed is said. */
export type Suggestion = {
  readonly kind: 'batch' | 'cache' | 'model' | 'prompt';
  readonly title: string;
  /** In the range that was looked at. */
  readonly savesNanoUsd: number;
  readonly explanation: string;
  readonly advice: string;
  readonly calls: number;
  /** What the calls behind it have in common, by the names of the filters of /api/v1/requests. */
  readonly filters: Readonly<Record<string, string>>;
};

/** Sums of calls that were whole and paid for. */
export type PaidCalls = {
  readonly provider: string;
  readonly model: string;
  readonly calls: number;
  readonly costNanoUsd: number;
  readonly inputTokens: number;
  readonly cachedInputTokens: number;
  readonly outputTokens: number;
};
/** Calls that came in hours in which one caller made many of the same kind, and read none of them piece by piece. */
export type Burst = PaidCalls & { readonly keyId: string | null; readonly userId: string | null; readonly hours: number };
/** Calls that were equal to one that was paid for within the time of the cache before them. */
export type Repeats = { readonly provider: string; readonly model: string; readonly route: string; readonly calls: number; readonly costNanoUsd: number };
/** The calls of one template; `inputTokensMin` is the shortest of their prompts. */
export type TemplateCalls = PaidCalls & { readonly templateId: string; readonly inputTokensMin: number };

export type Traffic = {
  readonly bursts: readonly Burst[];
  readonly repeats: readonly Repeats[];
  /** Calls with short prompts and short answers. */
  readonly short: readonly PaidCalls[];
  readonly templates: readonly TemplateCalls[];
};

export type KnownModel = { readonly provider: string; readonly model: string; readonly capabilities: readonly Capability[]; readonly price: Price };

/** What counts as many, short, and long. */
export const THRESHOLDS = {
  burstCalls: 50,
  shortInputTokens: 1000,
  shortOutputTokens: 300,
  shortCalls: 20,
  templateCalls: 20,
  /** Providers keep no shorter beginnings of prompts in their caches. */
  cacheableInputTokens: 1024,
} as const;
const SUGGESTIONS_MAX = 20;
/** A model that saves less is not worth the trial. */
const CHEAPER_BY = 0.5;

/** The dearest first. They overlap: who does one of them may save less by another. */
export function suggest(traffic: Traffic, models: readonly KnownModel[], cacheTtlS: number): Suggestion[] {
  const all = [
    ...traffic.bursts.flatMap((burst) => batch(burst, models)),
    ...traffic.repeats.map((repeats) => cache(repeats, cacheTtlS)),
    ...traffic.short.flatMap((short) => cheaper(short, models)),
    ...traffic.templates.flatMap((template) => prompt(template, models)),
  ];
  return all
    .filter(({ savesNanoUsd }) => savesNanoUsd >= 1)
    .toSorted((a, b) => b.savesNanoUsd - a.savesNanoUsd)
    .slice(0, SUGGESTIONS_MAX);
}

function batch(burst: Burst, models: readonly KnownModel[]): Suggestion[] {
  const { provider, model, calls, hours, keyId, userId, costNanoUsd: cost } = burst;
  const price = known(burst, models)?.price;
  if (!price?.batch) return [];
  const online = priced(burst, price);
  // The share that a batch takes off, of what was really paid.
  const saves = online === 0 ? 0 : cost * (1 - priced(burst, price, { batch: true }) / online);
  const caller = keyId !== null ? { key_id: keyId } : userId !== null ? { user_id: userId } : {};
  return [
    {
      kind: 'batch',
      title: `Send ${model} in batches`,
      savesNanoUsd: Math.round(saves),
      explanation: `${calls} calls to ${provider}/${model} came from one caller in ${hours} ${hours === 1 ? 'hour' : 'hours'} of at least ${THRESHOLDS.burstCalls} calls each, and none was read piece by piece. A batch of the provider costs less; its answers come within a day.`,
      advice: 'Make a job of what can wait: POST /api/v1/jobs/ with engine auto, or /v1/batches.',
      calls,
      filters: { provider, model, ...caller },
    },
  ];
}

function cache({ provider, model, route, calls, costNanoUsd: cost }: Repeats, cacheTtlS: number): Suggestion {
  return {
    kind: 'cache',
    title: `Answer repeats of ${route} from the cache`,
    savesNanoUsd: cost,
    explanation: `${calls} calls to ${provider}/${model} by ${route} were equal to one that had been paid for less than ${cacheTtlS} seconds before. Of equal calls the dearest is counted as needed.`,
    advice: 'Send X-Cache-Control: on where the cache is off, leave out Cache-Control: no-cache, or raise CACHE_MAX_ENTRIES.',
    calls,
    filters: { provider, model, route },
  };
}

function cheaper(short: PaidCalls, models: readonly KnownModel[]): Suggestion[] {
  const { provider, model, calls, costNanoUsd: cost } = short;
  const own = known(short, models);
  if (!own?.capabilities.includes('chat')) return [];
  const others = models
    .filter((other) => other.provider === provider && canReplace(other, own))
    .map((other) => ({ other, newCost: priced(short, other.price) }))
    .filter(({ newCost }) => newCost > 0 && newCost <= cost * CHEAPER_BY)
    // The dearest of the cheaper ones is the nearest in what it can do; of one price, the name without a date.
    .toSorted((a, b) => b.newCost - a.newCost || a.other.model.length - b.other.model.length);
  const [best] = others;
  if (!best) return [];
  return [
    {
      kind: 'model',
      title: `Try ${best.other.model} where ${model} answers briefly`,
      savesNanoUsd: cost - best.newCost,
      explanation: `${calls} calls to ${provider}/${model} had at most ${THRESHOLDS.shortInputTokens} tokens of input and ${THRESHOLDS.shortOutputTokens} of output. ${best.other.model} can do what ${model} can, and the same tokens cost less there. Whether it answers as well, only a trial tells.`,
      advice: `See whether it does as well: sluice eval run eval/cases --model ${provider}/${best.other.model}`,
      calls,
      filters: { provider, model },
    },
  ];
}

/** Not one that thinks for one that does not: it would need more tokens than were counted. */
function canReplace(other: KnownModel, own: KnownModel): boolean {
  const thinks = ({ capabilities }: KnownModel): boolean => capabilities.includes('reasoning');
  return thinks(other) === thinks(own) && own.capabilities.every((capability) => other.capabilities.includes(capability));
}

function prompt(template: TemplateCalls, models: readonly KnownModel[]): Suggestion[] {
  const { provider, model, calls, templateId, inputTokensMin, cachedInputTokens } = template;
  const price = known(template, models)?.price;
  if (price?.cachedInputNanoUsd === undefined || inputTokensMin < THRESHOLDS.cacheableInputTokens) return [];
  // What all prompts of the template begin with is no longer than the shortest of them; the first call has to pay for it.
  const uncached = Math.max(0, inputTokensMin * (calls - 1) - cachedInputTokens);
  return [
    {
      kind: 'prompt',
      title: `Shorten ${templateId}, or begin it with what never changes`,
      savesNanoUsd: Math.round(uncached * (price.inputNanoUsd - price.cachedInputNanoUsd)),
      explanation: `Each of ${calls} calls from ${templateId} to ${provider}/${model} sent at least ${inputTokensMin} tokens, and ${percent(cachedInputTokens, template.inputTokens)} of all input came from the provider's cache. This is what is saved at most, if all of the shortest prompt is the same in every call and stands at its beginning.`,
      advice: 'Put instructions and examples that are the same in every call first, and what changes last; leave out what the answers do not need.',
      calls,
      filters: { provider, model, template_id: templateId },
    },
  ];
}

function known({ provider, model }: Pick<PaidCalls, 'provider' | 'model'>, models: readonly KnownModel[]): KnownModel | undefined {
  return models.find((one) => one.provider === provider && one.model === model);
}

/** By the price of short prompts, which nearly all are: the sum of many is not itself a long one. */
function priced(sums: PaidCalls, { above: _above, callNanoUsd = 0, ...price }: Price, paying: { readonly batch?: boolean } = {}): number {
  const { calls, inputTokens, cachedInputTokens, outputTokens } = sums;
  return costNanoUsd({ inputTokens, cachedInputTokens, outputTokens }, price, paying) + callNanoUsd * calls;
}

function percent(part: number, whole: number): string {
  return `${whole === 0 ? 0 : Math.round((part / whole) * 100)} %`;
}
