-- The table that requests came in as, to be given back with what came of them: the names of its columns, and of each request what stood in them.
alter table batch_jobs add column columns json;
alter table batch_requests add column columns json;
