import { anthropic } from './model-catalog/anthropic.ts';
import { cohere } from './model-catalog/cohere.ts';
import { deepseek } from './model-catalog/deepseek.ts';
import { fireworks } from './model-catalog/fireworks.ts';
import { google } from './model-catalog/google.ts';
import { groq } from './model-catalog/groq.ts';
import { mistral } from './model-catalog/mistral.ts';
import { openai } from './model-catalog/openai.ts';
import { openrouter } from './model-catalog/openrouter.ts';
import { perplexity } from './model-catalog/perplexity.ts';
import { together } from './model-catalog/together.ts';
import { CHAT, THINKING, type Vendor } from './model-catalog/vendor.ts';
import { xai } from './model-catalog/xai.ts';
import type { ModelFacts } from './provider.ts';

/**
 * What is known about models: limits, capabilities, prices. Prices are read from the vendors' pages and compared over several public lists
 * that follow them; of two that differ, the dearer counts. What a team really pays goes into `prices` of the configuration file, which wins.
 */
export const VENDORS: readonly Vendor[] = [openai, anthropic, google, mistral, groq, cohere, xai, deepseek, together, fireworks, perplexity, openrouter];

export const OPENAI = openai;

/** Whose models a provider of this name, or at this host, serves. Null for one's own server, whatever its models are called. */
export function vendorOf(id: string, host: string): Vendor | null {
  return VENDORS.find((vendor) => vendor.id === id) ?? VENDORS.find((vendor) => vendor.hosts.includes(host)) ?? null;
}

/** A dated name that is not listed means the model without the date. */
export function describeModel(name: string, vendor: Vendor | null): ModelFacts {
  const known = vendor && (find(vendor, name) ?? find(vendor, name.replace(/-\d{4}-?\d\d-?\d\d$/, '')));
  if (known) return known.id === name ? known : { ...known, id: name };
  const { price: _, ...facts } = (vendor === null ? find(openai, name) : undefined) ?? namedModel(name);
  return facts;
}

function find({ models }: Vendor, name: string): ModelFacts | undefined {
  return models.find((model) => model.id === name);
}

/**
 * Whether a model thinks before it answers, and so takes no temperature. For names that nobody described, also with a vendor in front
 * (`openai/gpt-5`): the o-series, and gpt-5 and later except the chat ones.
 */
export function isReasoningName(model: string): boolean {
  const name = model.slice(model.lastIndexOf('/') + 1);
  return /^(o[1-9]|gpt-[5-9](\.\d+)?)(-|$)/.test(name) && !name.includes('chat');
}

/** For a model of which only the name is known: what nearly all that are served today can do. Its server knows better, and refuses by itself. */
function namedModel(id: string): ModelFacts {
  if (/embed/i.test(id)) return { id, contextTokens: 8_192, outputTokensMax: 0, capabilities: ['embeddings'] };
  if (/moderation/i.test(id)) return { id, contextTokens: 32_768, outputTokensMax: 0, capabilities: ['moderation'] };
  return { id, contextTokens: 128_000, outputTokensMax: 16_384, capabilities: isReasoningName(id) ? THINKING : CHAT };
}
