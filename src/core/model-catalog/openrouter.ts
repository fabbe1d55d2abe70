import type { ModelFacts, Price } from '../provider.ts';
import { anthropic } from './anthropic.ts';
import { google } from './google.ts';
import { openai } from './openai.ts';
import type { Vendor } from './vendor.ts';
import { xai } from './xai.ts';

/** It passes the prices of these on, but not those of their batches. It does not moderate. */
export const openrouter: Vendor = {
  id: 'openrouter',
  name: 'OpenRouter',
  hosts: ['openrouter.ai'],
  models: [
    ...resold(openai, (id) => `openai/${id}`),
    ...resold(google, (id) => `google/${id}`),
    ...resold(xai, (id) => `x-ai/${id}`),
    // With a dot where Anthropic has a dash: claude-opus-4.5.
    ...resold(anthropic, (id) => `anthropic/${id.replace(/-(\d)-(\d)$/, '-$1.$2')}`),
  ],
};

function resold({ models }: Vendor, nameOf: (id: string) => string): ModelFacts[] {
  return models.flatMap(({ id, price, ...facts }) =>
    facts.capabilities.includes('moderation') ? [] : [{ ...facts, id: nameOf(id), ...(price ? { price: withoutBatch(price) } : {}) }],
  );
}

function withoutBatch(price: Price): Price {
  const { batch: _, ...rest } = price;
  if (!rest.above) return rest;
  const { batch: _above, ...above } = rest.above;
  return { ...rest, above };
}
