import type { App } from '../../app.ts';
import { ModelList } from '../../contract/models.ts';
import { callableModels } from '../../gateway/callable-models.ts';
import { type Exchange, type Reply, type Route, route } from '../../http/route.ts';
import { priceReply } from './price.ts';

export const modelRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/models',
    summary: 'What can be called',
    description: 'With an API key: what the key may call.',
    tag: 'Models',
    scope: 'models:read',
    replies: [{ status: 200, description: 'Every alias and known model.', type: 'application/json', schema: ModelList }],
    handle: listModels,
  }),
];

/** A key sees what it may call. */
function listModels(app: App, { principal }: Exchange): Reply {
  const { defaultModel } = app.config();
  const models = callableModels(app, principal).map(({ name, provider, facts, alias, price, priceAssumed }) => ({
    id: name,
    provider,
    model: facts.id,
    alias,
    context_tokens: facts.contextTokens,
    max_output_tokens: facts.outputTokensMax,
    capabilities: facts.capabilities,
    price: priceReply(price, priceAssumed),
    default: name === defaultModel,
  }));
  return { json: { data: models, has_more: false, next_cursor: null } };
}
