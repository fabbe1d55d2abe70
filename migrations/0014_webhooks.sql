-- Where a project wants to be told what happened, and each telling until it was heard.
create table webhook_endpoints (
  id text primary key,
  project_id text not null references projects (id) on delete cascade,
  url text not null,
  description text,
  -- Null is every one.
  events text[],
  -- Sealed; the one before is signed with too, until its time is over.
  secret bytea not null,
  old_secret bytea,
  old_secret_until timestamptz,
  disabled_at timestamptz,
  disabled_reason text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index webhook_endpoints_by_project on webhook_endpoints (project_id, id desc);

create table webhook_deliveries (
  id text primary key,
  project_id text not null references projects (id) on delete cascade,
  event_id text not null references webhook_events (id) on delete cascade,
  -- Null for the address that a job itself names.
  endpoint_id text references webhook_endpoints (id) on delete cascade,
  url text not null,
  state text not null default 'waiting' check (state in ('waiting', 'delivered', 'failed')),
  tries integer not null default 0,
  -- While somebody tries, when another one may.
  next_try_at timestamptz not null,
  -- The latest tries, the last one last.
  attempts json not null default '[]',
  created_at timestamptz not null default now(),
  ended_at timestamptz
);
create index webhook_deliveries_due on webhook_deliveries (next_try_at) where state = 'waiting';
create index webhook_deliveries_by_project on webhook_deliveries (project_id, id desc);
create index webhook_deliveries_by_event on webhook_deliveries (event_id);
create index webhook_deliveries_by_endpoint on webhook_deliveries (endpoint_id);
create index webhook_events_by_age on webhook_events (created_at);

do $$
declare
  owned text;
begin
  foreach owned in array array['webhook_endpoints', 'webhook_deliveries'] loop
    execute format('alter table %I enable row level security, force row level security', owned);
    execute format($policy$create policy own_project on %I
      using (project_id = (select current_setting('sluice.project', true)) or (select may_touch('*')))$policy$, owned);
  end loop;
end $$;
