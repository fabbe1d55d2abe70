-- Settings of jobs that are used again.
create table job_templates (
  id text primary key,
  project_id text not null references projects (id) on delete cascade,
  name text not null,
  description text,
  settings json not null,
  created_by text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index job_templates_by_project on job_templates (project_id, id desc);

-- Jobs that are run again and again: each time, of a job as it stands then, a copy.
create table job_schedules (
  id text primary key,
  project_id text not null references projects (id) on delete cascade,
  job_id text not null references batch_jobs (id) on delete cascade,
  name text not null,
  cron text not null,
  time_zone text not null,
  enabled boolean not null default true,
  -- What is missed while nothing runs is made up for by one run, or by none.
  catch_up text not null default 'one' check (catch_up in ('one', 'none')),
  next_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index job_schedules_due on job_schedules (next_at) where enabled;
create index job_schedules_by_project on job_schedules (project_id, id desc);
create index job_schedules_by_job on job_schedules (job_id);

-- The key is what makes a run one, whoever is at it.
create table job_schedule_runs (
  schedule_id text not null references job_schedules (id) on delete cascade,
  due_at timestamptz not null,
  project_id text not null,
  -- Null where there was nothing to run.
  job_id text,
  ran_at timestamptz not null,
  primary key (schedule_id, due_at)
);

do $$
declare
  owned text;
begin
  foreach owned in array array['job_templates', 'job_schedules', 'job_schedule_runs'] loop
    execute format('alter table %I enable row level security, force row level security', owned);
    execute format($policy$create policy own_project on %I
      using (project_id = (select current_setting('sluice.project', true)) or (select may_touch('*')))$policy$, owned);
  end loop;
end $$;
