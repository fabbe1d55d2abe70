import type { Generated } from 'kysely';
import type { CreatedAt, Json, Timestamp } from './columns.ts';

type Budgeted = { budget_nano_usd: Generated<number | null>; budget_period: Generated<'day' | 'month' | 'total' | null> };

type Limited = { rpm: Generated<number | null>; tpm: Generated<number | null>; max_parallel: Generated<number | null> };

export type ProjectsTable = Budgeted & { id: string; name: string; time_zone: Generated<string>; created_at: CreatedAt; updated_at: CreatedAt };

export type UsersTable = Budgeted &
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
export type SessionsTable = {
  id: string;
  user_id: string;
  created_at: CreatedAt;
  expires_at: Timestamp;
  revoked_at: Timestamp | null;
};

export type RefreshTokensTable = {
  /** SHA-256 of the token, hex. */
  hash: string;
  session_id: string;
  created_at: CreatedAt;
  used_at: Timestamp | null;
};

export type ApiKeysTable = Budgeted &
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

export type ApiKeySecretsTable = {
  /** HMAC-SHA256 of the secret under the pepper, base64url. */
  hash: string;
  key_id: string;
  created_at: CreatedAt;
  expires_at: Timestamp | null;
};

export type AuditEventsTable = {
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
