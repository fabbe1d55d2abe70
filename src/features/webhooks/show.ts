import type { App } from '../../app.ts';
import { AppError } from '../../contract/errors.ts';
import { isId, pageOf, pagePlace } from '../../contract/paging.ts';
import type { DeliveryQuery, DeliveryReply, WebhookListQuery, WebhookParams, WebhookReply } from '../../contract/webhooks.ts';
import { showWebhookSecret } from '../../core/standard-webhooks.ts';
import type { Exchange, Reply } from '../../http/route.ts';
import { projectSecret } from './secret.ts';
import { type Delivery, type Endpoint, findDelivery, findEndpoint, listDeliveries, listEndpoints } from './store.ts';

export async function listOfWebhooks(app: App, { principal: { projectId }, query }: Exchange<undefined, WebhookListQuery>): Promise<Reply> {
  const place = pagePlace(query);
  const page = pageOf(await app.inProject(projectId, (db) => listEndpoints(db, projectId, place)), place);
  return { json: { ...page, data: page.data.map((endpoint) => webhookReply(endpoint, app.clock.now())) } };
}

export async function showWebhook(app: App, { principal: { projectId }, params: { id } }: Exchange<WebhookParams>): Promise<Reply> {
  const endpoint = isId(id) ? await app.inProject(projectId, (db) => findEndpoint(db, { projectId, id })) : null;
  if (!endpoint) throw noWebhook();
  return { json: webhookReply(endpoint, app.clock.now()) };
}

/** What tellings to a job's own address are signed with. */
export function showProjectSecret(app: App, { principal }: Exchange): Reply {
  return { headers: { 'cache-control': 'no-store' }, json: { secret: showWebhookSecret(projectSecret(app, principal.projectId)) } };
}

export async function listOfDeliveries(app: App, { principal: { projectId }, query }: Exchange<undefined, DeliveryQuery>): Promise<Reply> {
  const place = pagePlace(query);
  const wanted = { projectId, webhookId: query.webhook_id, state: query.status };
  const page = pageOf(await app.inProject(projectId, (db) => listDeliveries(db, wanted, place)), place);
  return { json: { ...page, data: page.data.map(deliveryReply) } };
}

export async function showDelivery(app: App, { principal: { projectId }, params: { id } }: Exchange<WebhookParams>): Promise<Reply> {
  const delivery = isId(id) ? await app.inProject(projectId, (db) => findDelivery(db, { projectId, id })) : null;
  if (!delivery) throw noDelivery();
  return { json: deliveryReply(delivery) };
}

export function noWebhook(): AppError {
  return new AppError('NOT_FOUND', { message: 'There is no such webhook' });
}

export function noDelivery(): AppError {
  return new AppError('NOT_FOUND', { message: 'There is no such delivery' });
}

export function webhookReply(endpoint: Endpoint, nowMs: number): WebhookReply {
  const { old_secret_until: until } = endpoint;
  return {
    id: endpoint.id,
    url: endpoint.url,
    events: endpoint.events,
    description: endpoint.description,
    enabled: endpoint.disabled_at === null,
    disabled_reason: endpoint.disabled_reason,
    overlap_until: until !== null && until.getTime() > nowMs ? until.toISOString() : null,
    created_at: endpoint.created_at.toISOString(),
    updated_at: endpoint.updated_at.toISOString(),
  };
}

export function deliveryReply(delivery: Delivery): DeliveryReply {
  return {
    id: delivery.id,
    webhook_id: delivery.endpoint_id,
    url: delivery.url,
    event: {
      id: delivery.event_id,
      type: delivery.type,
      subject_id: delivery.subject_id,
      created_at: delivery.event_created_at.toISOString(),
    },
    status: delivery.state,
    tries: delivery.tries,
    next_try_at: delivery.state === 'waiting' ? delivery.next_try_at.toISOString() : null,
    attempts: [...delivery.attempts],
    created_at: delivery.created_at.toISOString(),
    ended_at: delivery.ended_at?.toISOString() ?? null,
  };
}
