-- Who runs rows of jobs. One that has not said for a while that it lives is dead, and what it had claimed is taken back.
create table job_workers (
  id text primary key,
  started_at timestamptz not null default now(),
  alive_until timestamptz not null
);

alter table batch_requests
  -- When its latest attempt began, for the first time: its call in the ledger has this time, and whoever runs it again after a crash gives it again.
  add column ran_at timestamptz;
-- Over which workers died more than once: each runs by itself, until it is clear which of them it was.
create index batch_requests_suspect on batch_requests (job_id, line) where state = 'waiting' and crashes > 1;

-- A job has a budget too: a new window of one is opened with what its calls have cost so far.
create index usage_quarters_job on usage_quarters (job_id) where job_id <> '';

create or replace function open_window(asked_scope text, asked_period text, asked_start timestamptz, asked_end timestamptz) returns void
  language plpgsql as $$
declare
  kind text := split_part(asked_scope, ':', 1);
  owner text := substr(asked_scope, strpos(asked_scope, ':') + 1);
begin
  perform pg_advisory_xact_lock(7510419);
  insert into budget_windows (scope, period, starts_at, ends_at, spent_nano_usd)
  select asked_scope, asked_period, asked_start, asked_end,
    case kind when 'job' then
      (select coalesce(sum(cost_nano_usd), 0) from usage_quarters where job_id = owner and job_id <> '' and bucket >= asked_start and bucket < asked_end)
    else
      (select coalesce(sum(cost_nano_usd), 0) from usage_quarters
      where bucket >= asked_start and bucket < asked_end
        and case kind when 'project' then project_id when 'user' then user_id else key_id end = owner)
    end
  on conflict do nothing;
end $$;

create or replace function count_calls(process text, calls ledger[], sign integer) returns void
  language plpgsql as $$
declare
  spend record;
begin
  insert into usage_quarters as u
  select date_bin('15 minutes', c.at, 'epoch'), c.project_id, coalesce(c.user_id, ''), coalesce(c.key_id, ''), c.provider, c.model,
    coalesce(c.template_id, ''), c.route, coalesce(c.job_id, ''),
    sign * count(*), sign * count(*) filter (where c.outcome in ('failed', 'cut', 'lost')), sign * count(*) filter (where c.cache = 'HIT'),
    sign * count(*) filter (where c.estimated), sign * sum(c.input_tokens), sign * sum(c.cached_input_tokens), sign * sum(c.output_tokens),
    sign * sum(c.reasoning_tokens), sign * sum(c.cost_nano_usd), sign * sum(c.saved_nano_usd)
  from unnest(calls) c
  group by 1, 2, 3, 4, 5, 6, 7, 8, 9
  order by 1, 2, 3, 4, 5, 6, 7, 8, 9
  on conflict (project_id, bucket, model, provider, key_id, user_id, route, template_id, job_id) do update set
    calls = u.calls + excluded.calls,
    failed_calls = u.failed_calls + excluded.failed_calls,
    cached_calls = u.cached_calls + excluded.cached_calls,
    estimated_calls = u.estimated_calls + excluded.estimated_calls,
    input_tokens = u.input_tokens + excluded.input_tokens,
    cached_input_tokens = u.cached_input_tokens + excluded.cached_input_tokens,
    output_tokens = u.output_tokens + excluded.output_tokens,
    reasoning_tokens = u.reasoning_tokens + excluded.reasoning_tokens,
    cost_nano_usd = u.cost_nano_usd + excluded.cost_nano_usd,
    saved_nano_usd = u.saved_nano_usd + excluded.saved_nano_usd;

  for spend in
    select w.scope, w.period, w.starts_at, sum(c.cost_nano_usd) as nano_usd
    from unnest(calls) c
    join budget_windows w on w.scope in ('project:' || c.project_id, 'user:' || c.user_id, 'key:' || c.key_id, 'job:' || c.job_id)
      and c.at >= w.starts_at and c.at < w.ends_at
    where c.cost_nano_usd > 0
    group by 1, 2, 3
    order by 1, 2, 3
  loop
    if sign > 0 then
      perform return_budget(process, spend.scope, spend.period, spend.starts_at, spend.nano_usd::bigint);
    end if;
    update budget_windows set spent_nano_usd = greatest(0, spent_nano_usd + sign * spend.nano_usd)
    where scope = spend.scope and period = spend.period and starts_at = spend.starts_at;
  end loop;
end $$;
