-- Batches at a provider: what they are made of, and what they hold.
alter table batch_provider_batches
  -- What all its requests are, in the provider's words: the path that they go to.
  add column kind text not null,
  -- Whose calls they are, and what a call costs, as it was when it was made: the answers come up to a day later.
  add column principal json not null,
  add column price json not null,
  -- Of the texts below, together.
  add column bytes bigint not null default 0,
  -- All its requests are in it, and no more come.
  add column sealed_at timestamptz,
  -- Since when something may have been done at the provider of which nobody knows: it is looked for before it is done again.
  add column tried_at timestamptz,
  add column failing_since timestamptz,
  add column cancel_asked_at timestamptz;
create unique index batch_provider_batches_open_draft on batch_provider_batches (job_id, provider, model, kind) where sealed_at is null and step = 'new';
create index batch_provider_batches_upstream on batch_provider_batches (upstream_id) where upstream_id is not null;

-- The requests of a batch as the provider gets them, until it is over.
create table batch_provider_lines (
  provider_batch_id text not null references batch_provider_batches (id) on delete cascade,
  -- Of the job.
  line integer not null,
  project_id text not null,
  text text not null,
  -- The most that it can cost, which is held of the budgets.
  worst_nano_usd bigint not null,
  primary key (provider_batch_id, line)
);
alter table batch_provider_lines enable row level security, force row level security;
create policy own_project on batch_provider_lines
  using (project_id = (select current_setting('sluice.project', true)) or (select may_touch('*')));

-- What may still be spent is held by the batch itself, under its id among the processes: it outlives every process, so it is seen for ever. It is
-- free again when the batch is over, or gone with its job.
create function bury_batch() returns trigger language plpgsql as $$
begin
  perform bury_process(old.id);
  return null;
end $$;
create trigger batch_provider_batches_gone after delete on batch_provider_batches for each row execute function bury_batch();
create trigger batch_provider_batches_over after update of step on batch_provider_batches for each row
  when (new.step in ('collected', 'failed') and old.step is distinct from new.step) execute function bury_batch();
