import type { ErrorBody } from '../contract/errors.ts';
import type { JobProgress, JobReply } from '../contract/jobs.ts';
import type { Administration } from './administration.ts';
import { CommandError } from './command-error.ts';
import type { Environment } from './command-group.ts';
import { Interrupted } from './interruption.ts';
import { printJson } from './output.ts';
import { showProgress, spanText } from './progress.ts';
import { serverEvents } from './server-events.ts';

/** How a job ended. */
export type Ending = JobReply;

/** A service that restarts is back sooner. */
const AWAY_MAX = 60;
const AGAIN_MS = 1000;

/** Follows a job to its end, over breaks of the connection. Ctrl-C leaves it: the job goes on. */
export async function watch(of: Administration, id: string, env: Environment): Promise<Ending> {
  const shown = showProgress(process.stderr, env);
  const show = (progress: JobProgress): void => {
    const done = progress.completed_requests + progress.failed_requests;
    shown.show({ done, total: progress.total_requests, before: id, after: progressText(progress, done) });
  };
  try {
    const job = await follow(of, id, show);
    shown.end();
    if (of.json) printJson(job);
    else process.stderr.write(`${endText(job)}\n`);
    return job;
  } catch (cause) {
    shown.end();
    if (cause instanceof Interrupted) process.stderr.write(`${id} goes on by itself.\n  watch it again: sluice jobs watch ${id}\n`);
    throw cause;
  }
}

async function follow({ client }: Administration, id: string, show: (progress: JobProgress) => void): Promise<JobReply> {
  let seen: string | null = null;
  for (let away = 0; ; away++) {
    try {
      const response: Response = await client.get(`/api/v1/jobs/${encodeURIComponent(id)}/events`, seen === null ? {} : { 'last-event-id': seen });
      for await (const { id: eventId, event, data } of serverEvents(response)) {
        away = 0;
        seen = eventId ?? seen;
        if (event === 'progress') show(JSON.parse(data) as JobProgress);
        if (event === 'done') return JSON.parse(data) as JobReply;
        if (event === 'error') throw refused((JSON.parse(data) as ErrorBody).error);
      }
    } catch (cause) {
      if (cause instanceof Interrupted || (cause instanceof CommandError && cause.refusal !== null) || away >= AWAY_MAX) throw cause;
    }
    if (away >= AWAY_MAX) throw new CommandError('the service does not come back', { hint: `The job goes on when it does: sluice jobs watch ${id}` });
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}

function refused(refusal: ErrorBody['error']): CommandError {
  return new CommandError(refusal.message, { hint: `${refusal.code}, request ${refusal.request_id}`, refusal });
}

function progressText(
  { status, total_requests: total, failed_requests: failed, rate_per_s: rate, eta_s: eta, cost_usd: cost }: JobProgress,
  done: number,
): string {
  const parts = [`${done}/${total}`];
  if (failed > 0) parts.push(`${failed} failed`);
  if (status !== 'in_progress') parts.push(status.replace('_', ' '));
  if (rate !== null) parts.push(`${rate} rows/s`);
  if (eta !== null) parts.push(`${spanText(eta)} left`);
  return [...parts, `$${cost.toFixed(4)}`].join(' · ');
}

function endText(job: JobReply): string {
  const { status, completed_requests: completed, failed_requests: failed, started_at: from, completed_at: to } = job;
  const tookS = from === null || to === null ? null : Math.round((Date.parse(to) - Date.parse(from)) / 1000);
  const took = tookS === null ? '' : ` in ${spanText(tookS)}`;
  const saved = job.saved_usd > 0 ? `, saved $${job.saved_usd.toFixed(4)}` : '';
  const told = `${job.id} ${status.replaceAll('_', ' ')}${took} · ${completed} ok, ${failed} failed · $${job.cost_usd.toFixed(4)}${saved}`;
  const next = [`sluice jobs results ${job.id}`, ...(failed > 0 ? [`sluice jobs results ${job.id} --failed`, `sluice jobs retry ${job.id} --failed`] : [])];
  return `${told}\n${next.map((line) => `  next: ${line}`).join('\n')}`;
}
