import type { ColumnType, Generated } from 'kysely';
import type { Principal } from './contract/policy.ts';
import type { Price } from './core/provider.ts';

/**
 * The rows of every table, as the driver reads and takes them. The tables themselves are in migrations/. What belongs to projects can be
 * reached through `App.inProject` alone, which says for which one: without it there is no type that has these tables.
 */
export type ProjectTables = {
  templates: TemplatesTable;
  api_keys: ApiKeysTable;
  audit_events: AuditEventsTable;
  idempotency_keys: IdempotencyKeysTable;
  ledger: LedgerTable;
  usage_quarters: UsageQuartersTable;
  call_bodies: CallBodiesTable;
  streams: StreamsTable;
  stream_events: StreamEventsTable;
  responses: ResponsesTable;
  files: FilesTable;
  batch_jobs: BatchJobsTable;
  batch_requests: BatchRequestsTable;
  batch_responses: BatchResponsesTable;
  batch_provider_batches: BatchProviderBatchesTable;
  batch_provider_lines: BatchProviderLinesTable;
  job_templates: JobTemplatesTable;
  job_schedules: JobSchedulesTable;
  job_schedule_runs: JobScheduleRunsTable;
  webhook_events: WebhookEventsTable;
  webhook_endpoints: WebhookEndpointsTable;
  webhook_deliveries: WebhookDeliveriesTable;
};

/** The service's own: who there is, who signed in, and what processes hold. */
export type Database = {
  projects: ProjectsTable;
  users: UsersTable;
  sessions: SessionsTable;
  refresh_tokens: RefreshTokensTable;
  api_key_secrets: ApiKeySecretsTable;
  processes: ProcessesTable;
  budget_windows: BudgetWindowsTable;
  budget_leases: BudgetLeasesTable;
  unkept_blobs: UnkeptBlobsTable;
  job_workers: JobWorkersTable;
};

export type ProjectDatabase = Database & ProjectTables;

/** timestamptz: a Date when read, a Date or an ISO string when written. */
type Timestamp = ColumnType<Date, Date | string, Date | string>;
/** timestamptz with a default. */
type CreatedAt = ColumnType<Date, Date | string | undefined, Date | string>;
/** jsonb or json: parsed when read, JSON text when written. */
type Json<T> = ColumnType<T, string, string>;

type Budgeted = { budget_nano_usd: Generated<number | null>; budget_period: Generated<'day' | 'month' | 'total' | null> };
type Limited = { rpm: Generated<number | null>; tpm: Generated<number | null>; max_parallel: Generated<number | null> };

type ProjectsTable = Budgeted & { id: string; name: string; time_zone: Generated<string>; created_at: CreatedAt; updated_at: CreatedAt };

type UsersTable = Budgeted &
  Limited & {
    id: string;
    username: string;
    password_hash: string;
    /** Where the password came from: `env` follows ADMIN_PASSWORD until somebody changes it through the API. */
    password_source: 'env' | 'generated' | 'user';
    role: 'admin' | 'member' | 'viewer';
    project_id: string;
    disabled_at: Timestamp | null;
    created_at: CreatedAt;
    updated_at: CreatedAt;
  };

/** A sign-in: every refresh token descends from one, and an access token lives no longer than it. */
type SessionsTable = {
  id: string;
  user_id: string;
  created_at: CreatedAt;
  expires_at: Timestamp;
  revoked_at: Timestamp | null;
};

type RefreshTokensTable = {
  /** SHA-256 of the token, hex. */
  hash: string;
  session_id: string;
  created_at: CreatedAt;
  used_at: Timestamp | null;
};

type TemplatesTable = {
  project_id: string;
  /** The id without its version: `summarize`. */
  name: string;
  version: number;
  body: Json<Record<string, unknown>>;
  created_by: string | null;
  created_at: CreatedAt;
  deleted_at: Timestamp | null;
};

type ApiKeysTable = Budgeted &
  Limited & {
    id: string;
    project_id: string;
    user_id: string | null;
    name: string;
    prefix: string;
    expires_at: Timestamp | null;
    revoked_at: Timestamp | null;
    allowed_models: string[] | null;
    allowed_routes: string[] | null;
    created_by: string | null;
    created_at: CreatedAt;
    updated_at: CreatedAt;
    last_used_at: Timestamp | null;
  };

type ApiKeySecretsTable = {
  /** HMAC-SHA256 of the secret under the pepper, base64url. */
  hash: string;
  key_id: string;
  created_at: CreatedAt;
  expires_at: Timestamp | null;
};

type AuditEventsTable = {
  id: string;
  at: CreatedAt;
  project_id: string;
  actor_kind: 'user' | 'key' | 'anonymous' | 'system';
  actor_id: string | null;
  actor_name: string | null;
  address: string | null;
  request_id: string | null;
  action: string;
  target_id: string;
  before: Json<Record<string, unknown>> | null;
  after: Json<Record<string, unknown>> | null;
};

type IdempotencyKeysTable = {
  project_id: string;
  caller: string;
  method: string;
  path: string;
  key: string;
  fingerprint: string;
  process_id: string | null;
  root_id: string;
  status: number | null;
  headers: Json<Record<string, string>> | null;
  body: Buffer | null;
  cut: Generated<boolean>;
  created_at: Timestamp;
  expires_at: Timestamp;
};

type LedgerTable = {
  id: string;
  at: Timestamp;
  request_id: string;
  root_id: string;
  project_id: string;
  user_id: string | null;
  key_id: string | null;
  route: string;
  template_id: string | null;
  job_id: string | null;
  asked_model: string | null;
  provider: string;
  model: string;
  outcome: 'ok' | 'left' | 'cut' | 'failed' | 'lost';
  error_code: string | null;
  cache: 'HIT' | 'MISS' | 'BYPASS';
  streamed: boolean;
  input_tokens: number;
  cached_input_tokens: number;
  output_tokens: number;
  reasoning_tokens: number;
  max_tokens: number | null;
  estimated: boolean;
  cost_nano_usd: number;
  saved_nano_usd: number;
  queue_ms: number;
  first_piece_ms: number | null;
  upstream_ms: number;
  failures: Json<readonly Record<string, unknown>[]> | null;
  request_hash: string | null;
};

type UsageQuartersTable = {
  bucket: Timestamp;
  project_id: string;
  user_id: string;
  key_id: string;
  provider: string;
  model: string;
  template_id: string;
  route: string;
  job_id: string;
  calls: number;
  failed_calls: number;
  cached_calls: number;
  estimated_calls: number;
  input_tokens: number;
  cached_input_tokens: number;
  output_tokens: number;
  reasoning_tokens: number;
  cost_nano_usd: number;
  saved_nano_usd: number;
};

type CallBodiesTable = { id: string; at: Timestamp; project_id: string; request: Json<unknown>; response: Json<unknown> | null };

type ResponsesTable = {
  project_id: string;
  id: string;
  previous_id: string | null;
  input: Json<readonly Record<string, unknown>[]>;
  response: Json<Record<string, unknown>>;
  stream_id: string | null;
  running: Generated<boolean>;
  created_at: Timestamp;
  expires_at: Timestamp;
};

type FilesTable = {
  id: string;
  project_id: string;
  purpose: string;
  filename: string;
  bytes: number;
  sha256: string;
  created_at: Timestamp;
  expires_at: Timestamp | null;
};

type UnkeptBlobsTable = { id: string; remove_at: Timestamp };

type ProcessesTable = { id: string; started_at: CreatedAt; seen_at: CreatedAt };

type BudgetWindowsTable = {
  scope: string;
  period: 'day' | 'month' | 'total';
  starts_at: Timestamp;
  ends_at: Timestamp;
  spent_nano_usd: number;
  leased_nano_usd: Generated<number>;
};
type BudgetLeasesTable = { scope: string; period: 'day' | 'month' | 'total'; starts_at: Timestamp; process_id: string; nano_usd: number };

type StreamsTable = {
  id: string;
  project_id: string;
  caller: string;
  surface: 'native' | 'openai' | 'anthropic';
  request_id: string;
  /** Until when it is certain that somebody works on it; null once it is over. */
  alive_until: Timestamp | null;
  cancelled: Generated<boolean>;
  expires_at: Timestamp;
};

type StreamEventsTable = { stream_id: string; project_id: string; last_number: number; events: string[] };

export type JobStatus = 'pending' | 'validating' | 'in_progress' | 'finalizing' | 'completed' | 'completed_with_errors' | 'failed' | 'cancelled' | 'expired';

type BatchJobsTable = {
  id: string;
  project_id: string;
  creator: Json<{ readonly kind: 'user' | 'key' | 'anonymous'; readonly id: string | null }>;
  surface: Generated<'native' | 'openai'>;
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
  output_tokens: Generated<number>;
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

type BatchRequestsTable = {
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

type JobWorkersTable = { id: string; started_at: CreatedAt; alive_until: Timestamp };

type BatchResponsesTable = {
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

type BatchProviderBatchesTable = {
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

type BatchProviderLinesTable = { provider_batch_id: string; line: number; project_id: string; text: string; worst_nano_usd: number };

type WebhookEventsTable = {
  id: string;
  project_id: string;
  type: string;
  subject_id: string;
  url: string | null;
  created_at: CreatedAt;
  spread_at: Timestamp | null;
};

type WebhookEndpointsTable = {
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

type WebhookDeliveriesTable = {
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

/** One try to tell somebody of an event. */
type DeliveryAttempt = {
  readonly at: string;
  readonly status: number | null;
  readonly error: string | null;
  readonly duration_ms: number;
  readonly answer: string | null;
};

type JobTemplatesTable = {
  id: string;
  project_id: string;
  name: string;
  description: string | null;
  settings: Json<Record<string, unknown>>;
  created_by: string | null;
  created_at: CreatedAt;
  updated_at: CreatedAt;
};

type JobSchedulesTable = {
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

type JobScheduleRunsTable = { schedule_id: string; due_at: Timestamp; project_id: string; job_id: string | null; ran_at: Timestamp };
