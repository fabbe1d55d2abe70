-- Pages of outcomes are found in an index alone: the rule that keeps projects apart asks for the project of each row.
drop index batch_responses_failed;
create index batch_responses_failed on batch_responses (job_id, line) include (project_id) where error is not null;
alter table batch_responses drop constraint batch_responses_pkey, add primary key (job_id, line) include (project_id);
