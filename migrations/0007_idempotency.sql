-- A stream of raw text that broke off, which its connection alone can tell. A row with a status and no body is of an answer too large to keep.
alter table idempotency_keys add column cut boolean not null default false;
