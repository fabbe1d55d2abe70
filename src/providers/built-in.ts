import type { Settings } from '../contract/settings.ts';
import type { Capability } from '../core/provider.ts';
import { ANTHROPIC_BASE_URL } from './anthropic.ts';
import { OPENAI_BASE_URL, type OpenaiDialect, type OpenaiQuirks } from './openai.ts';

export type OpenaiDialects = readonly [OpenaiDialect, ...OpenaiDialect[]];
export type KeySetting = Extract<keyof Settings, `${string}ApiKey`>;
export type AddressSetting = Extract<keyof Settings, `${string}BaseUrl`>;

/** A vendor of the model catalogue, under its name there, that a key in the environment makes a provider. */
type BuiltIn = {
  readonly id: string;
  readonly key: KeySetting;
  readonly address?: AddressSetting;
  readonly baseUrl: string;
  readonly dialects: OpenaiDialects | 'anthropic-messages';
  readonly quirks?: OpenaiQuirks;
  readonly hasBatches?: true;
  /** What its models are known for elsewhere and cannot do here. */
  readonly lacks?: readonly Capability[];
};

/** Chat completions come first, since they cost both sides less; who wants the Responses API says so in the request. */
export const BOTH: OpenaiDialects = ['openai-chat', 'openai-responses'];
export const CHAT_ONLY: OpenaiDialects = ['openai-chat'];

const OLD_LIMIT = { max_completion_tokens: 'max_tokens' } as const;
/** Refused by them; what a stream used they say by themselves. */
const NO_STREAM_OPTIONS = { stream_options: null } as const;

/** In the order in which a bare model name is looked for. */
export const BUILT_IN: readonly BuiltIn[] = [
  { id: 'openai', key: 'openaiApiKey', address: 'openaiBaseUrl', baseUrl: OPENAI_BASE_URL, dialects: BOTH, hasBatches: true },
  { id: 'anthropic', key: 'anthropicApiKey', address: 'anthropicBaseUrl', baseUrl: ANTHROPIC_BASE_URL, dialects: 'anthropic-messages' },
  {
    id: 'google',
    key: 'geminiApiKey',
    address: 'geminiBaseUrl',
    baseUrl: 'https://generativelanguage.googleapis.com/v1beta/openai',
    dialects: CHAT_ONLY,
  },
  {
    id: 'mistral',
    key: 'mistralApiKey',
    baseUrl: 'https://api.mistral.ai/v1',
    dialects: CHAT_ONLY,
    // It answers every field that it does not know with 422.
    quirks: { words: { ...OLD_LIMIT, ...NO_STREAM_OPTIONS, seed: 'random_seed' } },
  },
  { id: 'groq', key: 'groqApiKey', baseUrl: 'https://api.groq.com/openai/v1', dialects: CHAT_ONLY },
  {
    id: 'cohere',
    key: 'cohereApiKey',
    baseUrl: 'https://api.cohere.ai/compatibility/v1',
    dialects: CHAT_ONLY,
    quirks: { words: { ...OLD_LIMIT, ...NO_STREAM_OPTIONS } },
  },
  { id: 'xai', key: 'xaiApiKey', baseUrl: 'https://api.x.ai/v1', dialects: BOTH },
  // It knows JSON without a schema only.
  {
    id: 'deepseek',
    key: 'deepseekApiKey',
    baseUrl: 'https://api.deepseek.com',
    dialects: CHAT_ONLY,
    quirks: { words: OLD_LIMIT },
    lacks: ['json_schema'],
  },
  { id: 'together', key: 'togetherApiKey', baseUrl: 'https://api.together.xyz/v1', dialects: CHAT_ONLY, quirks: { words: OLD_LIMIT } },
  { id: 'fireworks', key: 'fireworksApiKey', baseUrl: 'https://api.fireworks.ai/inference/v1', dialects: CHAT_ONLY },
  {
    id: 'perplexity',
    key: 'perplexityApiKey',
    baseUrl: 'https://api.perplexity.ai',
    dialects: CHAT_ONLY,
    quirks: { words: { ...OLD_LIMIT, ...NO_STREAM_OPTIONS }, saysNoDone: true },
  },
  { id: 'openrouter', key: 'openrouterApiKey', baseUrl: 'https://openrouter.ai/api/v1', dialects: CHAT_ONLY },
];
