import { type Answered, call, signIn, type Sluice, startSluice, until } from '../harness.ts';

/** A service whose jobs a test makes, fills and runs, on the demo model. */
export type JobsWorld = {
  readonly sluice: Sluice;
  /** The administrator's. */
  readonly authorization: Record<string, string>;
  /** Below `/api/v1/jobs`, as the administrator. */
  readonly ask: <Body>(path: string, init?: Init) => Promise<Answered<Body>>;
  /** On hold, unless it is said otherwise. */
  readonly make: (settings?: object) => Promise<Job>;
  readonly makeWith: (rows: readonly object[], settings?: object) => Promise<Job>;
  readonly run: (job: Job) => Promise<Job>;
  /** Waits until it is. */
  readonly over: (job: Job) => Promise<Job>;
  readonly stop: () => Promise<void>;
};

export type Job = {
  readonly id: string;
  readonly status: string;
  readonly total_requests: number;
  readonly completed_requests: number;
  readonly failed_requests: number;
  readonly [field: string]: unknown;
};
export type Failure = {
  readonly error: { readonly code: string; readonly message: string; readonly field: string | null; readonly details: Record<string, unknown> };
};
export type Page<Row> = {
  readonly data: readonly Row[];
  readonly has_more: boolean;
  readonly next_cursor: string | null;
  readonly total: number | null;
  readonly page: number | null;
};
type Init = { readonly method?: string; readonly json?: unknown; readonly body?: string; readonly type?: string; readonly headers?: Record<string, string> };

export const POST = { method: 'POST' } as const;

export function chat(customId: string, content = 'What is the capital of France?'): object {
  return { custom_id: customId, body: { messages: [{ role: 'user', content }] } };
}

const OVER = /^(completed|failed|cancelled|expired)/;

export async function openJobsWorld(): Promise<JobsWorld> {
  const sluice = await startSluice({ env: { JOB_POLL_INTERVAL_S: '0.5' } });
  const authorization = await signIn(sluice.url);

  const ask = <Body>(path: string, { method, json, body, type, headers = {} }: Init = {}): Promise<Answered<Body>> =>
    call<Body>(`${sluice.url}/api/v1/jobs${path}`, {
      headers: { ...authorization, ...(type === undefined ? {} : { 'content-type': type }), ...headers },
      ...(method === undefined ? {} : { method }),
      ...(json === undefined ? {} : { json }),
      ...(body === undefined ? {} : { body }),
    });
  const make = async (settings: object = {}): Promise<Job> => {
    const { status, json, text } = await ask<Job>('/', { json: { name: 'a job', model: 'demo', hold: true, ...settings } });
    if (status !== 201) throw new Error(`no job was made: ${text}`);
    return json;
  };
  const over = async ({ id }: Job): Promise<Job> => {
    let seen: Job | null = null;
    await until(async () => {
      seen = (await ask<Job>(`/${id}`)).json;
      return OVER.test(seen.status);
    }, 20_000);
    if (seen === null) throw new Error('it was never seen');
    return seen;
  };
  return {
    sluice,
    authorization,
    ask,
    make,
    over,
    async makeWith(rows, settings) {
      const job = await make(settings);
      const { status, text } = await ask(`/${job.id}/requests`, { json: rows });
      if (status !== 201) throw new Error(`nothing was added: ${text}`);
      return job;
    },
    async run(job) {
      await ask(`/${job.id}/submit`, POST);
      return over(job);
    },
    stop: () => sluice.stop(),
  };
}
