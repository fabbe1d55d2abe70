import type { ColumnType, Generated } from 'kysely';
import type { Principal } from '../contract/policy.ts';
import type { Price } from '../core/provider.ts';
import type { CreatedAt, Json, Timestamp } from './columns.ts';

type JobStatus = 'pending' | 'validating' | 'in_progress' | 'finalizing' | 'completed' | 'completed_with_errors' | 'failed' | 'cancelled' | 'expired';

export type BatchJobsTable = {
  id: string;
  project_id: string;
  creator: Json<{ readonly kind: 'user' | 'key' | 'anonymous'; readonly id: string | null }>;
  surface: Generated<'native' | 'openai' | 'anthropic'>;
  name: string;
  description: string | null;
  status: Generated<JobStatus>;
  endpoint: string;
  model: string | null;
  max_tokens: number | null;
  temperature: number | null;
  template_id: string | null;
  metadata: ColumnType<Record<string, unknown>, string | undefined, string>;
  engine: Generated<'auto' | 'provider_batch' | 'direct'>;
  chosen_engine: 'provider_batch' | 'direct' | null;
  engine_reason: string | null;
  hold: Generated<boolean>;
  not_before: Timestamp | null;
  schedule: Json<Record<string, unknown>> | null;
  schedule_id: string | null;
  budget_nano_usd: number | null;
  webhook_url: string | null;
  input_file_id: string | null;
  output_file_id: string | null;
  error_file_id: string | null;
  finalizing_at: Timestamp | null;
  output_expires_s: number | null;
  input_errors: Json<readonly { readonly code: string; readonly line: number | null; readonly message: string; readonly param: string | null }[]> | null;
  total_requests: Generated<number>;
  completed_requests: Generated<number>;
  failed_requests: Generated<number>;
  input_tokens: Generated<number>;
  cached_input_tokens: Generated<number>;
  output_tokens: Generated<number>;
  reasoning_tokens: Generated<number>;
  cost_nano_usd: Generated<number>;
  saved_nano_usd: Generated<number>;
  error: Json<Record<string, unknown>> | null;
  cancel_asked_at: Timestamp | null;
  expires_at: Timestamp | null;
  created_at: CreatedAt;
  updated_at: CreatedAt;
  submitted_at: Timestamp | null;
  started_at: Timestamp | null;
  completed_at: Timestamp | null;
  deleted_at: Timestamp | null;
  keeper: string | null;
  kept_until: Timestamp | null;
  columns: Json<readonly string[]> | null;
};

export type BatchRequestsTable = {
  job_id: string;
  line: number;
  project_id: string;
  custom_id: string;
  body: Json<Record<string, unknown>>;
  state: Generated<'waiting' | 'running' | 'done'>;
  retry_count: Generated<number>;
  crashes: Generated<number>;
  not_before: Timestamp | null;
  claimed_by: string | null;
  ran_at: Timestamp | null;
  columns: Json<readonly string[]> | null;
};

export type JobWorkersTable = { id: string; started_at: CreatedAt; alive_until: Timestamp };

export type BatchResponsesTable = {
  job_id: string;
  line: number;
  project_id: string;
  custom_id: string;
  status_code: number | null;
  request_id: string | null;
  response: Json<unknown> | null;
  error: Json<{ readonly code: string; readonly message: string }> | null;
  model: string | null;
  provider: string | null;
  input_tokens: Generated<number>;
  output_tokens: Generated<number>;
  cost_nano_usd: Generated<number>;
  saved_nano_usd: Generated<number>;
  retry_count: Generated<number>;
  created_at: CreatedAt;
};

export type BatchProviderBatchesTable = {
  id: string;
  job_id: string;
  project_id: string;
  provider: string;
  model: string;
  requests: number;
  step: Generated<'new' | 'uploaded' | 'created' | 'ended' | 'collected' | 'failed'>;
  upstream_id: string | null;
  upstream_status: string | null;
  input_file_id: string | null;
  output_file_id: string | null;
  error_file_id: string | null;
  error: Json<Record<string, unknown>> | null;
  look_at: CreatedAt;
  looks: Generated<number>;
  failures: Generated<number>;
  keeper: string | null;
  kept_until: Timestamp | null;
  created_at: CreatedAt;
  ended_at: Timestamp | null;
  kind: string;
  principal: Json<Principal>;
  price: Json<Price>;
  bytes: Generated<number>;
  sealed_at: Timestamp | null;
  tried_at: Timestamp | null;
  failing_since: Timestamp | null;
  cancel_asked_at: Timestamp | null;
};

export type BatchProviderLinesTable = { provider_batch_id: string; line: number; project_id: string; text: string; worst_nano_usd: number };

export type JobTemplatesTable = {
  id: string;
  project_id: string;
  name: string;
  description: string | null;
  settings: Json<Record<string, unknown>>;
  created_by: string | null;
  created_at: CreatedAt;
  updated_at: CreatedAt;
};

export type JobSchedulesTable = {
  id: string;
  project_id: string;
  job_id: string;
  name: string;
  cron: string;
  time_zone: string;
  enabled: Generated<boolean>;
  catch_up: Generated<'one' | 'none'>;
  next_at: Timestamp | null;
  created_at: CreatedAt;
  updated_at: CreatedAt;
};

export type JobScheduleRunsTable = { schedule_id: string; due_at: Timestamp; project_id: string; job_id: string | null; ran_at: Timestamp };
