import type { Generated } from 'kysely';
import type { CreatedAt, Json, Timestamp } from './columns.ts';

export type TemplatesTable = {
  project_id: string;
  /** The id without its version: `summarize`. */
  name: string;
  version: number;
  body: Json<Record<string, unknown>>;
  created_by: string | null;
  created_at: CreatedAt;
  deleted_at: Timestamp | null;
};

export type IdempotencyKeysTable = {
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

export type LedgerTable = {
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

export type UsageQuartersTable = {
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

export type CallBodiesTable = { id: string; at: Timestamp; project_id: string; request: Json<unknown>; response: Json<unknown> | null };

export type ResponsesTable = {
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

export type FilesTable = {
  id: string;
  project_id: string;
  purpose: string;
  filename: string;
  bytes: number;
  sha256: string;
  created_at: Timestamp;
  expires_at: Timestamp | null;
};

export type UnkeptBlobsTable = { id: string; remove_at: Timestamp };

export type ProcessesTable = { id: string; started_at: CreatedAt; seen_at: CreatedAt };

export type BudgetWindowsTable = {
  scope: string;
  period: 'day' | 'month' | 'total';
  starts_at: Timestamp;
  ends_at: Timestamp;
  spent_nano_usd: number;
  leased_nano_usd: Generated<number>;
};

export type BudgetLeasesTable = { scope: string; period: 'day' | 'month' | 'total'; starts_at: Timestamp; process_id: string; nano_usd: number };

export type StreamsTable = {
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

export type StreamEventsTable = { stream_id: string; project_id: string; last_number: number; events: string[] };
