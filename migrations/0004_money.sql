-- What a window of a budget has spent is kept beside the ledger, and is the sum of its rows. A new window is opened with the sum so far: while
-- that is taken, no rows may be entered, which this lock is for. Entering shares it.
create function open_window(asked_scope text, asked_period text, asked_start timestamptz, asked_end timestamptz) returns void
  language plpgsql as $$
declare
  kind text := split_part(asked_scope, ':', 1);
  owner text := substr(asked_scope, strpos(asked_scope, ':') + 1);
begin
  perform pg_advisory_xact_lock(7510419);
  insert into budget_windows (scope, period, starts_at, ends_at, spent_nano_usd)
  select asked_scope, asked_period, asked_start, asked_end, coalesce(sum(cost_nano_usd), 0)
  from usage_quarters
  where bucket >= asked_start and bucket < asked_end
    and case kind when 'project' then project_id when 'user' then user_id else key_id end = owner
  on conflict do nothing;
end $$;

-- Hands a process money of a budget: all that its waiting calls need, or what is left of it, as long as that is enough for one of them
-- (`least_need`); and some more for the next ones (`extra`) while a quarter of the budget is free, so that few calls have to ask.
create function lease_budget(
  process text, asked_scope text, asked_period text, asked_start timestamptz, asked_end timestamptz,
  budget bigint, least_need bigint, need bigint, extra bigint
) returns table (granted bigint, spent bigint, leased bigint)
  language plpgsql as $$
declare
  room bigint;
begin
  loop
    select w.spent_nano_usd, w.leased_nano_usd into spent, leased from budget_windows w
    where w.scope = asked_scope and w.period = asked_period and w.starts_at = asked_start
    for update;
    exit when found;
    perform open_window(asked_scope, asked_period, asked_start, asked_end);
  end loop;
  room := budget - spent - leased;
  granted := case when room < least_need then 0 else least(need, room) end;
  if granted > 0 and room - granted - extra >= budget / 4 then
    granted := granted + extra;
  end if;
  if granted > 0 then
    update budget_windows w set leased_nano_usd = w.leased_nano_usd + granted
    where w.scope = asked_scope and w.period = asked_period and w.starts_at = asked_start;
    insert into budget_leases as l (scope, period, starts_at, process_id, nano_usd)
    values (asked_scope, asked_period, asked_start, process, granted)
    on conflict (scope, period, starts_at, process_id) do update set nano_usd = l.nano_usd + excluded.nano_usd;
  end if;
  return next;
end $$;

-- Takes back what a process holds and does not need: at most what it holds.
create function return_budget(process text, asked_scope text, asked_period text, asked_start timestamptz, amount bigint) returns bigint
  language plpgsql as $$
declare
  held bigint;
begin
  perform 1 from budget_windows where scope = asked_scope and period = asked_period and starts_at = asked_start for update;
  select nano_usd into held from budget_leases
  where scope = asked_scope and period = asked_period and starts_at = asked_start and process_id = process for update;
  if not found then
    return 0;
  end if;
  held := least(held, amount);
  update budget_leases set nano_usd = nano_usd - held
  where scope = asked_scope and period = asked_period and starts_at = asked_start and process_id = process;
  update budget_windows set leased_nano_usd = leased_nano_usd - held
  where scope = asked_scope and period = asked_period and starts_at = asked_start;
  return held;
end $$;

-- A process says how much of its lease it still needs; the rest is free. To say it twice does no harm.
create function keep_of_budget(process text, asked_scope text, asked_period text, asked_start timestamptz, needed bigint) returns bigint
  language plpgsql as $$
declare
  held bigint;
begin
  perform 1 from budget_windows where scope = asked_scope and period = asked_period and starts_at = asked_start for update;
  select nano_usd into held from budget_leases
  where scope = asked_scope and period = asked_period and starts_at = asked_start and process_id = process;
  return return_budget(process, asked_scope, asked_period, asked_start, greatest(0, coalesce(held, 0) - needed));
end $$;

-- A dead process gives back all it held.
create function bury_process(process text) returns void
  language plpgsql as $$
declare
  lease record;
begin
  for lease in select * from budget_leases where process_id = process order by scope, period, starts_at loop
    perform return_budget(process, lease.scope, lease.period, lease.starts_at, lease.nano_usd);
  end loop;
  delete from budget_leases where process_id = process;
  delete from processes where id = process;
end $$;

-- Adds to, or with -1 takes from, the sums by quarter and the windows of the budgets what these rows of the ledger cost.
create function count_calls(process text, calls ledger[], sign integer) returns void
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
    join budget_windows w on w.scope in ('project:' || c.project_id, 'user:' || c.user_id, 'key:' || c.key_id)
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

-- Enters calls into the ledger, each once, and counts those that were new. `calls` is an array of rows as JSON.
create function settle(process text, calls jsonb) returns integer
  language plpgsql as $$
declare
  -- What a row leaves out.
  blank ledger;
  entered ledger[];
begin
  blank.cached_input_tokens := 0;
  blank.reasoning_tokens := 0;
  blank.estimated := false;
  blank.saved_nano_usd := 0;
  perform pg_advisory_xact_lock_shared(7510419);
  with fresh as (
    insert into ledger
    select * from jsonb_populate_recordset(blank, calls)
    on conflict (id, at) do nothing
    returning ledger
  )
  select array_agg(fresh.ledger) into entered from fresh;
  if entered is null then
    return 0;
  end if;
  perform count_calls(process, entered, 1);
  return cardinality(entered);
end $$;

-- A call that was given up for lost is run anew under its id: what was charged for it goes first.
create function withdraw_lost(ids text[]) returns integer
  language plpgsql as $$
declare
  gone ledger[];
begin
  perform pg_advisory_xact_lock_shared(7510419);
  with removed as (delete from ledger where id = any (ids) and outcome = 'lost' returning ledger)
  select array_agg(removed.ledger) into gone from removed;
  if gone is null then
    return 0;
  end if;
  perform count_calls('', gone, -1);
  return cardinality(gone);
end $$;
