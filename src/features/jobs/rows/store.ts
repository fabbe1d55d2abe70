import { type Kysely, sql } from 'kysely';
import type { ProjectDatabase } from '../../../tables.ts';

type Db = Kysely<ProjectDatabase>;
type OfJob = { readonly id: string; readonly project_id: string };

/** Requests that follow each other, the first of them behind `after`. A body is JSON text of one line, as an id is one line of text. */
export type Piece = { readonly after: number; readonly customIds: readonly string[]; readonly bodies: readonly string[] };

/** Answers how many there was nothing in the way of: an id that the job has already is left out. */
export async function insertRequests(db: Db, job: OfJob, { after, customIds, bodies }: Piece): Promise<number> {
  // Texts that are cut again in the database: an array of the driver would be quoted element by element.
  const rows = sql`unnest(string_to_array(${customIds.join('\n')}, ${'\n'}), string_to_array(${bodies.join('\n')}, ${'\n'})) with ordinality`;
  const { numAffectedRows = 0n } = await sql`
    insert into batch_requests (job_id, line, project_id, custom_id, body)
    select ${job.id}, ${after}::integer + number, ${job.project_id}, custom_id, body::json from ${rows} as rows (custom_id, body, number)
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
    select line, custom_id, status_code, request_id, response::text as response, error, model, provider, input_tokens, output_tokens, cost_nano_usd,
      saved_nano_usd, retry_count, created_at
    from batch_responses where job_id = ${jobId} and line > ${after} order by line limit ${limit}`.execute(db);
  return rows;
}
