-- Row-level security: a transaction that says `sluice.project` sees and writes the rows of that project alone. Without it, or with '*', it is
-- the service's own work for all projects. The service's role owns the tables, so that it has to be forced.
create function may_touch(owner text) returns boolean
  language sql stable parallel safe
  return coalesce(nullif(current_setting('sluice.project', true), ''), '*') in ('*', owner);

-- A project has one budget, and so has each of its users and keys. `budget_nano_usd` null is no budget.
alter table projects
  add column time_zone text not null default 'UTC',
  add column budget_nano_usd bigint check (budget_nano_usd >= 0),
  add column budget_period text check (budget_period in ('day', 'month', 'total')),
  add column updated_at timestamptz not null default now(),
  add constraint projects_budget check ((budget_nano_usd is null) = (budget_period is null));

alter table users
  add column rpm integer check (rpm > 0),
  add column tpm integer check (tpm > 0),
  add column max_parallel integer check (max_parallel > 0),
  add column budget_nano_usd bigint check (budget_nano_usd >= 0),
  add column budget_period text check (budget_period in ('day', 'month', 'total')),
  add column updated_at timestamptz not null default now(),
  add constraint users_budget check ((budget_nano_usd is null) = (budget_period is null));
create index users_project on users (project_id);

create table api_keys (
  id text primary key,
  project_id text not null references projects (id) on delete cascade,
  -- Whose key it is: its calls count for this user too. Null for one of the project itself.
  user_id text references users (id) on delete set null,
  name text not null,
  -- What people tell it by: `sk-sluice-` and the first characters of the newest secret.
  prefix text not null,
  expires_at timestamptz,
  revoked_at timestamptz,
  -- Null is every one.
  allowed_models text[],
  allowed_routes text[],
  rpm integer check (rpm > 0),
  tpm integer check (tpm > 0),
  max_parallel integer check (max_parallel > 0),
  budget_nano_usd bigint check (budget_nano_usd >= 0),
  budget_period text check (budget_period in ('day', 'month', 'total')),
  created_by text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  last_used_at timestamptz,
  constraint api_keys_budget check ((budget_nano_usd is null) = (budget_period is null))
);
create index api_keys_project on api_keys (project_id, id);

-- A key has one secret, and while it is being rotated two. Kept is an HMAC under a pepper that is not in the database.
create table api_key_secrets (
  hash text primary key,
  key_id text not null references api_keys (id) on delete cascade,
  created_at timestamptz not null default now(),
  -- Set by a rotation: until then the one before goes on working.
  expires_at timestamptz
);
create index api_key_secrets_key on api_key_secrets (key_id);

-- Who changed what. Never holds a secret.
create table audit_events (
  id text primary key,
  at timestamptz not null default now(),
  project_id text not null,
  actor_kind text not null check (actor_kind in ('user', 'key', 'anonymous', 'system')),
  actor_id text,
  actor_name text,
  address text,
  request_id text,
  -- `key.create`, `user.update`, …
  action text not null,
  target_id text not null,
  before jsonb,
  after jsonb
);
create index audit_events_project on audit_events (project_id, id);

-- What was answered under an Idempotency-Key. `caller` keeps the anonymous apart, who share a project.
create table idempotency_keys (
  project_id text not null references projects (id) on delete cascade,
  caller text not null,
  method text not null,
  path text not null,
  key text not null,
  -- SHA-256 of what was asked.
  fingerprint text not null,
  -- The process that works on it; null when it is done.
  process_id text,
  -- Its first model call: a second run of the same key has the same ids, so that it is charged once.
  root_id text not null,
  status integer,
  headers jsonb,
  body bytea,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  primary key (project_id, caller, method, path, key)
);
create index idempotency_keys_expiry on idempotency_keys (expires_at);

alter table templates enable row level security, force row level security;
create policy own_project on templates using (may_touch(project_id));
alter table api_keys enable row level security, force row level security;
create policy own_project on api_keys using (may_touch(project_id));
alter table audit_events enable row level security, force row level security;
create policy own_project on audit_events using (may_touch(project_id));
alter table idempotency_keys enable row level security, force row level security;
create policy own_project on idempotency_keys using (may_touch(project_id));
