import { z } from 'zod';
import type { App } from '../../app.ts';
import { ModerationsBody, ModerationsReply } from '../../contract/moderations.ts';
import { callHeaders, CHOSEN_MODEL_ERRORS, costHeaders, gatewayCall } from '../../http/answer.ts';
import { type Exchange, JSON_TYPE, type Reply, type Route, route } from '../../http/route.ts';

export const moderationRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/v1/moderations',
    summary: 'Whether a text is harmful',
    description: 'Passed to a provider that has a model for it: that of `model`, or the first that lists one. Body and answer go through as they come.',
    tag: 'OpenAI-compatible',
    scope: 'v1:call',
    query: z.looseObject({}),
    body: ModerationsBody,
    example: { input: 'The gate lifts' },
    replies: [{ status: 200, description: 'What the provider thinks of each.', type: 'application/json', schema: ModerationsReply }],
    errors: CHOSEN_MODEL_ERRORS,
    handle: moderations,
  }),
];

async function moderations(app: App, exchange: Exchange<undefined, unknown, ModerationsBody>): Promise<Reply> {
  const { model } = exchange.body;
  const call = await app.gateway.moderate(gatewayCall(exchange, { model, request: { given: exchange.body } }));
  return { headers: { ...callHeaders(call), ...costHeaders(exchange, call, call.receipt()), 'content-type': JSON_TYPE }, text: call.answer.words };
}
