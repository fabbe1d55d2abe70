import { ProviderList, RouteAnswer, RouteQuestion } from '../../contract/providers.ts';
import { type Route, route } from '../../http/route.ts';
import { explainRoute } from './explain.ts';
import { listProviders } from './list.ts';

export const providerRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/providers',
    summary: 'Who answers, and how well each of them does',
    description: 'As this process has seen it. With an API key: of the models that the key may call. Never keys, and addresses only for who is signed in.',
    tag: 'Models',
    scope: 'models:read',
    replies: [{ status: 200, description: 'Every provider of the configuration.', type: 'application/json', schema: ProviderList }],
    handle: listProviders,
  }),
  route({
    method: 'POST',
    path: '/api/v1/route/explain',
    summary: 'Where a call would go now, and why',
    description: 'Nothing is sent. Where chance decides, it is drawn anew each time, as for a call.',
    tag: 'Models',
    scope: 'models:read',
    limit: 'rateLimitAnonymous',
    body: RouteQuestion,
    example: { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'How does a sluice gate work?' }], max_tokens: 200, tools: true },
    replies: [{ status: 200, description: 'The candidates in order, and what was left out.', type: 'application/json', schema: RouteAnswer }],
    errors: ['MODEL_NOT_FOUND', 'LOCAL_MODEL_UNAVAILABLE'],
    handle: explainRoute,
  }),
];
