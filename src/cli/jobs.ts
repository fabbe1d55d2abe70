import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import type { JobEstimate, JobReply } from '../contract/jobs.ts';
import { type Administration, administer, type AdministrationOptions, assertConfirmed } from './administration.ts';
import { CommandError } from './command-error.ts';
import type { Environment } from './command-group.ts';
import { EXIT } from './exit-codes.ts';
import { type Ending, watch } from './jobs-watch.ts';
import { printJson } from './output.ts';
import { table, timeText } from './table.ts';

const PATH = '/api/v1/jobs/';
type Finish = (exitCode: number) => void;

export type CreateOptions = AdministrationOptions & {
  readonly name?: string;
  readonly template?: string;
  readonly map?: readonly string[];
  readonly model?: string;
  readonly endpoint?: string;
  readonly engine?: string;
  readonly maxTokens?: number;
  readonly temperature?: number;
  readonly budget?: number;
  readonly webhook?: string;
  readonly hold?: boolean;
  readonly estimate?: boolean;
  readonly watch?: boolean;
};

/** Nothing starts before all of it is there; of a file that is not taken, no job is left. */
export function createJob(file: string, options: CreateOptions, env: Environment, finish: Finish): Promise<void> {
  return administer(options, env, async (of) => {
    const source = await openFile(file);
    const made = await of.client.ask<JobReply>('POST', PATH, settingsOf(file, options));
    await upload(of, made.id, { source, map: options.map }).catch(async (cause: unknown) => {
      await of.client.ask('DELETE', `${PATH}${made.id}`).catch(() => undefined);
      throw cause;
    });
    if (options.estimate === true || options.hold === true) return told(of, options, made.id);
    const job = await of.client.ask<JobReply>('POST', `${PATH}${made.id}/submit`);
    if (options.watch === true) return ended(finish, await watch(of, job.id, env));
    if (of.json) return printJson(job);
    process.stderr.write(`Started ${job.id} with ${job.total_requests} requests.\n  next: sluice jobs watch ${job.id}\n`);
    process.stdout.write(`${job.id}\n`);
  });
}

function settingsOf(file: string, options: CreateOptions): object {
  const { template, model, endpoint, engine, maxTokens, temperature, budget, webhook } = options;
  return {
    name: options.name ?? (file === '-' ? 'from standard input' : basename(file)),
    hold: true,
    ...(template === undefined ? {} : { template_id: template }),
    ...(model === undefined ? {} : { model }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(engine === undefined ? {} : { engine }),
    ...(maxTokens === undefined ? {} : { max_tokens: maxTokens }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(budget === undefined ? {} : { budget_usd: budget }),
    ...(webhook === undefined ? {} : { webhook_url: webhook }),
  };
}

/** Of a job that waits: what it would cost, where that is asked. */
async function told(of: Administration, { estimate }: CreateOptions, id: string): Promise<void> {
  const job = await of.client.ask<JobReply>('GET', `${PATH}${id}`);
  const costs = estimate === true ? await of.client.ask<JobEstimate>('GET', `${PATH}${id}/estimate`) : null;
  if (of.json) return printJson(costs === null ? job : { ...job, estimate: costs });
  process.stderr.write(`Made ${id} with ${job.total_requests} requests, on hold.\n`);
  if (costs !== null) process.stderr.write(`${estimateText(costs)}\n`);
  process.stderr.write(`  next: sluice jobs submit ${id} --watch\n`);
  process.stdout.write(`${id}\n`);
}

function estimateText({ direct, provider_batch: batch, input_tokens: input, output_tokens: output }: JobEstimate): string {
  const prices = [`about $${usd(direct.cost_usd)} one by one`, ...(batch === null ? [] : [`$${usd(batch.cost_usd)} as a batch of the provider`])];
  return `It would cost ${prices.join(', ')} (${input} tokens in, ${output} out; at most $${usd(direct.max_cost_usd)}).`;
}

export type AddOptions = AdministrationOptions & { readonly map?: readonly string[] };

export function addToJob(id: string, file: string, options: AddOptions, env: Environment): Promise<void> {
  return administer(options, env, async (of) => {
    const source = await openFile(file);
    const added = await upload(of, id, { source, map: options.map });
    if (of.json) printJson(added);
    else process.stderr.write(`Added ${added.added} requests to ${id}; it has ${added.total_requests} now.\n`);
  });
}

type Source = { readonly stream: ReadableStream<Uint8Array>; readonly type: string };
type Added = { readonly added: number; readonly total_requests: number };

const TYPES: Readonly<Record<string, string>> = {
  '.jsonl': 'application/jsonl',
  '.ndjson': 'application/jsonl',
  '.csv': 'text/csv',
  '.json': 'application/json',
};

async function openFile(file: string): Promise<Source> {
  if (file === '-') return { stream: webStream(process.stdin), type: 'application/jsonl' };
  const type = TYPES[extname(file).toLowerCase()];
  if (type === undefined) {
    throw new CommandError(`${file} is no kind of file that can be read`, {
      hint: 'Give a .jsonl, .csv or .json file, or - for JSONL.',
      exitCode: EXIT.wrongUsage,
    });
  }
  const found = await stat(file).catch(() => null);
  if (found?.isFile() !== true)
    throw new CommandError(`there is no file ${file}`, { hint: 'Look at the path; - reads standard input.', exitCode: EXIT.wrongUsage });
  return { stream: webStream(createReadStream(file)), type };
}

function webStream(pieces: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const iterator = pieces[Symbol.asyncIterator]();
  return new ReadableStream({
    async pull(controller) {
      const next = await iterator.next();
      if (next.done === true) controller.close();
      else controller.enqueue(next.value);
    },
  });
}

async function upload(
  { client }: Administration,
  id: string,
  { source, map }: { readonly source: Source; readonly map: readonly string[] | undefined },
): Promise<Added> {
  const query = map === undefined ? '' : `?map=${encodeURIComponent(map.map((pair) => pair.replace('=', ':')).join(','))}`;
  const response = await client.upload(`${PATH}${id}/requests${query}`, source.stream, source.type);
  return (await response.json()) as Added;
}

export type DeedOptions = AdministrationOptions & { readonly watch?: boolean };

/** Submits it, or runs again what failed of it. */
export function startJob(
  { id, deed }: { readonly id: string; readonly deed: 'submit' | 'retry' },
  options: DeedOptions,
  env: Environment,
  finish: Finish,
): Promise<void> {
  return administer(options, env, async (of) => {
    const job = await of.client.ask<JobReply>('POST', `${PATH}${encodeURIComponent(id)}/${deed}`);
    if (options.watch === true) return ended(finish, await watch(of, id, env));
    if (of.json) printJson(job);
    else process.stderr.write(`Started ${id}.\n  next: sluice jobs watch ${id}\n`);
  });
}

export function cancelJob(id: string, options: AdministrationOptions, env: Environment): Promise<void> {
  return administer(options, env, async (of) => {
    const job = await of.client.ask<JobReply>('POST', `${PATH}${encodeURIComponent(id)}/cancel`);
    if (of.json) printJson(job);
    else process.stderr.write(`Cancelled ${id}: what was answered is kept.\n`);
  });
}

export function removeJob(id: string, options: AdministrationOptions & { readonly yes?: boolean }, env: Environment): Promise<void> {
  assertConfirmed(options.yes, `to remove ${id}`);
  return administer(options, env, async (of) => {
    await of.client.ask('DELETE', `${PATH}${encodeURIComponent(id)}`);
    if (of.json) printJson({ id, removed: true });
    else process.stderr.write(`Removed ${id}.\n`);
  });
}

export function watchJob(id: string, options: AdministrationOptions, env: Environment, finish: Finish): Promise<void> {
  return administer(options, env, async (of) => ended(finish, await watch(of, id, env)));
}

/** A job of which something failed is no success for a script. */
function ended(finish: Finish, ending: Ending): void {
  if (ending.status !== 'completed') finish(EXIT.failed);
}

export function showJob(id: string, options: AdministrationOptions, env: Environment): Promise<void> {
  return administer(options, env, async (of) => {
    const job = await of.client.ask<JobReply>('GET', `${PATH}${encodeURIComponent(id)}`);
    if (of.json) return printJson(job);
    process.stdout.write(tableOf([job]));
    if (job.engine_reason !== null) process.stdout.write(`\n${job.engine_reason}\n`);
    if (job.error !== null) process.stdout.write(`\n${JSON.stringify(job.error)}\n`);
  });
}

export type ListOptions = AdministrationOptions & { readonly status?: string; readonly search?: string; readonly limit: number };
type JobPage = { readonly data: readonly JobReply[]; readonly has_more: boolean };

export function listJobs(options: ListOptions, env: Environment): Promise<void> {
  return administer(options, env, async (of) => {
    const query = new URLSearchParams({ page_size: String(options.limit) });
    if (options.status !== undefined) query.set('status', options.status);
    if (options.search !== undefined) query.set('q', options.search);
    const page = await of.client.ask<JobPage>('GET', `${PATH}?${query.toString()}`);
    if (of.json) printJson(page);
    else process.stdout.write(tableOf(page.data));
    if (page.has_more && !of.json) process.stderr.write('There are more: --limit 100, or --search\n');
  });
}

function tableOf(jobs: readonly JobReply[]): string {
  return table(jobs, [
    ['NAME', ({ name }) => name],
    ['STATUS', ({ status }) => status],
    ['DONE', (job) => `${job.completed_requests + job.failed_requests}/${job.total_requests}`],
    ['FAILED', (job) => String(job.failed_requests)],
    ['COST', (job) => `$${usd(job.cost_usd)}`],
    ['SAVED', (job) => (job.saved_usd === 0 ? '' : `$${usd(job.saved_usd)}`)],
    ['ENGINE', (job) => job.chosen_engine ?? job.engine],
    ['MADE', (job) => timeText(job.created_at)],
    ['ID', ({ id }) => id],
  ]);
}

function usd(amount: number): string {
  return amount.toFixed(4);
}
