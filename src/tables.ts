import type { ColumnType } from 'kysely';

/** The rows of every table, as the driver reads and takes them. The tables themselves are in migrations/. */
export type Database = {
  projects: ProjectsTable;
  users: UsersTable;
  sessions: SessionsTable;
  refresh_tokens: RefreshTokensTable;
  templates: TemplatesTable;
};

/** timestamptz: a Date when read, a Date or an ISO string when written. */
type Timestamp = ColumnType<Date, Date | string, Date | string>;
/** timestamptz with a default. */
type CreatedAt = ColumnType<Date, Date | string | undefined, Date | string>;
/** jsonb or json: parsed when read, JSON text when written. */
type Json<T> = ColumnType<T, string, string>;

type ProjectsTable = { id: string; name: string; created_at: CreatedAt };

type UsersTable = {
  id: string;
  username: string;
  password_hash: string;
  /** Where the password came from: `env` follows ADMIN_PASSWORD until somebody changes it through the API. */
  password_source: 'env' | 'generated' | 'user';
  role: 'admin' | 'member' | 'viewer';
  project_id: string;
  disabled_at: Timestamp | null;
  created_at: CreatedAt;
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
