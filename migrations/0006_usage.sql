-- What a statement may see is decided once for the statement and not once for a row, since a month of usage is a million rows.
alter policy own_project on ledger
  using (project_id = (select current_setting('sluice.project', true)) or (select may_touch('*')));
alter policy own_project on usage_quarters
  using (project_id = (select current_setting('sluice.project', true)) or (select may_touch('*')));
alter policy own_project on call_bodies
  using (project_id = (select current_setting('sluice.project', true)) or (select may_touch('*')));

-- Sums over all projects, and what retention takes away.
create index usage_quarters_bucket on usage_quarters (bucket);
-- Calls in the order of time, of all projects and of one. The calls of a request have one time, which finds them too.
create index ledger_at on ledger (at, id);
drop index ledger_project;
create index ledger_project on ledger (project_id, at, id);
drop index ledger_root;
-- An id of a request is nearly unique, whosever it is.
drop index ledger_request;
create index ledger_request on ledger (request_id);
