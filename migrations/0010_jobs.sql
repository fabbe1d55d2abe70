-- Jobs: many calls that run by themselves. The rows are the truth: whoever works on them, and however often it dies, each request ends with one
-- row in batch_responses.
create table batch_jobs (
  id text primary key,
  project_id text not null references projects (id) on delete cascade,
  -- Whose calls they are, for ever: {"kind": "user" | "key" | "anonymous", "id"}
  creator json not null,
  -- In whose words it was made, and is shown: a job, or a batch of OpenAI's.
  surface text not null default 'native' check (surface in ('native', 'openai')),
  name text not null,
  description text,
  status text not null default 'pending' check (status in
    ('pending', 'validating', 'in_progress', 'finalizing', 'completed', 'completed_with_errors', 'failed', 'cancelled', 'expired')),
  -- Where a request goes: /v1/chat/completions, or /api/v1/generate with a template. What a request does not say, these say for it.
  endpoint text not null,
  model text,
  max_tokens integer,
  temperature double precision,
  template_id text,
  metadata json not null default '{}',
  -- What was asked for; what was chosen when it was submitted, and why.
  engine text not null default 'auto' check (engine in ('auto', 'provider_batch', 'direct')),
  chosen_engine text check (chosen_engine in ('provider_batch', 'direct')),
  engine_reason text,
  -- A pending job starts by itself with the next tick, unless it is on hold; not before this time, where there is one.
  hold boolean not null default false,
  not_before timestamptz,
  schedule json,
  schedule_id text,
  budget_nano_usd bigint,
  webhook_url text,
  input_file_id text,
  output_file_id text,
  error_file_id text,
  -- Sums over batch_responses, kept in the transactions that write those.
  total_requests integer not null default 0,
  completed_requests integer not null default 0,
  failed_requests integer not null default 0,
  input_tokens bigint not null default 0,
  output_tokens bigint not null default 0,
  cost_nano_usd bigint not null default 0,
  saved_nano_usd bigint not null default 0,
  error json,
  cancel_asked_at timestamptz,
  -- After it, what has no outcome expires.
  expires_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  submitted_at timestamptz,
  started_at timestamptz,
  completed_at timestamptz,
  -- Hidden from its owner at once; its rows go in pieces.
  deleted_at timestamptz,
  -- Who moves it from one state to the next: one at a time, and nobody for longer than this.
  keeper text,
  kept_until timestamptz
);
create index batch_jobs_by_project on batch_jobs (project_id, id desc) where deleted_at is null;
create index batch_jobs_open on batch_jobs (id) where status in ('pending', 'validating', 'in_progress', 'finalizing');
create index batch_jobs_deleted on batch_jobs (deleted_at) where deleted_at is not null;

create table batch_requests (
  job_id text not null references batch_jobs (id) on delete cascade,
  -- 1, 2, 3 in the order in which they came.
  line integer not null,
  project_id text not null,
  custom_id text not null,
  body json not null,
  -- `done` has its row in batch_responses, whether it went well or not.
  state text not null default 'waiting' check (state in ('waiting', 'running', 'done')),
  -- Attempts after the first, those of a retry of the job included.
  retry_count integer not null default 0,
  -- How often a worker died over it.
  crashes integer not null default 0,
  not_before timestamptz,
  -- While it runs: the worker, or the batch at a provider, that has it. Only from that one is its outcome taken.
  claimed_by text,
  primary key (job_id, line)
);
create unique index batch_requests_custom_id on batch_requests (job_id, custom_id);
create index batch_requests_waiting on batch_requests (job_id, line) where state = 'waiting';
create index batch_requests_claimed on batch_requests (claimed_by, job_id, line) where state = 'running';

create table batch_responses (
  job_id text not null references batch_jobs (id) on delete cascade,
  line integer not null,
  project_id text not null,
  custom_id text not null,
  -- Of the answer, in the words of the endpoint; null where nothing answered.
  status_code integer,
  -- Its call in the ledger.
  request_id text,
  response json,
  -- {"code", "message"}; null where it went well.
  error json,
  model text,
  provider text,
  input_tokens integer not null default 0,
  output_tokens integer not null default 0,
  cost_nano_usd bigint not null default 0,
  saved_nano_usd bigint not null default 0,
  retry_count integer not null default 0,
  created_at timestamptz not null default now(),
  primary key (job_id, line)
);
create index batch_responses_failed on batch_responses (job_id, line) where error is not null;

-- Batches at a provider, each written down before the provider hears of it.
create table batch_provider_batches (
  -- Ours, which the provider is told too: after a crash it says whether there is one already.
  id text primary key,
  job_id text not null references batch_jobs (id) on delete cascade,
  project_id text not null,
  provider text not null,
  model text not null,
  requests integer not null,
  step text not null default 'new' check (step in ('new', 'uploaded', 'created', 'ended', 'collected', 'failed')),
  upstream_id text,
  upstream_status text,
  input_file_id text,
  output_file_id text,
  error_file_id text,
  error json,
  -- When it is looked at next, and how often it was, or something about it went wrong.
  look_at timestamptz not null default now(),
  looks integer not null default 0,
  failures integer not null default 0,
  keeper text,
  kept_until timestamptz,
  created_at timestamptz not null default now(),
  ended_at timestamptz
);
create index batch_provider_batches_by_job on batch_provider_batches (job_id, id);
create index batch_provider_batches_open on batch_provider_batches (look_at) where step in ('new', 'uploaded', 'created', 'ended');

-- What happened and is to be told: written in the transaction in which it happened, delivered after.
create table webhook_events (
  id text primary key,
  project_id text not null references projects (id) on delete cascade,
  type text not null,
  -- What it is about: `job_…`, `batch_…`
  subject_id text not null,
  -- Told to this address too, besides the endpoints that the project has.
  url text,
  created_at timestamptz not null default now(),
  -- Null until it is known who is to be told.
  spread_at timestamptz
);
create index webhook_events_new on webhook_events (id) where spread_at is null;

do $$
declare
  owned text;
begin
  foreach owned in array array['batch_jobs', 'batch_requests', 'batch_responses', 'batch_provider_batches', 'webhook_events'] loop
    execute format('alter table %I enable row level security, force row level security', owned);
    execute format($policy$create policy own_project on %I
      using (project_id = (select current_setting('sluice.project', true)) or (select may_touch('*')))$policy$, owned);
  end loop;
end $$;
