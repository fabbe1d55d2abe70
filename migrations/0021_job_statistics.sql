-- How many rows a job has cannot be told from the jobs of yesterday. From statistics that have seen small jobs alone, the database takes a new one of a million
-- for a single row, and plans to go through all of it for each row that it looks for (20,000 rows took 25 s to cancel); without any it expects many, and uses the keys.
alter table batch_requests alter column job_id set statistics 0;
alter table batch_responses alter column job_id set statistics 0;
alter table batch_provider_lines alter column provider_batch_id set statistics 0;
