create table projects (
  id text primary key,
  name text not null,
  created_at timestamptz not null default now()
);
insert into projects (id, name) values ('default', 'Default');

create table users (
  id text primary key,
  username text not null,
  password_hash text not null,
  password_source text not null check (password_source in ('env', 'generated', 'user')),
  role text not null check (role in ('admin', 'member', 'viewer')),
  project_id text not null references projects (id),
  disabled_at timestamptz,
  created_at timestamptz not null default now()
);
-- Names are compared without regard to case, so that Admin and admin are one account.
create unique index users_username on users (lower(username));

create table sessions (
  id text primary key,
  user_id text not null references users (id) on delete cascade,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  revoked_at timestamptz
);
create index sessions_user on sessions (user_id);

create table refresh_tokens (
  hash text primary key,
  session_id text not null references sessions (id) on delete cascade,
  created_at timestamptz not null default now(),
  used_at timestamptz
);
create index refresh_tokens_session on refresh_tokens (session_id);

-- A version never changes; deleting one hides it, and its number is not given again.
-- The body is json, not jsonb: the order of its parameters is the order in which people see and fill them in.
create table templates (
  project_id text not null references projects (id),
  name text not null,
  version integer not null check (version > 0),
  body json not null,
  created_by text,
  created_at timestamptz not null default now(),
  deleted_at timestamptz,
  primary key (project_id, name, version)
);
