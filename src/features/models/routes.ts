import type { App } from '../../app.ts';
import { ModelList } from '../../contract/models.ts';
import type { Price } from '../../core/provider.ts';
import { type Reply, type Route, route } from '../../http/route.ts';

export const modelRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/models',
    summary: 'What can be called',
    tag: 'Models',
    scope: 'models:read',
    replies: [{ status: 200, description: 'Every alias and known model.', type: 'application/json', schema: ModelList }],
    handle: listModels,
  }),
];

function listModels(app: App): Reply {
  const { defaultModel } = app.config();
  const models = app.gateway.models().map(({ name, provider, facts, alias }) => ({
    id: name,
    provider,
    model: facts.id,
    alias,
    context_tokens: facts.contextTokens,
    max_output_tokens: facts.outputTokensMax,
    capabilities: facts.capabilities,
    price: priceReply(facts.price),
    default: name === defaultModel,
  }));
  return { json: { data: models, has_more: false, next_cursor: null } };
}

function priceReply(price: Price | undefined): Record<string, number | string | null> {
  if (!price) return { input: null, output: null, cached_input: null, as_of: null, source: null };
  // Nano-USD for a token are thousandths of a USD for a million of them.
  const cached = price.cachedInputNanoUsd;
  return {
    input: price.inputNanoUsd / 1000,
    output: price.outputNanoUsd / 1000,
    cached_input: cached === undefined ? null : cached / 1000,
    as_of: price.asOf,
    source: price.source,
  };
}
