import { z } from 'zod';
import { PAGE_FIELDS, pageSchema, WantedId } from './paging.ts';
import { lineOfText, WebUrl } from './text.ts';

/** Webhooks (CONTRACT 7): where a project wants to be told what happened. */
const WEBHOOK_EVENTS = ['batch.completed', 'batch.failed', 'batch.expired', 'batch.cancelled'] as const;
/** What a test of an endpoint sends. */
export const TEST_EVENT = 'webhook.test';

const events = z.array(z.enum(WEBHOOK_EVENTS)).min(1).nullable().describe('What it is told of; null is everything.');
const description = lineOfText(500).nullable();

export const NewWebhookBody = z
  .strictObject({
    url: WebUrl.describe('Where events are posted to. Addresses that are not of the public internet have to be allowed in the configuration.'),
    events: events.optional(),
    description: description.optional(),
    secret: z
      .string()
      .max(200)
      .optional()
      .describe('What it is signed with, where you have one: `whsec_` and 24 to 64 bytes in base64. Made for you where it is left out.'),
  })
  .meta({ id: 'NewWebhook' });
export type NewWebhookBody = z.output<typeof NewWebhookBody>;

export const WebhookChange = z
  .strictObject({
    url: WebUrl.optional(),
    events: events.optional(),
    description: description.optional(),
    enabled: z.boolean().optional().describe('An endpoint that answered 410 was disabled; `true` enables it again.'),
  })
  .meta({ id: 'WebhookChange' });
export type WebhookChange = z.output<typeof WebhookChange>;

const OVERLAP_S = 86_400;
export const WebhookRotation = z
  .strictObject({
    overlap_s: z
      .int()
      .min(0)
      .max(30 * 86_400)
      .default(OVERLAP_S)
      .describe('Seconds for which everything is signed with the secret before too.'),
  })
  .meta({ id: 'WebhookRotation' });
export type WebhookRotation = z.output<typeof WebhookRotation>;

const WEBHOOK_FIELDS = {
  id: z.string(),
  url: z.string(),
  events: z.array(z.string()).nullable(),
  description: z.string().nullable(),
  enabled: z.boolean(),
  disabled_reason: z.string().nullable(),
  overlap_until: z.iso.datetime().nullable().describe('Until when it is signed with the secret before too.'),
  created_at: z.iso.datetime(),
  updated_at: z.iso.datetime(),
};
export const WebhookReply = z.strictObject(WEBHOOK_FIELDS).meta({ id: 'Webhook' });
export type WebhookReply = z.output<typeof WebhookReply>;
export const WebhookWithSecret = z.strictObject({ ...WEBHOOK_FIELDS, secret: z.string().describe('Shown this one time.') }).meta({ id: 'WebhookWithSecret' });
export const WebhookList = pageSchema(WebhookReply).meta({ id: 'WebhookList' });
export const WebhookListQuery = z.strictObject(PAGE_FIELDS);
export type WebhookListQuery = z.output<typeof WebhookListQuery>;
export const WebhookParams = z.strictObject({ id: z.string() });
export type WebhookParams = z.output<typeof WebhookParams>;

export const WebhookSecretReply = z
  .strictObject({ secret: z.string().describe('What the tellings to a `webhook_url` of a job are signed with.') })
  .meta({ id: 'WebhookSecret' });

const DELIVERY_STATES = ['waiting', 'delivered', 'failed'] as const;
export const DeliveryReply = z
  .strictObject({
    id: z.string(),
    webhook_id: z.string().nullable().describe('Null for the address that a job itself names.'),
    url: z.string(),
    event: z.strictObject({
      id: z.string().describe('The `webhook-id` that is sent, the same with every try.'),
      type: z.string(),
      subject_id: z.string().describe('The job or batch that it is about.'),
      created_at: z.iso.datetime(),
    }),
    status: z.enum(DELIVERY_STATES),
    tries: z.int(),
    next_try_at: z.iso.datetime().nullable(),
    attempts: z
      .array(
        z.strictObject({
          at: z.iso.datetime(),
          status: z.int().nullable().describe('What was answered; null where nothing was.'),
          error: z.string().nullable(),
          duration_ms: z.number(),
          answer: z.string().nullable().describe('The beginning of what was answered.'),
        }),
      )
      .describe('The latest ten.'),
    created_at: z.iso.datetime(),
    ended_at: z.iso.datetime().nullable(),
  })
  .meta({ id: 'WebhookDelivery' });
export type DeliveryReply = z.output<typeof DeliveryReply>;
export type DeliveryAttempt = DeliveryReply['attempts'][number];

export const DeliveryList = pageSchema(DeliveryReply).meta({ id: 'WebhookDeliveryList' });
export const DeliveryQuery = z.strictObject({
  ...PAGE_FIELDS,
  webhook_id: WantedId.describe('Only those to this endpoint.'),
  status: z.enum(DELIVERY_STATES).optional(),
});
export type DeliveryQuery = z.output<typeof DeliveryQuery>;
