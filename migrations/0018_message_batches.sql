-- Jobs in Anthropic's words.
alter table batch_jobs drop constraint batch_jobs_surface_check;
alter table batch_jobs add constraint batch_jobs_surface_check check (surface in ('native', 'openai', 'anthropic'));
