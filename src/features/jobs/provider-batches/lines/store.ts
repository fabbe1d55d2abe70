import { sql } from 'kysely';
import type { Budget } from '../../../../contract/policy.ts';
import type { ClaimedRow } from '../../run/store.ts';
import type { Db, ProviderBatch } from '../store.ts';

/** The requests of batches: claimed, held money for, put into a batch, and read again. */

/** Claims rows that wait, while their job goes on and the worker lives. */
export async function claimPage(
  db: Db,
  { workerId, jobId, limit }: { readonly workerId: string; readonly jobId: string; readonly limit: number },
): Promise<readonly ClaimedRow[]> {
  const { rows } = await sql<ClaimedRow>`
    with worker as materialized (select id from job_workers where id = ${workerId} and alive_until > now() for share),
    picked as materialized (
      select r.job_id, r.line from worker, batch_requests r join batch_jobs j on j.id = r.job_id
      where r.job_id = ${jobId} and r.state = 'waiting' and (r.not_before is null or r.not_before <= now()) and j.status = 'in_progress'
        and j.chosen_engine = 'provider_batch' and j.cancel_asked_at is null and j.deleted_at is null and (j.expires_at is null or j.expires_at > now())
      order by r.line limit ${limit} for update of r skip locked
    )
    update batch_requests r set state = 'running', claimed_by = ${workerId}, not_before = null, ran_at = now()
    from picked where r.job_id = picked.job_id and r.line = picked.line
    returning r.job_id, r.line, r.custom_id, r.body, r.retry_count, r.crashes, r.ran_at, false as again`.execute(db);
  return rows.toSorted((one, other) => one.line - other.line);
}

type Draft = Pick<ProviderBatch, 'id' | 'job_id' | 'project_id' | 'provider' | 'model' | 'kind'> & { readonly principal: string; readonly price: string };

/** The batch of this kind that is being filled: one that is there, or this new one. */
export async function openDraft(db: Db, draft: Draft): Promise<ProviderBatch> {
  for (;;) {
    const there = await db
      .selectFrom('batch_provider_batches')
      .selectAll()
      .where('job_id', '=', draft.job_id)
      .where('provider', '=', draft.provider)
      .where('model', '=', draft.model)
      .where('kind', '=', draft.kind)
      .where('step', '=', 'new')
      .where('sealed_at', 'is', null)
      .executeTakeFirst();
    if (there) return there;
    const made = await db
      .insertInto('batch_provider_batches')
      .values({ ...draft, requests: 0 })
      .onConflict((conflict) => conflict.doNothing())
      .returningAll()
      .executeTakeFirst();
    if (!made) continue;
    // It holds money as a process does, and is seen for ever.
    await sql`insert into processes (id, seen_at) values (${made.id}, 'infinity')`.execute(db);
    return made;
  }
}

export type Line = { readonly line: number; readonly text: string; readonly worstNanoUsd: number };

/** Rows that a worker claimed belong to a batch from now on. Answers how many it has then, and bytes; null where it takes no more. */
export async function addLines(
  db: Db,
  { batchId, workerId, lines }: { readonly batchId: string; readonly workerId: string; readonly lines: readonly Line[] },
): Promise<Pick<ProviderBatch, 'requests' | 'bytes'> | null> {
  const { rows } = await sql<Pick<ProviderBatch, 'requests' | 'bytes'>>`
    with draft as materialized (select id, job_id, project_id from batch_provider_batches where id = ${batchId} and step = 'new' and sealed_at is null for update),
    given as materialized (
      select * from unnest(${lines.map(({ line }) => line)}::integer[], string_to_array(${lines.map(({ text }) => text).join('\n')}, ${'\n'}),
        ${lines.map(({ worstNanoUsd }) => worstNanoUsd)}::bigint[]) as given (line, text, worst_nano_usd)
    ),
    moved as (
      update batch_requests r set claimed_by = draft.id from draft, given
      where r.job_id = draft.job_id and r.line = given.line and r.state = 'running' and r.claimed_by = ${workerId} returning r.line
    ),
    put as (
      insert into batch_provider_lines (provider_batch_id, line, project_id, text, worst_nano_usd)
      select draft.id, line, draft.project_id, text, worst_nano_usd from draft, moved join given using (line)
      returning octet_length(text) as bytes
    ),
    sums as (select count(*)::integer as requests, coalesce(sum(bytes), 0) as bytes from put)
    update batch_provider_batches b set requests = b.requests + sums.requests, bytes = b.bytes + sums.bytes from sums, draft where b.id = draft.id
    returning b.requests, b.bytes`.execute(db);
  return rows[0] ?? null;
}

/** Nothing more comes into these; those into which nothing came are gone. */
export async function sealDrafts(db: Db, where: { readonly jobId: string; readonly id?: string }): Promise<void> {
  const drafts = sql`job_id = ${where.jobId} and step = 'new' and sealed_at is null and (${where.id ?? null}::text is null or id = ${where.id ?? null})`;
  await sql`delete from batch_provider_batches where ${drafts} and requests = 0`.execute(db);
  await sql`update batch_provider_batches set sealed_at = now(), look_at = now() where ${drafts}`.execute(db);
}

export type Hold = {
  readonly holder: string;
  readonly budget: Budget;
  readonly window: { readonly startsAt: number; readonly endsAt: number };
  readonly nanoUsd: number;
};
/** What there was room for, before anything was held. */
export type Held = { readonly granted: boolean; readonly roomNanoUsd: number; readonly spentNanoUsd: number; readonly leasedNanoUsd: number };

/** Holds money of a budget: all of it or nothing. */
export async function holdMoney(db: Db, { holder, budget, window, nanoUsd }: Hold): Promise<Held> {
  const { rows } = await sql<{ granted: number; spent: number; leased: number }>`
    select granted, spent, leased from lease_budget(${holder}, ${`${budget.scope}:${budget.id}`}, ${budget.period}, ${timeOf(window.startsAt)}::timestamptz,
      ${timeOf(window.endsAt)}::timestamptz, ${budget.limitNanoUsd}, ${nanoUsd}, ${nanoUsd}, 0)`.execute(db);
  const { granted = 0, spent = 0, leased = 0 } = rows[0] ?? {};
  return { granted: granted >= nanoUsd, roomNanoUsd: budget.limitNanoUsd - spent - leased, spentNanoUsd: spent, leasedNanoUsd: leased };
}

function timeOf(ms: number): string {
  return Number.isFinite(ms) ? new Date(ms).toISOString() : 'infinity';
}

/** The next texts behind a line, in the order of lines. */
export async function readTexts(
  db: Db,
  batchId: string,
  { after, limit }: { readonly after: number; readonly limit: number },
): Promise<readonly { line: number; text: string }[]> {
  return db
    .selectFrom('batch_provider_lines')
    .select(['line', 'text'])
    .where('provider_batch_id', '=', batchId)
    .where('line', '>', after)
    .orderBy('line')
    .limit(limit)
    .execute();
}

/** A row that waits for its result, with the most that it can cost. */
export type OpenRow = ClaimedRow & { readonly worst_nano_usd: number };

/** Of these lines those that the batch still has; without lines, the first ones behind `after`. */
export async function openRows(
  db: Db,
  batch: Pick<ProviderBatch, 'id' | 'job_id'>,
  which: { readonly lines: readonly number[] } | { readonly after: number; readonly limit: number },
): Promise<readonly OpenRow[]> {
  const wanted = 'lines' in which ? sql`r.line = any (${which.lines}::integer[])` : sql`r.line > ${which.after}`;
  const { rows } = await sql<OpenRow>`
    select r.job_id, r.line, r.custom_id, r.body, r.retry_count, r.crashes, r.ran_at, true as again, coalesce(l.worst_nano_usd, 0) as worst_nano_usd
    from batch_requests r left join batch_provider_lines l on l.provider_batch_id = ${batch.id} and l.line = r.line
    where r.job_id = ${batch.job_id} and r.state = 'running' and r.claimed_by = ${batch.id} and ${wanted}
    order by r.line limit ${'lines' in which ? null : which.limit}`.execute(db);
  return rows;
}

/** Which line of the job stands at a place in the batch, the first one 1. */
export async function lineAt(db: Db, batchId: string, place: number): Promise<number | null> {
  const row = await db
    .selectFrom('batch_provider_lines')
    .select('line')
    .where('provider_batch_id', '=', batchId)
    .orderBy('line')
    .offset(Math.max(0, place - 1))
    .limit(1)
    .executeTakeFirst();
  return row?.line ?? null;
}

export async function dropLines(db: Db, batchId: string): Promise<void> {
  await db.deleteFrom('batch_provider_lines').where('provider_batch_id', '=', batchId).execute();
}

/** A row for each model that the requests of a job name themselves: the first one that names it. */
export async function firstOfEachModel(db: Db, jobId: string, limit: number): Promise<readonly ClaimedRow[]> {
  const { rows } = await sql<ClaimedRow>`
    select r.job_id, r.line, r.custom_id, r.body, r.retry_count, r.crashes, now() as ran_at, false as again
    from (select min(line) as line from batch_requests where job_id = ${jobId} and state <> 'done' group by body ->> 'model' order by 1 limit ${limit}) first
    join batch_requests r on r.job_id = ${jobId} and r.line = first.line order by r.line`.execute(db);
  return rows;
}
