import { type Kysely, sql } from 'kysely';
import type { Creator } from '../../../contract/policy.ts';
import type { Tally } from '../../../core/call-ids.ts';
import type { ProjectDatabase } from '../../../tables.ts';

/** Rows that are claimed, and what became of them. Times are those of the database, which is the same for all workers. */
type Db = Kysely<ProjectDatabase>;

export async function registerWorker(db: Db, id: string, leaseS: number): Promise<void> {
  await db
    .insertInto('job_workers')
    .values({ id, alive_until: inSeconds(leaseS) })
    .execute();
}

/** Says that a worker lives. False for one that was taken for dead: what it had belongs to others. */
export async function beatWorker(db: Db, id: string, leaseS: number): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('job_workers')
    .set({ alive_until: inSeconds(leaseS) })
    .where('id', '=', id)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** The worker ends in good order: what it still has waits again, as if nobody had had it. */
export async function dismissWorker(db: Db, id: string): Promise<void> {
  await sql`
    with gone as (delete from job_workers where id = ${id})
    update batch_requests set state = 'waiting', claimed_by = null, ran_at = null where claimed_by = ${id} and state = 'running'`.execute(db);
}

/**
 * What dead workers had waits again, and has died with them once more. Answers how many rows that were. Where it was the database that was away,
 * the workers get the time to say so.
 */
export async function retakeFromDead(db: Db, leaseS: number): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    with dead as (
      delete from job_workers where id in (
        select id from job_workers where greatest(alive_until, pg_postmaster_start_time() + make_interval(secs => ${leaseS})) <= now() for update skip locked
      ) returning id
    )
    update batch_requests r set state = 'waiting', claimed_by = null, crashes = crashes + 1 from dead where r.claimed_by = dead.id and r.state = 'running'`.execute(
    db,
  );
  return Number(numAffectedRows);
}

/** A job whose rows run here, as far as they need to know it. */
export type RunningJob = {
  readonly id: string;
  readonly project_id: string;
  readonly creator: Creator;
  readonly endpoint: string;
  readonly model: string | null;
  readonly max_tokens: number | null;
  readonly temperature: number | null;
  readonly template_id: string | null;
  readonly budget_nano_usd: number | null;
};

const IS_RUNNING = sql<boolean>`status = 'in_progress' and chosen_engine = 'direct' and cancel_asked_at is null and (expires_at is null or expires_at > now())`;
/** Of one project, so that one with very many jobs does not hide those of the others. */
const OF_A_PROJECT_MAX = 50;
const RUNNING_MAX = 500;

/** The jobs whose rows may run now, the oldest of each project first. */
export async function listRunningJobs(db: Db): Promise<readonly RunningJob[]> {
  const { rows } = await sql<RunningJob>`
    select id, project_id, creator, endpoint, model, max_tokens, temperature, template_id, budget_nano_usd from (
      select *, row_number() over (partition by project_id order by id) as place from batch_jobs
      where ${IS_RUNNING} and completed_requests + failed_requests < total_requests
    ) as running
    where place <= ${OF_A_PROJECT_MAX} order by place, id limit ${RUNNING_MAX}`.execute(db);
  return rows;
}

/** A row that this worker has, and nobody else. */
export type ClaimedRow = {
  readonly job_id: string;
  readonly line: number;
  readonly custom_id: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly retry_count: number;
  readonly crashes: number;
  readonly ran_at: Date;
  /** It ran before, and nobody knows how far it came. */
  readonly again: boolean;
};

/** So often a worker dies over a row before it runs by itself. */
const SUSPECT_AFTER = 1;

type Claiming = {
  readonly workerId: string;
  readonly asked: readonly { readonly jobId: string; readonly rows: number }[];
  /** Whether one more of those is wanted over which workers died again and again. */
  readonly suspect: boolean;
};

/**
 * Claims rows of several jobs at once: of each as many as are asked for, where so many wait. The worker's own row is held meanwhile, so that
 * nobody takes it for dead between the look at it and the claim.
 */
export async function claimRows(db: Db, { workerId, asked, suspect }: Claiming): Promise<readonly ClaimedRow[]> {
  const { rows } = await sql<ClaimedRow>`
    with worker as materialized (select id from job_workers where id = ${workerId} for share),
    asked as materialized (
      select batch_jobs.id, number from unnest(${asked.map(({ jobId }) => jobId)}::text[], ${asked.map(({ rows: count }) => count)}::integer[]) as asked (id, number)
      join batch_jobs on batch_jobs.id = asked.id and ${IS_RUNNING}
    ),
    picked as materialized (
      select waiting.* from worker, asked, lateral (
        select job_id, line, ran_at from batch_requests
        where job_id = asked.id and state = 'waiting' and crashes <= ${SUSPECT_AFTER} and (not_before is null or not_before <= now())
        order by line limit asked.number for update skip locked
      ) as waiting
    ),
    suspect as materialized (
      select waiting.* from worker, asked, lateral (
        select job_id, line, ran_at from batch_requests
        where job_id = asked.id and state = 'waiting' and crashes > ${SUSPECT_AFTER} and (not_before is null or not_before <= now())
        order by line limit 1 for update skip locked
      ) as waiting
      limit ${suspect ? 1 : 0}
    )
    update batch_requests r set state = 'running', claimed_by = ${workerId}, not_before = null, ran_at = coalesce(r.ran_at, now())
    from (select * from picked union all select * from suspect) as picked where r.job_id = picked.job_id and r.line = picked.line
    returning r.job_id, r.line, r.custom_id, r.body, r.retry_count, r.crashes, r.ran_at, picked.ran_at is not null as again`.execute(db);
  return rows;
}

/** What became of a request. */
export type RowOutcome = {
  readonly line: number;
  /** Of the answer, in the words of the endpoint; null where nothing answered. */
  readonly statusCode: number | null;
  readonly requestId: string | null;
  /** The answer; null where there is none. */
  readonly response: unknown;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly model: string | null;
  readonly provider: string | null;
} & Readonly<Omit<Tally, 'calls'>>;

/** How far the job is, and which of the rows were taken down: those on which the claim still stood. */
export type Recorded = { readonly lines: readonly number[]; readonly open: number };

export async function insertOutcomes(
  db: Db,
  claim: { readonly jobId: string; readonly claimedBy: string },
  outcomes: readonly RowOutcome[],
): Promise<Recorded> {
  const { rows } = await sql<{ lines: number[] | null; open: number }>`
    with given as materialized (
      select * from unnest(
        ${outcomes.map(({ line }) => line)}::integer[], ${outcomes.map(({ statusCode }) => statusCode)}::integer[],
        ${texts(outcomes.map(({ requestId }) => requestId))}, ${texts(outcomes.map(({ response }) => jsonText(response)))},
        ${texts(outcomes.map(({ error }) => jsonText(error)))}, ${texts(outcomes.map(({ model }) => oneLine(model)))},
        ${texts(outcomes.map(({ provider }) => oneLine(provider)))}, ${outcomes.map(({ inputTokens }) => inputTokens)}::integer[],
        ${outcomes.map(({ outputTokens }) => outputTokens)}::integer[], ${outcomes.map(({ costNanoUsd }) => costNanoUsd)}::bigint[],
        ${outcomes.map(({ savedNanoUsd }) => savedNanoUsd)}::bigint[], ${outcomes.map(({ cachedInputTokens }) => cachedInputTokens)}::integer[],
        ${outcomes.map(({ reasoningTokens }) => reasoningTokens)}::integer[]
      ) as given (line, status_code, request_id, response, error, model, provider, input_tokens, output_tokens, cost_nano_usd, saved_nano_usd,
        cached_input_tokens, reasoning_tokens)
    ),
    done as (
      update batch_requests r set state = 'done', claimed_by = null from given
      where r.job_id = ${claim.jobId} and r.line = given.line and r.state = 'running' and r.claimed_by = ${claim.claimedBy}
      returning r.line, r.project_id, r.custom_id, r.retry_count
    ),
    stored as (
      insert into batch_responses (job_id, line, project_id, custom_id, status_code, request_id, response, error, model, provider, input_tokens, output_tokens,
        cost_nano_usd, saved_nano_usd, retry_count)
      select ${claim.jobId}, line, project_id, custom_id, status_code, nullif(request_id, ''), nullif(response, '')::json, nullif(error, '')::json,
        nullif(model, ''), nullif(provider, ''), input_tokens, output_tokens, cost_nano_usd, saved_nano_usd, retry_count
      from done join given using (line)
      returning line, error is not null as failed
    ),
    sums as (
      select count(*) filter (where not failed) as completed, count(*) filter (where failed) as failed, sum(input_tokens) as input_tokens,
        sum(cached_input_tokens) as cached_input_tokens, sum(output_tokens) as output_tokens, sum(reasoning_tokens) as reasoning_tokens,
        sum(cost_nano_usd) as cost_nano_usd, sum(saved_nano_usd) as saved_nano_usd, array_agg(line) as lines
      from stored join given using (line) having count(*) > 0
    )
    update batch_jobs j set completed_requests = completed_requests + sums.completed, failed_requests = failed_requests + sums.failed,
      input_tokens = j.input_tokens + sums.input_tokens, cached_input_tokens = j.cached_input_tokens + sums.cached_input_tokens,
      output_tokens = j.output_tokens + sums.output_tokens, reasoning_tokens = j.reasoning_tokens + sums.reasoning_tokens,
      cost_nano_usd = j.cost_nano_usd + sums.cost_nano_usd, saved_nano_usd = j.saved_nano_usd + sums.saved_nano_usd, updated_at = now()
    from sums where j.id = ${claim.jobId}
    returning sums.lines, total_requests - completed_requests - failed_requests as open`.execute(db);
  const [row] = rows;
  return { lines: row?.lines ?? [], open: row?.open ?? Number.POSITIVE_INFINITY };
}

/** A row that is to run again. */
export type PutBack = {
  readonly line: number;
  readonly waitMs: number;
  /** Whether this was an attempt. */
  readonly counts: boolean;
};

export async function putBack(db: Db, claim: { readonly jobId: string; readonly claimedBy: string }, rows: readonly PutBack[]): Promise<void> {
  await sql`
    update batch_requests r set state = 'waiting', claimed_by = null, ran_at = null, retry_count = retry_count + given.counts,
      not_before = case when given.wait_ms > 0 then now() + given.wait_ms * interval '1 millisecond' end
    from unnest(${rows.map(({ line }) => line)}::integer[], ${rows.map(({ waitMs }) => Math.round(waitMs))}::integer[],
      ${rows.map(({ counts }) => Number(counts))}::integer[]) as given (line, wait_ms, counts)
    where r.job_id = ${claim.jobId} and r.line = given.line and r.state = 'running' and r.claimed_by = ${claim.claimedBy}`.execute(db);
}

function inSeconds(seconds: number) {
  return sql<Date>`now() + make_interval(secs => ${seconds})`;
}

/** Texts of one line each, cut again in the database: an array of the driver would be quoted element by element. Nothing is the empty text. */
function texts(lines: readonly (string | null)[]) {
  return sql`string_to_array(${lines.map((line) => line ?? '').join('\n')}, ${'\n'})`;
}

function jsonText(value: unknown): string | null {
  return value === null || value === undefined ? null : JSON.stringify(value);
}

/** A name may come from a caller. */
function oneLine(name: string | null): string | null {
  return name === null ? null : name.replaceAll('\n', ' ');
}
