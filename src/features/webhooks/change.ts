import type { App } from '../../app.ts';
import { AppError, invalidValue } from '../../contract/errors.ts';
import { isId } from '../../contract/paging.ts';
import { type NewWebhookBody, TEST_EVENT, type WebhookChange, type WebhookParams, type WebhookRotation } from '../../contract/webhooks.ts';
import { readWebhookSecret, showWebhookSecret } from '../../core/standard-webhooks.ts';
import type { Exchange, Reply } from '../../http/route.ts';
import { newSecret, sealSecret } from './secret.ts';
import { deliveryReply, noDelivery, noWebhook, webhookReply } from './show.ts';
import {
  countEndpoints,
  deleteEndpoint,
  type Endpoint,
  type EndpointColumns,
  findDelivery,
  findEndpoint,
  insertDeliveries,
  insertEndpoint,
  insertEvent,
  replayDelivery,
  updateEndpoint,
} from './store.ts';

/** So that one event is not told a thousand times. */
const ENDPOINTS_MAX = 50;

export async function createWebhook(app: App, exchange: Exchange<undefined, undefined, NewWebhookBody>): Promise<Reply> {
  const { body, principal } = exchange;
  const { projectId } = principal;
  const secret = body.secret === undefined ? newSecret() : readWebhookSecret(body.secret);
  if (secret === null) throw invalidValue('secret', 'must be whsec_ and 24 to 64 bytes in base64');
  const id = app.newId('whk');
  const at = new Date(app.clock.now());
  const endpoint = await app.inProject(projectId, async (db) => {
    if ((await countEndpoints(db, projectId)) >= ENDPOINTS_MAX) {
      throw new AppError('CONFLICT', { message: `A project has at most ${ENDPOINTS_MAX} webhooks; delete one first`, details: { max: ENDPOINTS_MAX } });
    }
    const made = await insertEndpoint(db, {
      id,
      project_id: projectId,
      url: body.url,
      description: body.description ?? null,
      events: body.events ?? null,
      secret: sealSecret(app, id, secret),
      created_at: at,
      updated_at: at,
    });
    await app.audit(db, exchange, { action: 'webhook.create', projectId, targetId: id, after: facts(made) });
    return made;
  });
  const headers = { location: `/api/v1/webhooks/${id}`, 'cache-control': 'no-store' };
  return { status: 201, headers, json: { ...webhookReply(endpoint, at.getTime()), secret: showWebhookSecret(secret) } };
}

export async function changeWebhook(app: App, exchange: Exchange<WebhookParams, undefined, WebhookChange>): Promise<Reply> {
  const { url, events, description, enabled } = exchange.body;
  const at = new Date(app.clock.now());
  const endpoint = await changing(app, exchange, 'webhook.update', {
    ...(url === undefined ? {} : { url }),
    ...(events === undefined ? {} : { events }),
    ...(description === undefined ? {} : { description }),
    ...(enabled === undefined ? {} : { disabled_at: enabled ? null : at, disabled_reason: enabled ? null : 'by hand' }),
    updated_at: at,
  });
  return { json: webhookReply(endpoint, at.getTime()) };
}

export async function rotateWebhook(app: App, exchange: Exchange<WebhookParams, undefined, WebhookRotation>): Promise<Reply> {
  const secret = newSecret();
  const nowMs = app.clock.now();
  const until = new Date(nowMs + exchange.body.overlap_s * 1000);
  const endpoint = await changing(app, exchange, 'webhook.rotate', (before) => ({
    secret: sealSecret(app, before.id, secret),
    old_secret: before.secret,
    old_secret_until: until,
    updated_at: new Date(nowMs),
  }));
  return { headers: { 'cache-control': 'no-store' }, json: { ...webhookReply(endpoint, nowMs), secret: showWebhookSecret(secret) } };
}

export async function deleteWebhook(app: App, exchange: Exchange<WebhookParams>): Promise<Reply> {
  const { params, principal } = exchange;
  const place = { projectId: principal.projectId, id: params.id };
  await app.inProject(place.projectId, async (db) => {
    const before = isId(place.id) ? await findEndpoint(db, place) : null;
    if (!before || !(await deleteEndpoint(db, place))) throw noWebhook();
    await app.audit(db, exchange, { action: 'webhook.delete', projectId: place.projectId, targetId: place.id, before: facts(before) });
  });
  return { status: 204 };
}

/** Sends an event that tells of nothing, so that somebody who sets up an endpoint sees one come. */
export async function testWebhook(app: App, { params: { id }, principal: { projectId } }: Exchange<WebhookParams>): Promise<Reply> {
  const at = new Date(app.clock.now());
  const event = { id: app.newId('evt'), project_id: projectId, type: TEST_EVENT, subject_id: id, url: null, created_at: at, spread_at: at };
  const deliveryId = app.newId('whd');
  const delivery = await app.inProject(projectId, async (db) => {
    const endpoint = isId(id) ? await findEndpoint(db, { projectId, id }) : null;
    if (!endpoint) throw noWebhook();
    await insertEvent(db, event);
    const made = { id: deliveryId, project_id: projectId, event_id: event.id, endpoint_id: id, url: endpoint.url, next_try_at: at, created_at: at };
    await insertDeliveries(db, [made]);
    return findDelivery(db, { projectId, id: deliveryId });
  });
  if (!delivery) throw noDelivery();
  return { status: 202, json: deliveryReply(delivery) };
}

export async function replay(app: App, { params: { id }, principal: { projectId } }: Exchange<WebhookParams>): Promise<Reply> {
  const delivery = await app.inProject(projectId, async (db) => {
    if (!isId(id) || !(await replayDelivery(db, { projectId, id }, new Date(app.clock.now())))) throw noDelivery();
    return findDelivery(db, { projectId, id });
  });
  if (!delivery) throw noDelivery();
  return { status: 202, json: deliveryReply(delivery) };
}

type Change = EndpointColumns | ((before: Endpoint) => EndpointColumns);

async function changing(app: App, exchange: Exchange<WebhookParams, undefined>, action: string, change: Change): Promise<Endpoint> {
  const { params, principal } = exchange;
  const place = { projectId: principal.projectId, id: params.id };
  return app.inProject(place.projectId, async (db) => {
    const before = isId(place.id) ? await findEndpoint(db, place) : null;
    if (!before) throw noWebhook();
    const after = await updateEndpoint(db, place, typeof change === 'function' ? change(before) : change);
    if (!after) throw noWebhook();
    await app.audit(db, exchange, { action, projectId: place.projectId, targetId: place.id, before: facts(before), after: facts(after) });
    return after;
  });
}

function facts({ url, events, description, disabled_at: disabledAt }: Endpoint): object {
  return { url, events, description, enabled: disabledAt === null };
}
