import type {
  BudgetLeasesTable,
  BudgetWindowsTable,
  CallBodiesTable,
  FilesTable,
  IdempotencyKeysTable,
  LedgerTable,
  ProcessesTable,
  ResponsesTable,
  StreamEventsTable,
  StreamsTable,
  TemplatesTable,
  UnkeptBlobsTable,
  UsageQuartersTable,
} from './tables/calls.ts';
import type {
  BatchJobsTable,
  BatchProviderBatchesTable,
  BatchProviderLinesTable,
  BatchRequestsTable,
  BatchResponsesTable,
  JobScheduleRunsTable,
  JobSchedulesTable,
  JobTemplatesTable,
  JobWorkersTable,
} from './tables/jobs.ts';
import type { ApiKeySecretsTable, ApiKeysTable, AuditEventsTable, ProjectsTable, RefreshTokensTable, SessionsTable, UsersTable } from './tables/people.ts';
import type { WebhookDeliveriesTable, WebhookEndpointsTable, WebhookEventsTable } from './tables/webhooks.ts';

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
