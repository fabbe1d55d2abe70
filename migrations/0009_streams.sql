-- Streams that can be taken up again: each event as it was sent, in groups as they were written.
create table streams (
  id text primary key,
  project_id text not null references projects (id) on delete cascade,
  -- Who began it, and who alone may go on with it: `key:key_…`, `user:usr_…`, `address:…`
  caller text not null,
  -- In whose words it speaks.
  surface text not null check (surface in ('native', 'openai', 'anthropic')),
  request_id text not null,
  -- Until when it is certain that somebody works on it; null once it is over.
  alive_until timestamptz,
  cancelled boolean not null default false,
  expires_at timestamptz not null
);
create index streams_expiry on streams (expires_at);

create table stream_events (
  stream_id text not null references streams (id) on delete cascade,
  project_id text not null,
  -- The number of the last event of the group; the first of a stream is 1.
  last_number integer not null,
  events text[] not null,
  primary key (stream_id, last_number)
);

alter table streams enable row level security, force row level security;
create policy own_project on streams
  using (project_id = (select current_setting('sluice.project', true)) or (select may_touch('*')));
alter table stream_events enable row level security, force row level security;
create policy own_project on stream_events
  using (project_id = (select current_setting('sluice.project', true)) or (select may_touch('*')));
