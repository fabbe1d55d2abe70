import type { ConfigFile, ProviderEntry } from '../contract/config-file.ts';
import type { Settings } from '../contract/settings.ts';
import { describeModel, VENDORS, vendorOf } from '../core/model-catalog.ts';
import type { LocalModel } from '../core/local-model.ts';
import type { Capability, ModelFacts, Provider } from '../core/provider.ts';
import { aiSdkProvider } from './ai-sdk.ts';
import { type PackageModule, PackageProblem } from './ai-sdk-packages.ts';
import { anthropicProvider } from './anthropic.ts';
import { azureAddress } from './azure.ts';
import { type AddressSetting, BOTH, BUILT_IN, CHAT_ONLY, type KeySetting, type OpenaiDialects } from './built-in.ts';
import { demo } from './demo.ts';
import { overKeys } from './keys.ts';
import { LOCAL, localProvider } from './local.ts';
import { openaiProvider } from './openai.ts';
import { servedElsewhere } from './served-elsewhere.ts';

/**
 * The upstreams of a configuration, in the order in which a bare model name is looked for: those that the environment names, those of the
 * file, the models of this machine, the built-in demo. An entry of the file takes the place of the environment's provider of the same name, and then nothing of that one,
 * its key least of all, goes to the entry's address.
 */
export function buildProviders(
  settings: Partial<Pick<Settings, KeySetting | AddressSetting>>,
  file: Pick<ConfigFile, 'providers'>,
  packages: Packages = new Map(),
  localModels: readonly LocalModel[] = [],
): Map<string, Provider> {
  const providers = new Map<string, Provider>();
  for (const row of BUILT_IN) {
    const apiKey = settings[row.key] ?? null;
    const address = (row.address && settings[row.address]) ?? null;
    if (apiKey === null && address === null) continue;
    const facts = factsOf(row.id, vendorNamed(row.id));
    const common = { id: row.id, baseUrl: address ?? row.baseUrl, apiKey, open: true, ...facts };
    providers.set(
      row.id,
      row.dialects === 'anthropic-messages'
        ? anthropicProvider(common)
        : openaiProvider({ ...common, dialects: row.dialects, quirks: row.quirks, hasBatches: row.hasBatches === true }),
    );
  }
  for (const [id, entry] of Object.entries(file.providers)) {
    if (id === demo.id || id === LOCAL) throw new Error(`providers.${id}: "${id}" is a built-in provider; give this one another name`);
    const build = (one: ProviderEntry): Provider => (one.kind === 'ai-sdk' ? providerOfPackage(id, one, packages) : providerOfEntry(id, one));
    providers.set(id, overKeys(entry, build));
  }
  if (localModels.length > 0) providers.set(LOCAL, localProvider(localModels));
  providers.set(demo.id, demo);
  return providers;
}

/** What the packages export that entries of the file name, by the names of the packages. */
export type Packages = ReadonlyMap<string, PackageModule>;

/** What a package speaks to has no vendor: the same model costs something else there, and `prices` in the file says what. */
function providerOfPackage(id: string, entry: ProviderEntry, packages: Packages): Provider {
  const module = packages.get(entry.package ?? '');
  if (module === undefined) throw new Error(`providers.${id}: the package ${entry.package ?? ''} was not loaded`);
  try {
    return aiSdkProvider({ id, entry, module, models: entry.models.map(servedElsewhere), describe: servedElsewhere });
  } catch (cause) {
    if (cause instanceof PackageProblem) throw new PackageProblem(cause.message, cause.hint, id);
    const words = cause instanceof Error ? cause.message : String(cause);
    throw new PackageProblem(`the package refuses its options: ${words}`, 'Its own documentation says what it takes under `options`.', id);
  }
}

/** OpenAI's prices are OpenAI's alone, and so on: a server of nobody whom we know costs what `prices` in the file says. */
function providerOfEntry(id: string, entry: ProviderEntry): Provider {
  const { kind, models: names, headers } = entry;
  const baseUrl = addressOf(id, entry);
  const vendor = entryVendor(id, kind, baseUrl);
  const { models, describe } = factsOf(vendor?.id ?? null, vendor);
  const isVendors = (kind === 'openai' || kind === 'anthropic') && names.length === 0;
  const common = { id, baseUrl, apiKey: entry.api_key ?? null, open: true, models: isVendors ? models : names.map(describe), describe, headers };
  if (kind === 'anthropic') return anthropicProvider(common);
  const address = kind === 'azure' ? azureAddress(baseUrl, entry.api_version) : { dialects: kind === 'openai' ? BOTH : CHAT_ONLY };
  const { quirks } = BUILT_IN.find((row) => row.id === vendor?.id) ?? {};
  return openaiProvider({
    ...common,
    ...address,
    dialects: dialectsOf(entry) ?? address.dialects,
    chatPath: entry.chat_path,
    quirks,
    hasBatches: kind === 'openai',
  });
}

type Vendor = (typeof VENDORS)[number];

function addressOf(id: string, { base_url: baseUrl }: ProviderEntry): string {
  if (baseUrl === undefined) throw new Error(`providers.${id}: without an address`);
  return baseUrl;
}

function entryVendor(id: string, kind: ProviderEntry['kind'], baseUrl: string): Vendor | null {
  if (kind === 'openai') return vendorNamed('openai');
  return vendorOf(id, new URL(baseUrl).host) ?? (kind === 'anthropic' ? vendorNamed('anthropic') : null);
}

function vendorNamed(name: string): Vendor | null {
  return VENDORS.find(({ id }) => id === name) ?? null;
}

function dialectsOf({ dialects = [] }: ProviderEntry): OpenaiDialects | null {
  const [first, ...others] = dialects;
  return first === undefined ? null : [first, ...others];
}

type Facts = { readonly models: readonly ModelFacts[]; readonly describe: (model: string) => ModelFacts };

/** What a vendor serves, without what its models cannot do there. */
function factsOf(id: string | null, vendor: Vendor | null): Facts {
  const lacks = BUILT_IN.find((row) => row.id === id)?.lacks ?? [];
  const describe = (model: string): ModelFacts => lacking(describeModel(model, vendor), lacks);
  return { models: (vendor?.models ?? []).map((facts) => lacking(facts, lacks)), describe };
}

function lacking(facts: ModelFacts, lacks: readonly Capability[]): ModelFacts {
  if (lacks.length === 0) return facts;
  return { ...facts, capabilities: facts.capabilities.filter((capability) => !lacks.includes(capability)) };
}
