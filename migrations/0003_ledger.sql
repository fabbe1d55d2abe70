-- One row for each model call, written once. All totals, anywhere, are sums of it. Partitioned by month; retention drops partitions.
create table ledger (
  id text not null,
  -- When the call began. Follows from the id's own time where the id is given again, so that the key below holds.
  at timestamptz not null,
  request_id text not null,
  -- The first call of the same request, which may make several: itself for the first.
  root_id text not null,
  project_id text not null,
  user_id text,
  key_id text,
  route text not null,
  template_id text,
  job_id text,
  -- As the caller named it; null where it named none.
  asked_model text,
  provider text not null,
  model text not null,
  -- ok: whole · left: the caller went · cut: it broke off · failed: no piece came · lost: the process died meanwhile, and the worst case is charged
  outcome text not null check (outcome in ('ok', 'left', 'cut', 'failed', 'lost')),
  error_code text,
  cache text not null check (cache in ('HIT', 'MISS', 'BYPASS')),
  streamed boolean not null,
  input_tokens integer not null,
  cached_input_tokens integer not null,
  output_tokens integer not null,
  reasoning_tokens integer not null,
  max_tokens integer,
  -- Tokens counted by us, or a price assumed.
  estimated boolean not null,
  cost_nano_usd bigint not null check (cost_nano_usd >= 0),
  -- What a hit of the cache would have cost.
  saved_nano_usd bigint not null check (saved_nano_usd >= 0),
  queue_ms real not null,
  first_piece_ms real,
  upstream_ms real not null,
  -- Attempts that failed before the one that counts: [{"provider", "model", "fault", "status", "ms"}]
  failures jsonb,
  -- Equal for equal requests: finds repeats.
  request_hash text,
  primary key (id, at)
) partition by range (at);
create index ledger_project on ledger (project_id, at desc, id desc) where id = root_id;
create index ledger_root on ledger (root_id);
create index ledger_request on ledger (project_id, request_id);

-- The same sums by quarter of an hour, which is what every time zone's day is made of. Written in the statement that writes the ledger.
create table usage_quarters (
  bucket timestamptz not null,
  project_id text not null,
  -- '' is none.
  user_id text not null,
  key_id text not null,
  provider text not null,
  model text not null,
  template_id text not null,
  route text not null,
  job_id text not null,
  calls bigint not null,
  failed_calls bigint not null,
  cached_calls bigint not null,
  estimated_calls bigint not null,
  input_tokens bigint not null,
  cached_input_tokens bigint not null,
  output_tokens bigint not null,
  reasoning_tokens bigint not null,
  cost_nano_usd bigint not null,
  saved_nano_usd bigint not null,
  primary key (project_id, bucket, model, provider, key_id, user_id, route, template_id, job_id)
);

-- Texts of calls, only where the configuration says to keep them. Partitioned by day.
create table call_bodies (
  id text not null,
  at timestamptz not null,
  project_id text not null,
  request jsonb not null,
  response jsonb,
  primary key (id, at)
) partition by range (at);

alter table ledger enable row level security, force row level security;
create policy own_project on ledger using (may_touch(project_id));
alter table usage_quarters enable row level security, force row level security;
create policy own_project on usage_quarters using (may_touch(project_id));
alter table call_bodies enable row level security, force row level security;
create policy own_project on call_bodies using (may_touch(project_id));

-- The processes that hold money. One that has not been seen for a while is dead, and what it held is free again.
create table processes (
  id text primary key,
  started_at timestamptz not null default now(),
  seen_at timestamptz not null default now()
);

-- What was spent of a budget in one day, month or in total, and what processes hold of it. spent + leased never exceeds the budget.
create table budget_windows (
  -- `key:key_…`, `user:user_…`, `project:default`
  scope text not null,
  period text not null check (period in ('day', 'month', 'total')),
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  spent_nano_usd bigint not null check (spent_nano_usd >= 0),
  leased_nano_usd bigint not null default 0 check (leased_nano_usd >= 0),
  primary key (scope, period, starts_at)
);

create table budget_leases (
  scope text not null,
  period text not null,
  starts_at timestamptz not null,
  process_id text not null references processes (id),
  nano_usd bigint not null check (nano_usd >= 0),
  primary key (scope, period, starts_at, process_id),
  foreign key (scope, period, starts_at) references budget_windows (scope, period, starts_at) on delete cascade
);
create index budget_leases_process on budget_leases (process_id);
