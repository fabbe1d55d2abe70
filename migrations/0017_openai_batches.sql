-- What a job of surface `openai` tells besides what every job does.
alter table batch_jobs
  -- When its files began to be written.
  add column finalizing_at timestamptz,
  -- For how long after their making they are kept; null is as long as the configuration says.
  add column output_expires_s integer,
  -- What is wrong with its input file: [{"code", "line", "message", "param"}]
  add column input_errors json;
