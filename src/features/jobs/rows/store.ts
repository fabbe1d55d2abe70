import { type Kysely, sql } from 'kysely';
import type { ProjectDatabase } from '../../../tables.ts';

type Db = Kysely<ProjectDatabase>;
type OfJob = { readonly id: string; readonly project_id: string };

/**
 * Requests that follow each other, the first of them behind `after`. A body is JSON text of one line, as an id is one line of text, and what stood in
 * the columns of a table, '' for none.
 */
export type Piece = { readonly after: number; readonly customIds: readonly string[]; readonly bodies: readonly string[]; readonly columns: readonly string[] };

/** Answers how many there was nothing in the way of: an id that the job has already is left out. */
export async function insertRequests(db: Db, job: OfJob, { after, customIds, bodies, columns }: Piece): Promise<number> {
  // Texts that are cut again in the database: an array of the driver would be quoted element by element.
  const [ids, texts, tables] = [customIds, bodies, columns].map((all) => sql`string_to_array(${all.join('\n')}, ${'\n'}, '')`);
  const { numAffectedRows = 0n } = await sql`
    insert into batch_requests (job_id, line, project_id, custom_id, body, columns)
    select ${job.id}, ${after}::integer + number, ${job.project_id}, custom_id, body::json, columns::json
    from unnest(${ids}, ${texts}, ${tables}) with ordinality as rows (custom_id, body, columns, number)
    on conflict (job_id, custom_id) do nothing`.execute(db);
  return Number(numAffectedRows);
}

/** The first of these ids that the job has among its requests up to this one. */
export async function findTaken(db: Db, jobId: string, { after, customIds }: Piece): Promise<{ readonly customId: string; readonly line: number } | null> {
  const { rows } = await sql<{ customId: string; line: number }>`
    select custom_id as "customId", line from batch_requests
    where job_id = ${jobId} and custom_id = any (string_to_array(${customIds.join('\n')}, ${'\n'})) and line <= ${after} order by line limit 1`.execute(db);
  return rows[0] ?? null;
}

/** As it is given away: the answer as the JSON text that is kept, so that nobody has to read and write it again. */
export type Outcome = {
  readonly line: number;
  readonly custom_id: string;
  readonly status_code: number | null;
  readonly request_id: string | null;
  readonly response: string | null;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly model: string | null;
  readonly provider: string | null;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cost_nano_usd: number;
  readonly saved_nano_usd: number;
  readonly retry_count: number;
  readonly created_at: Date;
};

/** The next ones behind a line, in the order of lines. */
export async function readOutcomes(db: Db, jobId: string, { after, limit }: { readonly after: number; readonly limit: number }): Promise<Outcome[]> {
  const { rows } = await sql<Outcome>`
    select ${OUTCOME} from batch_responses o where job_id = ${jobId} and line > ${after} order by line limit ${limit}`.execute(db);
  return rows;
}

const OUTCOME = sql`o.line, o.custom_id, o.status_code, o.request_id, o.response::text as response, o.error, o.model, o.provider, o.input_tokens,
  o.output_tokens, o.cost_nano_usd, o.saved_nano_usd, o.retry_count, o.created_at`;

/** Requests that failed wait again, as they did before they were first tried. Answers how many of them there were, of at most so many. */
export async function reopenFailed(db: Db, jobId: string, limit: number): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    with failed as (
      delete from batch_responses where ctid = any (array(
        select ctid from batch_responses where job_id = ${jobId} and error is not null order by line limit ${limit}
      )) returning job_id, line, retry_count
    )
    update batch_requests set state = 'waiting', retry_count = failed.retry_count + 1, crashes = 0, not_before = null, claimed_by = null, ran_at = null
    from failed where batch_requests.job_id = failed.job_id and batch_requests.line = failed.line`.execute(db);
  return Number(numAffectedRows);
}

type RowPlace = {
  readonly rowsMax: number;
  readonly skip: number;
  readonly after: number | null;
  /** Whether it is counted from the last row, and not from the first. */
  readonly fromEnd?: true;
};
type RequestsAsked = {
  readonly jobId: string;
  readonly state: 'waiting' | 'running' | 'done' | null;
  readonly customId: string | null;
  readonly place: RowPlace;
};

export type ListedRequest = {
  readonly line: number;
  readonly custom_id: string;
  readonly status: 'waiting' | 'running' | 'completed' | 'failed';
  readonly retry_count: number;
  readonly body: Record<string, unknown>;
};

/** One page of the requests of a job, in the order in which they came. */
export async function listRequests(db: Db, { jobId, state, customId, place }: RequestsAsked): Promise<ListedRequest[]> {
  const where = [
    sql`job_id = ${jobId}`,
    ...(state === null ? [] : [sql`state = ${state}`]),
    ...(customId === null ? [] : [sql`custom_id = ${customId}`]),
    ...(place.after === null ? [] : [sql`line > ${place.after}`]),
  ];
  // The page is found by its lines alone, in the index; only its rows are read.
  const { rows } = await sql<ListedRequest>`
    with page as materialized (select line from batch_requests where ${sql.join(where, sql` and `)} order by line limit ${place.rowsMax} offset ${place.skip})
    select r.line, r.custom_id, r.retry_count, r.body,
      case when r.state <> 'done' then r.state when exists (select from batch_responses o where o.job_id = r.job_id and o.line = r.line and o.error is not null)
        then 'failed' else 'completed' end as status
    from page join batch_requests r on r.job_id = ${jobId} and r.line = page.line order by r.line`.execute(db);
  return rows;
}

type OutcomesAsked = { readonly jobId: string; readonly failed: boolean | null; readonly customId: string | null; readonly place: RowPlace };

/** One page of the outcomes of a job, in the order of its requests. */
export async function listOutcomes(db: Db, { jobId, failed, customId, place }: OutcomesAsked): Promise<Outcome[]> {
  const where = [
    sql`job_id = ${jobId}`,
    ...(failed === null ? [] : [failed ? sql`error is not null` : sql`error is null`]),
    ...(customId === null ? [] : [sql`line in (select line from batch_requests where job_id = ${jobId} and custom_id = ${customId})`]),
    ...(place.after === null ? [] : [sql`line > ${place.after}`]),
  ];
  const order = place.fromEnd ? sql`line desc` : sql`line`;
  const { rows } = await sql<Outcome>`
    with page as materialized (select line from batch_responses where ${sql.join(where, sql` and `)} order by ${order} limit ${place.rowsMax} offset ${place.skip})
    select ${OUTCOME} from page join batch_responses o on o.job_id = ${jobId} and o.line = page.line order by o.line`.execute(db);
  return rows;
}

/** What came in as a table, beside its outcome; both for as many requests as were asked for. */
export type TableRow = { readonly line: number; readonly custom_id: string; readonly columns: readonly string[] | null; readonly outcome: Outcome | null };

export async function readTable(db: Db, jobId: string, { after, limit }: { readonly after: number; readonly limit: number }): Promise<TableRow[]> {
  const { rows } = await sql<Outcome & { readonly columns: readonly string[] | null; readonly at: number; readonly id: string }>`
    select r.line as at, r.custom_id as id, r.columns, ${OUTCOME} from batch_requests r left join batch_responses o on o.job_id = r.job_id and o.line = r.line
    where r.job_id = ${jobId} and r.line > ${after} order by r.line limit ${limit}`.execute(db);
  return rows.map(({ columns, at, id, ...outcome }) => ({ line: at, custom_id: id, columns, outcome: outcome.created_at === null ? null : outcome }));
}

/** The bodies of some requests, at equal distances over the whole of a job. */
export async function sampleBodies(db: Db, jobId: string, lines: readonly number[]): Promise<Record<string, unknown>[]> {
  const { rows } = await sql<{ body: Record<string, unknown> }>`
    select body from batch_requests where job_id = ${jobId} and line = any (${lines}::integer[])`.execute(db);
  return rows.map(({ body }) => body);
}

/** Answers how many rows went, of at most so many of each kind. */
export async function dropRows(db: Db, jobId: string, limit: number): Promise<number> {
  const outcomes = await dropPiece(db, 'batch_responses', { jobId, limit });
  return outcomes + (await dropPiece(db, 'batch_requests', { jobId, limit }));
}

async function dropPiece(
  db: Db,
  table: 'batch_responses' | 'batch_requests',
  { jobId, limit }: { readonly jobId: string; readonly limit: number },
): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    delete from ${sql.table(table)} where ctid = any (array(
      select ctid from ${sql.table(table)} where job_id = ${jobId} order by line limit ${limit}
    ))`.execute(db);
  return Number(numAffectedRows);
}
