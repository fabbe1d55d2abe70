import { describeModel, VENDORS } from '../core/model-catalog.ts';
import type { ModelFacts } from '../core/provider.ts';

/** Where a cloud serves it, and whose it is: `eu.anthropic.` of `eu.anthropic.claude-sonnet-4-5-20250929-v1:0`. */
const PLACE = /^(?:[a-z]{2,6}(?:-gov)?\.)?(?:ai21|amazon|anthropic|cohere|deepseek|meta|mistral|openai|qwen)\./;
/** The cloud's own version of it, behind its name. */
const EDITION = /-v\d+(?::\d+\w*)?$/;

/** What is known of a model that somebody else serves than who makes it: what it can do, and not what it costs there. */
export function servedElsewhere(id: string): ModelFacts {
  const name = id.replace(PLACE, '').replace(EDITION, '').replace('@', '-');
  const known = VENDORS.map((vendor) => describeModel(name, vendor)).find(({ price }) => price !== undefined) ?? describeModel(name, null);
  const { price: _, ...facts } = known;
  return { ...facts, id };
}
