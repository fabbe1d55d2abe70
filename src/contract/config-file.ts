import { z } from 'zod';
import { BUILT_IN_REDACTIONS, KEEP_BODIES, REDACTED, RETENTION_DAYS } from './privacy.ts';
import { ProviderKeys } from './provider-keys.ts';

/** sluice.config.yaml: more than keys and defaults. Its JSON Schema for editors is docs/sluice.config.schema.json, made from this. */
const id = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]*$/, 'lower-case letters, digits, dot, dash and underscore')
  .max(64);
const usdPerMillionTokens = z.number().min(0).max(1_000_000);

const KINDS = ['openai', 'openai-compatible', 'anthropic', 'azure', 'ai-sdk'] as const;
const PACKAGE_FIELDS = ['package', 'factory', 'options', 'origins'] as const;
/** What an entry of some kinds only may say. */
const FIELD_KINDS: readonly [field: 'dialects' | 'chat_path' | 'api_version' | (typeof PACKAGE_FIELDS)[number], kinds: readonly (typeof KINDS)[number][]][] = [
  ['dialects', ['openai', 'openai-compatible', 'azure']],
  ['chat_path', ['openai', 'openai-compatible']],
  ['api_version', ['azure']],
  ...PACKAGE_FIELDS.map((field): [typeof field, ['ai-sdk']] => [field, ['ai-sdk']]),
];
/** By its name, so that it comes from where packages are installed and from nowhere else. */
const packageName = z
  .string()
  .regex(/^(@[a-z0-9~-][\w.~-]*\/)?[a-z0-9~-][\w.~-]*(\/[\w~-][\w.~-]*)*$/, 'the name of a package on npm, such as `@ai-sdk/amazon-bedrock`');
const origin = z
  .url({ protocol: /^https?$/ })
  .refine((text) => new URL(text).pathname === '/' && !/[?#]/.test(text), 'an address without a path, such as `https://api.example.org`');

const ProviderEntry = z
  .strictObject({
    kind: z
      .enum(KINDS)
      .default('openai-compatible')
      .describe(
        'Whose API it speaks: `azure` is Azure OpenAI, with its deployments under `models`; `ai-sdk` is whatever a provider package of the Vercel AI SDK speaks.',
      ),
    base_url: z
      .url({ protocol: /^https?$/ })
      .optional()
      .describe('Its address, usually ending in `/v1`; of Azure OpenAI that of the resource. A package may know it by itself.'),
    api_key: z.string().optional().describe('Its key; `${NAME}` reads the environment variable NAME.'),
    api_keys: ProviderKeys.optional().describe(
      'Several keys instead of one: calls are spread over them, and go on by the others where one is refused or used up.',
    ),
    headers: z.record(z.string(), z.string()).optional().describe('More headers for every call to it.'),
    max_parallel: z.int().min(1).max(100_000).optional().describe('Most calls to it at a time, from each process; more go to the next target, or wait.'),
    models: z.array(z.string().min(1)).default([]).describe('Names that can be called without the `provider/` in front.'),
    chat_path: z.string().optional().describe('Path of its chat completions after `base_url`, where it is not `/chat/completions`.'),
    dialects: z
      .array(z.enum(['openai-chat', 'openai-responses']))
      .min(1)
      .optional()
      .describe('Which of the OpenAI dialects it speaks; openai-chat by default.'),
    api_version: z
      .string()
      .min(1)
      .optional()
      .describe('The dated version of the API of Azure OpenAI, such as `2024-10-21`; without one, its undated API is spoken.'),
    package: packageName.optional().describe('The package that speaks to it, such as `@ai-sdk/amazon-bedrock`; docs/providers.md says how to install one.'),
    factory: z
      .string()
      .min(1)
      .optional()
      .describe('What the package calls the function that makes its provider, where it has several, such as `createVertexAnthropic`.'),
    options: z
      .record(z.string(), z.unknown())
      .optional()
      .describe('What that function is given, in the words of the package; `${NAME}` reads the environment variable NAME.'),
    origins: z.array(origin).min(1).optional().describe('Where the package may send requests to, besides `base_url`; those of well-known packages are known.'),
  })
  .superRefine((entry, context) => {
    if (entry.api_key !== undefined && entry.api_keys !== undefined) {
      context.addIssue({ code: 'custom', path: ['api_keys'], message: 'stands in the place of `api_key`: write that key here too' });
    }
    const needed = entry.kind === 'ai-sdk' ? 'package' : 'base_url';
    if (entry[needed] === undefined) context.addIssue({ code: 'invalid_type', expected: 'string', path: [needed], input: undefined });
    for (const [field, kinds] of FIELD_KINDS) {
      if (entry[field] === undefined || kinds.includes(entry.kind)) continue;
      context.addIssue({ code: 'custom', path: [field], message: `is not for the kind \`${entry.kind}\`` });
    }
  })
  .describe('An upstream.');

const Target = z.union([
  z.string().min(1).describe('A model: `provider/model` or a known name.'),
  z.strictObject({ model: z.string().min(1), weight: z.number().positive().max(1000).default(1) }),
]);

/** How the first of an alias's targets is chosen. */
export const STRATEGIES = ['weighted', 'cheapest', 'fastest', 'ordered'] as const;

const ModelAlias = z
  .strictObject({
    targets: z.array(Target).min(1).describe('Where calls go.'),
    strategy: z
      .enum(STRATEGIES)
      .default('weighted')
      .describe(
        'Which target comes first: by chance and `weight`, the cheapest for the call, the one whose answers began soonest lately, or as they stand here.',
      ),
    sticky: z
      .boolean()
      .default(false)
      .describe('Whether the calls of one session (`X-Session-Id`, `prompt_cache_key` or `user`) go to the same target as long as it is well.'),
    fallbacks: z.array(z.string().min(1)).default([]).describe('Tried in this order when no target answers.'),
    on_cut: z
      .enum(['error', 'continue'])
      .optional()
      .describe('What becomes of a streamed text that breaks off after its first piece: it ends in an error (the default), or another model goes on with it.'),
  })
  .describe('A name of your own for one or several models.');

const rates = {
  input: usdPerMillionTokens.describe('USD for a million input tokens.'),
  output: usdPerMillionTokens.describe('USD for a million output tokens, reasoning among them.'),
  cached_input: usdPerMillionTokens.optional().describe('For input that the provider had in its cache; as `input` where it is left out.'),
  cache_write: usdPerMillionTokens.optional().describe('For input that the provider puts into its cache for minutes; as `input` where it is left out.'),
  long_cache_write: usdPerMillionTokens.optional().describe('The same for an hour or longer; as `cache_write` where it is left out.'),
  batch_input: usdPerMillionTokens.optional().describe('For input of a batch, where that is less.'),
  batch_output: usdPerMillionTokens.optional().describe('For output of a batch, where that is less.'),
};

export const LongPromptPrice = z
  .strictObject({ tokens: z.int().min(1).describe('The longest prompt for which the price above counts.'), ...rates })
  .describe('What all of a call costs whose prompt is longer.');

const PriceEntry = z
  .strictObject({
    ...rates,
    per_call: z.number().min(0).max(1000).optional().describe('USD for each call, besides its tokens.'),
    above: LongPromptPrice.optional(),
    as_of: z.iso.date().optional().describe('The day for which it was stated.'),
    source: z.string().optional().describe('Who stated it.'),
  })
  .describe('A price that counts instead of the built-in one.');

const modelName = z.string().regex(/^[^/*\s]+\/[^*\s]*[^\s]$/, 'write `provider/model`, or `provider/*` for all of its models');

const CAPABILITIES = ['chat', 'stream', 'tools', 'json_schema', 'images', 'reasoning', 'embeddings', 'moderation'] as const;
const tokens = z.int().min(1).max(1_000_000_000);
const CatalogEntry = z
  .strictObject({
    context: tokens.optional().describe('Tokens of a question and its answer together.'),
    max_output: tokens.optional().describe('Tokens of its longest answer.'),
    capabilities: z.array(z.enum(CAPABILITIES)).min(1).optional().describe('All that it can do: what is not named, it cannot.'),
  })
  .describe('What is known of a model, where Sluice knows nothing or something wrong. What is left out stays as it is known.');

const OwnRedaction = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9_-]*$/, 'lower-case letters, digits, dash and underscore, beginning with a letter')
    .max(40)
    .describe('What stands in its place: `[employee]` for employee.'),
  pattern: z.string().min(1).describe('A regular expression without looking ahead or back and without references, so that no text can make it slow.'),
});

const Privacy = z
  .strictObject({
    keep_bodies: z.enum(KEEP_BODIES).default('off').describe('Whether texts of requests and answers are kept: `off`, those of `errors` alone, or `all`.'),
    redact: z
      .array(z.union([z.enum(BUILT_IN_REDACTIONS), OwnRedaction]))
      .max(100)
      .default([...REDACTED])
      .describe('What is replaced in them before they are kept.'),
  })
  .describe('What is kept of what people say.');

const days = z.int().min(1).max(36_500);
const Retention = z
  .strictObject({
    ledger_days: days.default(RETENTION_DAYS.ledger_days).describe('Calls with what they cost, and so usage. They go by the month.'),
    bodies_days: days.default(RETENTION_DAYS.bodies_days).describe('Texts of requests and answers. They go by the day.'),
    audit_days: days.default(RETENTION_DAYS.audit_days).describe('Who changed what.'),
    files_days: days.default(RETENTION_DAYS.files_days).describe('Files of batches for which nobody said otherwise. Other files stay until they are deleted.'),
  })
  .describe('For how many days things are kept.');

const Webhooks = z
  .strictObject({
    allow_networks: z
      .array(z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], 'an address or a network, such as `10.0.0.0/8`'))
      .max(100)
      .default([])
      .describe('Addresses and networks that webhooks may go to although they are not of the public internet.'),
  })
  .describe('Where webhooks may go.');

export const ConfigFile = z
  .strictObject({
    providers: z.record(id, ProviderEntry).default({}),
    models: z.record(z.string().min(1).max(128), ModelAlias).default({}),
    prices: z.record(modelName, PriceEntry).default({}).describe('By `provider/model`; `provider/*` counts for all others of that beginning.'),
    catalog: z.record(modelName, CatalogEntry).default({}).describe('By `provider/model`; `provider/*` counts for all others of that beginning.'),
    privacy: Privacy.prefault({}),
    retention: Retention.prefault({}),
    webhooks: Webhooks.prefault({}),
    settings: z
      .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
      .default({})
      .describe('Any variable of docs/config.md, by its name; the environment wins over it.'),
  })
  .describe('The configuration file of Sluice.');

export type ConfigFile = z.output<typeof ConfigFile>;
export type PriceEntry = z.output<typeof PriceEntry>;
export type ProviderEntry = z.output<typeof ProviderEntry>;
