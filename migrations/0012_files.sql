-- Files that callers keep here. Their content is no row: it is a blob of the same id, on disk or in S3-compatible storage.
create table files (
  id text primary key,
  project_id text not null references projects (id) on delete cascade,
  -- What it is for, in OpenAI's words: batch, batch_output, user_data …
  purpose text not null,
  filename text not null,
  bytes bigint not null,
  -- Of the content, hex.
  sha256 text not null,
  created_at timestamptz not null,
  -- Null is never.
  expires_at timestamptz
);
create index files_by_project on files (project_id, id);
create index files_expiry on files (expires_at) where expires_at is not null;

alter table files enable row level security, force row level security;
create policy own_project on files
  using (project_id = (select current_setting('sluice.project', true)) or (select may_touch('*')));

-- Blobs that no file has, or not yet: written down before the first byte, so that whatever dies, none is left behind that nobody knows of.
create table unkept_blobs (
  id text primary key,
  remove_at timestamptz not null default now()
);
create index unkept_blobs_due on unkept_blobs (remove_at);

-- However a file goes, by its caller, its time or its project, its blob goes too.
create function forget_blob() returns trigger language plpgsql as $$
begin
  insert into unkept_blobs (id) values (old.id) on conflict (id) do nothing;
  return null;
end $$;
create trigger files_forget_blob after delete on files for each row execute function forget_blob();
