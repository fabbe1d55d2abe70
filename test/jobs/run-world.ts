import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { type FakeUpstream, startFakeUpstream } from '../fake-upstream/server.ts';
import { call, type Sluice, startSluice } from '../harness.ts';
import { makeDatabase, type TestDatabase } from '../test-database.ts';

/** One provider, one database, and processes that run jobs and die. */
export type RunWorld = {
  readonly upstream: FakeUpstream;
  readonly start: (options?: { readonly env?: Record<string, string>; readonly command?: readonly string[] }) => Promise<Sluice>;
  /** For a process that is not started by `start`. */
  readonly env: () => Record<string, string>;
  readonly query: <Row extends object>(statement: string, values?: readonly unknown[]) => Promise<Row[]>;
  readonly databaseUrl: () => string;
  readonly stop: () => Promise<void>;
};

export async function openRunWorld(more: Record<string, string> = {}, ownDatabase?: TestDatabase): Promise<RunWorld> {
  const [upstream, database] = [await startFakeUpstream({ callsKept: 1_000_000 }), ownDatabase ?? (await makeDatabase())];
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-jobs-'));
  const env = {
    ...database.env,
    OPENAI_API_KEY: 'sk-upstream-000000000000',
    OPENAI_BASE_URL: upstream.url,
    ANTHROPIC_API_KEY: 'sk-ant-upstream-000000000000',
    ANTHROPIC_BASE_URL: upstream.origin,
    UPSTREAM_MAX_RETRIES: '0',
    JOB_POLL_INTERVAL_S: '0.5',
    JWT_SECRET: 'quiet river stone lantern on the hill',
    ...more,
  };
  let client: pg.Client | null = null;
  const connected = async (): Promise<pg.Client> => {
    if (client) return client;
    client = new pg.Client({ connectionString: database.urlOf({ dataDir }) });
    client.on('error', () => (client = null)).on('end', () => (client = null));
    await client.connect();
    return client;
  };
  return {
    upstream,
    env: () => ({ ...env, DATA_DIR: dataDir }),
    start: ({ env: own = {}, command } = {}) => startSluice({ dataDir, env: { ...env, ...own }, ...(command ? { command } : {}) }),
    query: async <Row extends object>(statement: string, values: readonly unknown[] = []) => {
      const { rows } = await (await connected()).query<Row>(statement, [...values]);
      return rows;
    },
    databaseUrl: () => database.urlOf({ dataDir }),
    async stop() {
      await client?.end().catch(() => undefined);
      await database.drop();
      upstream.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

export const WORKER = [process.execPath, '--no-env-file', 'src/main.ts', 'worker'];
export const SERVE_ONLY = [process.execPath, '--no-env-file', 'src/main.ts', 'serve', '--no-worker'];

let inserted = 0;

export type NewJob = { readonly rows: number; readonly body?: (line: number) => object; readonly columns?: Readonly<Record<string, unknown>> };

function chat(line: number): object {
  return { messages: [{ role: 'user', content: `row ${line};` }] };
}

type Asked = Omit<NewJob, 'body'> & {
  /** All of a request but its custom_id. */
  readonly request?: (line: number) => object;
  readonly said?: object;
};

function asChat(line: number): object {
  return { body: chat(line) };
}

/** A job as a caller makes it: held, filled and submitted. `columns` are what no caller can say, and `said` what this one does. */
export async function makeJob(
  { query, url, headers = {} }: Pick<RunWorld, 'query'> & { readonly url: string; readonly headers?: Record<string, string> },
  { rows, request = asChat, said = {}, columns = {} }: Asked,
): Promise<string> {
  const jobs = `${url}/api/v1/jobs/`;
  const made = await call<{ id: string }>(jobs, {
    headers,
    json: { name: 'a test', model: 'gpt-4o-mini', max_tokens: 20, engine: 'direct', hold: true, ...said },
  });
  if (made.status !== 201) throw new Error(`no job was made: ${made.text}`);
  const { id } = made.json;
  const lines = Array.from({ length: rows }, (_, nth) => JSON.stringify({ custom_id: `row-${nth + 1}`, ...request(nth + 1) }));
  const filled = await call(`${jobs}${id}/requests`, { method: 'POST', headers: { ...headers, 'content-type': 'application/jsonl' }, body: lines.join('\n') });
  if (filled.status >= 300) throw new Error(`the job was not filled: ${filled.text}`);
  for (const [name, value] of Object.entries(columns)) await query(`update batch_jobs set ${name} = $2 where id = $1`, [id, value]);
  const submitted = await call(`${jobs}${id}/submit`, { method: 'POST', headers });
  if (submitted.status !== 202) throw new Error(`the job was not submitted: ${submitted.text}`);
  return id;
}

/** A job with its requests, as the routes leave them behind: for when there is nobody to be asked. */
export async function insertJob(world: Pick<RunWorld, 'query'>, { rows, body = chat, columns = {} }: NewJob): Promise<string> {
  const id = `job_test${String(++inserted).padStart(6, '0')}`;
  const all = {
    id,
    project_id: 'default',
    creator: { kind: 'anonymous', id: null },
    name: 'a test',
    endpoint: '/v1/chat/completions',
    model: 'gpt-4o-mini',
    max_tokens: 20,
    engine: 'direct',
    total_requests: rows,
    // Until its requests are there.
    hold: true,
    ...columns,
  };
  const names = Object.keys(all);
  await world.query(`insert into batch_jobs (${names.join(', ')}) values (${names.map((_, nth) => `$${nth + 1}`).join(', ')})`, Object.values(all));
  const bodies = Array.from({ length: rows }, (_, nth) => JSON.stringify(body(nth + 1)));
  await world.query(
    `insert into batch_requests (job_id, line, project_id, custom_id, body)
    select $1, line, 'default', 'row-' || line, body::json from unnest($2::text[]) with ordinality as rows (body, line)`,
    [id, bodies],
  );
  if (!('hold' in columns)) await world.query(`update batch_jobs set hold = false, submitted_at = now() where id = $1`, [id]);
  await world.query(`select pg_notify('sluice_jobs', $1)`, [id]);
  return id;
}

export type StoredJob = {
  readonly status: string;
  readonly total_requests: number;
  readonly completed_requests: number;
  readonly failed_requests: number;
  readonly cost_nano_usd: string;
  readonly engine_reason: string | null;
  readonly error: { readonly code: string } | null;
};

export async function jobOf(world: Pick<RunWorld, 'query'>, id: string): Promise<StoredJob> {
  const [job] = await world.query<StoredJob>('select * from batch_jobs where id = $1', [id]);
  if (!job) throw new Error(`there is no ${id}`);
  return job;
}

const OVER = new Set(['completed', 'completed_with_errors', 'failed', 'cancelled', 'expired']);

/** False too while the database is away. */
export async function isOver(world: Pick<RunWorld, 'query'>, id: string): Promise<boolean> {
  const job = await jobOf(world, id).catch(() => null);
  return job !== null && OVER.has(job.status);
}

/** Waits until a job is over, through a database that comes and goes. */
export async function overJob(world: Pick<RunWorld, 'query'>, id: string, limitMs = 20_000): Promise<StoredJob> {
  const end = performance.now() + limitMs;
  for (;;) {
    const job = await jobOf(world, id).catch(() => null);
    if (job && OVER.has(job.status)) return job;
    if (performance.now() > end) throw new Error(`${id} was not over within ${limitMs} ms: ${JSON.stringify(job)}`);
    await Bun.sleep(50);
  }
}
