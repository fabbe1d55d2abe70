-- Of the tokens of a job: those that the provider read from its cache, and those with which a model reasoned.
alter table batch_jobs add column cached_input_tokens bigint not null default 0, add column reasoning_tokens bigint not null default 0;
