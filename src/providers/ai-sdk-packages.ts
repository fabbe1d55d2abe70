import type { ProviderEntry } from '../contract/config-file.ts';
import { type JsonObject, objectOf, textOf } from '../wire/read-json.ts';
import type { PackageFetch } from './ai-sdk-fetch.ts';

/** What is wrong with an entry that names a package, and how to mend it. */
export class PackageProblem extends Error {
  readonly hint: string;
  /** The entry's name, once it is known whose problem it is. */
  readonly provider: string;

  constructor(message: string, hint: string, provider = '') {
    super(message);
    this.name = 'PackageProblem';
    this.hint = hint;
    this.provider = provider;
  }
}

/** What is known of a package beforehand. */
type KnownPackage = {
  /** Where its models are. */
  readonly origin: (entry: ProviderEntry) => string;
  /** Where else it has to ask. */
  readonly aside?: (entry: ProviderEntry) => readonly string[];
  /** The options as its function wants them, where our `fetch` alone is not enough. */
  readonly prepare?: (options: JsonObject, fetch: PackageFetch) => JsonObject;
  /** How an embedding of a wanted length is asked for. */
  readonly dimensions?: (count: number) => JsonObject;
};

const at =
  (origin: string): KnownPackage['origin'] =>
  () =>
    origin;

const BEDROCK: KnownPackage = {
  origin: (entry) => bedrockOrigin(option(entry, 'region')),
  dimensions: (dimensions) => ({ bedrock: { dimensions } }),
};

const VERTEX: KnownPackage = {
  origin: (entry) => (entry.api_key === undefined ? vertexOrigin(option(entry, 'location')) : 'https://aiplatform.googleapis.com'),
  aside: (entry) => (entry.api_key === undefined ? ['https://oauth2.googleapis.com'] : []),
  prepare: (options, fetch) => (options['apiKey'] === undefined ? { ...options, googleAuthOptions: ownTokens(options['googleAuthOptions'], fetch) } : options),
  dimensions: (outputDimensionality) => ({ vertex: { outputDimensionality } }),
};

/** By the name of the package, with what stands behind it. */
const KNOWN: Readonly<Record<string, KnownPackage>> = {
  '@ai-sdk/amazon-bedrock': BEDROCK,
  '@ai-sdk/amazon-bedrock/anthropic': BEDROCK,
  '@ai-sdk/google-vertex': VERTEX,
  '@ai-sdk/google-vertex/anthropic': VERTEX,
  '@ai-sdk/google-vertex/maas': VERTEX,
  '@ai-sdk/anthropic': { origin: at('https://api.anthropic.com') },
  '@ai-sdk/cerebras': { origin: at('https://api.cerebras.ai') },
  '@ai-sdk/cohere': { origin: at('https://api.cohere.com'), dimensions: (outputDimension) => ({ cohere: { outputDimension } }) },
  '@ai-sdk/deepinfra': { origin: at('https://api.deepinfra.com') },
  '@ai-sdk/google': {
    origin: at('https://generativelanguage.googleapis.com'),
    dimensions: (outputDimensionality) => ({ google: { outputDimensionality } }),
  },
  '@ai-sdk/groq': { origin: at('https://api.groq.com') },
  '@ai-sdk/mistral': { origin: at('https://api.mistral.ai') },
  '@ai-sdk/openai': { origin: at('https://api.openai.com'), dimensions: (dimensions) => ({ openai: { dimensions } }) },
  '@ai-sdk/xai': { origin: at('https://api.x.ai') },
};

export type PackageModule = Readonly<Record<string, unknown>>;

/** What an entry makes of its package, ready for the `fetch` that it is to use. */
export type PackageSetup = {
  readonly origins: readonly [string, ...string[]];
  readonly make: (fetch: PackageFetch) => unknown;
  readonly dimensions: KnownPackage['dimensions'];
};

export function packageSetup(name: string, entry: ProviderEntry, module: PackageModule): PackageSetup {
  const known = KNOWN[name];
  const factory = factoryOf(name, entry.factory, module);
  const { base_url: baseUrl, api_key: apiKey, headers, options = {} } = entry;
  const given = {
    // Its own: what was read stays as it was, whatever the package does with it.
    ...structuredClone(options),
    ...(baseUrl === undefined ? {} : { baseURL: baseUrl }),
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(headers ? { headers } : {}),
  };
  return {
    origins: originsOf(name, entry, known),
    make: (fetch) => factory({ ...(known?.prepare?.(given, fetch) ?? given), fetch }),
    dimensions: known?.dimensions,
  };
}

/** Models first. An address of one's own takes the place of the one that is known, so that a key goes to it alone. */
function originsOf(name: string, entry: ProviderEntry, known: KnownPackage | undefined): PackageSetup['origins'] {
  const stated = (entry.origins ?? []).map((origin) => new URL(origin).origin);
  const main = entry.base_url === undefined ? known?.origin(entry) : new URL(entry.base_url).origin;
  const [first, ...others] = new Set([...(main === undefined ? [] : [main]), ...stated, ...(known?.aside?.(entry) ?? [])]);
  if (first === undefined) throw new PackageProblem(`nobody knows where \`${name}\` sends requests to`, 'Say it: `base_url`, or `origins: [https://…]`.');
  return [first, ...others];
}

type Factory = (options: JsonObject) => unknown;

/** By convention a package has one function `createX`, sometimes under a second name. */
function factoryOf(name: string, wanted: string | undefined, module: PackageModule): Factory {
  const makers = Object.entries(module).filter(([each, value]) => /^create[A-Z]/.test(each) && isFactory(value));
  const names = makers.map(([each]) => `\`${each}\``).join(', ');
  const found = wanted === undefined ? makers.map(([, value]) => value) : [module[wanted]];
  const [only, ...others] = new Set(found.filter(isFactory));
  if (only !== undefined && others.length === 0) return only;
  if (wanted !== undefined) throw new PackageProblem(`\`${name}\` has no function \`${wanted}\``, names === '' ? 'It makes no providers.' : `It has ${names}.`);
  if (only === undefined)
    throw new PackageProblem(`\`${name}\` is no provider package of the Vercel AI SDK`, 'Its `createX` function is missing; name another one by `factory`.');
  throw new PackageProblem(`\`${name}\` makes several providers`, `Choose one by \`factory\`: ${names}.`);
}

function isFactory(value: unknown): value is Factory {
  return typeof value === 'function';
}

/** What is read here stands in an address. */
function option({ options }: ProviderEntry, name: string): string {
  const value = textOf(options?.[name]);
  if (/^[a-z0-9-]{1,63}$/.test(value)) return value;
  throw new PackageProblem(
    `\`options.${name}\` is ${value === '' ? 'missing' : 'not a good name'}`,
    `It says where models are, such as \`${name}: ${EXAMPLES[name]}\`.`,
  );
}

const EXAMPLES: Readonly<Record<string, string>> = { region: 'eu-central-1', location: 'europe-west1' };

/** https://docs.aws.amazon.com/general/latest/gr/bedrock.html */
function bedrockOrigin(region: string): string {
  return `https://bedrock-runtime.${region}.${region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com'}`;
}

/** https://cloud.google.com/vertex-ai/generative-ai/docs/learn/locations */
function vertexOrigin(location: string): string {
  if (location === 'global') return 'https://aiplatform.googleapis.com';
  if (location === 'eu' || location === 'us') return `https://aiplatform.${location}.rep.googleapis.com`;
  return `https://${location}-aiplatform.googleapis.com`;
}

/**
 * Google's library asks for tokens by itself. It is told by what way, and has to be told whose: where it looks for that itself, it asks the machine's
 * cloud, by ways that are not ours.
 */
function ownTokens(value: unknown, fetch: PackageFetch): JsonObject {
  const auth = objectOf(value);
  if (['keyFile', 'keyFilename', 'credentials'].every((name) => auth[name] === undefined)) {
    throw new PackageProblem('no service account is named', 'Name its key file by `options.googleAuthOptions.keyFile`, or give an `api_key`.');
  }
  return { ...auth, clientOptions: { ...objectOf(auth['clientOptions']), transporterOptions: { fetchImplementation: fetch } } };
}
