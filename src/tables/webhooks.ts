import type { ColumnType, Generated } from 'kysely';
import type { CreatedAt, Timestamp } from './columns.ts';

export type WebhookEventsTable = {
  id: string;
  project_id: string;
  type: string;
  subject_id: string;
  url: string | null;
  created_at: CreatedAt;
  spread_at: Timestamp | null;
};

export type WebhookEndpointsTable = {
  id: string;
  project_id: string;
  url: string;
  description: string | null;
  events: string[] | null;
  secret: Buffer;
  old_secret: Buffer | null;
  old_secret_until: Timestamp | null;
  disabled_at: Timestamp | null;
  disabled_reason: string | null;
  created_at: CreatedAt;
  updated_at: CreatedAt;
};

/** One try to tell somebody of an event. */
type DeliveryAttempt = {
  readonly at: string;
  readonly status: number | null;
  readonly error: string | null;
  readonly duration_ms: number;
  readonly answer: string | null;
};

export type WebhookDeliveriesTable = {
  id: string;
  project_id: string;
  event_id: string;
  endpoint_id: string | null;
  url: string;
  state: Generated<'waiting' | 'delivered' | 'failed'>;
  tries: Generated<number>;
  next_try_at: Timestamp;
  attempts: ColumnType<readonly DeliveryAttempt[], string | undefined, string>;
  created_at: CreatedAt;
  ended_at: Timestamp | null;
};
