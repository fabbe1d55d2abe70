-- Responses that callers asked to be stored, as they were given them, and the input of each.
create table responses (
  project_id text not null references projects (id) on delete cascade,
  -- A provider's own id where the provider speaks the dialect: unique in no more than a project.
  id text not null,
  previous_id text,
  input json not null,
  response json not null,
  -- Of one in the background: the stream that its events are kept in, and whether it still goes on.
  stream_id text,
  running boolean not null default false,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  primary key (project_id, id)
);
create index responses_expiry on responses (expires_at);

alter table responses enable row level security, force row level security;
create policy own_project on responses
  using (project_id = (select current_setting('sluice.project', true)) or (select may_touch('*')));
