import { expect } from 'bun:test';
import type { FakeUpstream } from '../fake-upstream/server.ts';
import type { Rule } from '../fake-upstream/rule.ts';
import { until } from '../harness.ts';
import { insertJob, type NewJob, openRunWorld, overJob, type RunWorld, type StoredJob } from '../jobs/run-world.ts';

/** Jobs whose requests go to batches of a provider, and what must be so of each of them when it is over. */
const ENV = { JOB_BATCH_POLL_S: '0.05', JOB_BATCH_POLL_MAX_S: '0.1', JOB_LEASE_S: '1', UPSTREAM_READ_TIMEOUT_S: '1', JOB_POLL_INTERVAL_S: '0.2' };

export function openBatchWorld(more: Record<string, string> = {}): Promise<RunWorld> {
  return openRunWorld({ ...ENV, ...more });
}

/** Where a provider's batches are made, and what its steps are. */
export type Vendor = {
  readonly name: string;
  readonly model: string;
  readonly path: string;
  readonly steps: Readonly<Record<string, NonNullable<Rule['match']>>>;
  readonly batches: (upstream: FakeUpstream) => Promise<number>;
};

async function countAt(address: string): Promise<number> {
  const { data } = (await (await fetch(`${address}?limit=1000`)).json()) as { data: unknown[] };
  return data.length;
}

export const OPENAI: Vendor = {
  name: 'OpenAI',
  model: 'gpt-4o-mini',
  path: '/v1/chat/completions',
  steps: {
    'the upload': { path: '/v1/files', method: 'POST' },
    'the creation': { path: '/v1/batches', method: 'POST' },
    'a look': { path: '/v1/batches/*', method: 'GET' },
    'the download': { path: '/v1/files/*', method: 'GET' },
  },
  batches: ({ url }) => countAt(`${url}/batches`),
};
export const ANTHROPIC: Vendor = {
  name: 'Anthropic',
  model: 'claude-haiku-4-5',
  path: '/v1/messages',
  steps: {
    'the creation': { path: '/v1/messages/batches', method: 'POST' },
    'a look': { path: '/v1/messages/batches/*', method: 'GET' },
  },
  batches: ({ url }) => countAt(`${url}/messages/batches`),
};

export type Outcome = {
  readonly line: number;
  readonly status_code: number | null;
  readonly response: unknown;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly request_id: string | null;
  readonly retry_count: number;
  readonly cost_nano_usd: string;
  readonly saved_nano_usd: string;
};

export type Ended = {
  readonly id: string;
  readonly job: StoredJob & { readonly id: string; readonly saved_nano_usd: string; readonly chosen_engine: string };
  readonly outcomes: readonly Outcome[];
};

/** A job that goes to the batches of its provider, where it has some. */
export function begin(world: RunWorld, { columns = {}, ...job }: NewJob): Promise<string> {
  return insertJob(world, { ...job, columns: { engine: 'auto', ...columns } });
}

/** What a call did cost is entered some moments after the call, and each call once. */
async function untilEntered(world: RunWorld, { id, cost_nano_usd: cost, saved_nano_usd: saved }: Ended['job']): Promise<void> {
  const sumsOf = async () => {
    const [sums] = await world.query<{ calls: string; ids: string; cost: string; saved: string }>(
      'select count(*) as calls, count(distinct id) as ids, coalesce(sum(cost_nano_usd), 0) as cost, coalesce(sum(saved_nano_usd), 0) as saved from ledger where job_id = $1',
      [id],
    );
    return sums;
  };
  await until(async () => (await sumsOf())?.cost === cost).catch(() => undefined);
  const sums = await sumsOf();
  expect(sums?.calls).toBe(sums?.ids ?? '');
  expect([sums?.cost, sums?.saved]).toEqual([cost, saved]);
}

/** Waits for a job, and looks at what must be so of every one that is over. */
export async function ended(world: RunWorld, id: string, limitMs = 45_000): Promise<Ended> {
  const job = (await overJob(world, id, limitMs)) as Ended['job'];
  const outcomes = await world.query<Outcome>('select * from batch_responses where job_id = $1 order by line', [id]);
  expect(outcomes.map(({ line }) => line)).toEqual(Array.from({ length: job.total_requests }, (_, index) => index + 1));
  await untilEntered(world, job);
  const held = await world.query(
    "select process_id from budget_leases l where process_id like 'pb_%' and exists (select from batch_provider_batches b where b.id = process_id and b.job_id = $1)",
    [id],
  );
  const left = await world.query('select l.line from batch_provider_lines l join batch_provider_batches b on b.id = provider_batch_id where b.job_id = $1', [
    id,
  ]);
  expect([held, left]).toEqual([[], []]);
  return { id, job, outcomes };
}

/** How many outcomes there are of each code; `ok` is none. */
export function codes(outcomes: readonly Outcome[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { error } of outcomes) counts[error?.code ?? 'ok'] = (counts[error?.code ?? 'ok'] ?? 0) + 1;
  return counts;
}

/** What was said, whoever said it. */
export function textOf(response: unknown): string {
  const { choices, content } = response as { choices?: { message: { content: string } }[]; content?: { text: string }[] };
  return choices?.[0]?.message.content ?? content?.[0]?.text ?? '';
}
