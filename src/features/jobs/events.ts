import type { App } from '../../app.ts';
import { AppError } from '../../contract/errors.ts';
import type { JobParams, JobProgress, JobReply } from '../../contract/jobs.ts';
import { Follower } from '../../core/cancellation.ts';
import { type JobRate, nextRate, secondsLeft } from '../../core/job-rate.ts';
import { isOver } from '../../core/job-state.ts';
import { usdOf } from '../../core/money.ts';
import { orAborted } from '../../core/or-aborted.ts';
import { pingWhenSilent } from '../../http/pings.ts';
import { renderErrorEvent } from '../../http/render-error.ts';
import type { Exchange, Reply, Sink } from '../../http/route.ts';
import { jobAt, jobReply } from './show.ts';
import type { JobRow } from './store.ts';

type Watching = Exchange<JobParams, undefined, undefined>;

const LOOK_EACH_MS = 1000;
const HEADERS = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache', 'x-accel-buffering': 'no' };

/** How a job goes, as it goes, to its end. Who comes again with the id of the last event is told only what is new. */
export async function watchJob(app: App, exchange: Watching): Promise<Reply> {
  const first = await look(app, exchange);
  const seen = exchange.request.headers.get('last-event-id');
  // An EventSource asks again after the end too, until it is told that there is nothing more.
  if (first.ended && seen === endId(first.job)) return { status: 204 };
  return { headers: HEADERS, stream: (sink) => watch(app, exchange, { first, seen, sink }) };
}

/** A job, and all that is told of it once it is over. */
type Look = { readonly job: JobRow; readonly ended: JobReply | null };

function look(app: App, { principal, params }: Watching): Promise<Look> {
  return app.inProject(principal.projectId, async (db) => {
    const job = await jobAt(db, principal, params.id);
    return { job, ended: isOver(job.status) ? await jobReply(db, job) : null };
  });
}

/** While the database is away, a job is as it was. */
async function lookAgain(app: App, exchange: Watching, before: Look): Promise<Look> {
  try {
    return await look(app, exchange);
  } catch (cause) {
    if (cause instanceof AppError && cause.code === 'SERVICE_UNAVAILABLE') return before;
    throw cause;
  }
}

type Watch = { readonly first: Look; readonly seen: string | null; readonly sink: Sink };

async function watch(app: App, exchange: Watching, { first, seen: seenBefore, sink }: Watch): Promise<void> {
  const { request, requestId } = exchange;
  const gone = new Follower(request.signal);
  const pings = pingWhenSilent(app, sink);
  try {
    let rate: JobRate | null = null;
    let seen = seenBefore;
    // One who watches does not keep the service from stopping: they come again, to another process.
    for (let at = first; app.lifecycle.state() !== 'draining'; at = await orAborted(lookAgain(app, exchange, at), gone)) {
      const { job, ended } = at;
      rate = nextRate(rate, { atMs: app.clock.now(), done: doneOf(job), startedAtMs: job.started_at?.getTime() ?? null });
      if (seen !== progressId(job)) {
        pings.wrote();
        await sink.write(event('progress', progressId(job), progressOf(job, rate)));
      }
      if (ended) return await sink.write(event('done', endId(job), ended));
      seen = progressId(job);
      await orAborted(app.clock.sleep(LOOK_EACH_MS, gone), gone);
    }
  } catch (cause) {
    if (gone.aborted || !(cause instanceof AppError)) throw cause;
    // It was deleted, or what the call was signed with was revoked.
    await sink.write(renderErrorEvent(cause, 'native', requestId));
  } finally {
    pings.stop();
  }
}

function event(name: string, id: string, data: unknown): string {
  return `id: ${id}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** Follows from what is told, so that it is the same on every process. */
function progressId({ id, status, completed_requests: completed, failed_requests: failed, cost_nano_usd: cost }: JobRow): string {
  return `${id}:${status}:${completed}:${failed}:${cost}`;
}

function endId(job: JobRow): string {
  return `${progressId(job)}:${job.completed_at?.getTime() ?? 0}`;
}

function doneOf({ completed_requests: completed, failed_requests: failed }: JobRow): number {
  return completed + failed;
}

function progressOf(job: JobRow, rate: JobRate): JobProgress {
  const left = job.status === 'in_progress' ? secondsLeft(rate, job.total_requests) : null;
  return {
    id: job.id,
    status: job.status,
    total_requests: job.total_requests,
    completed_requests: job.completed_requests,
    failed_requests: job.failed_requests,
    input_tokens: job.input_tokens,
    output_tokens: job.output_tokens,
    cost_usd: usdOf(job.cost_nano_usd),
    saved_usd: usdOf(job.saved_nano_usd),
    rate_per_s: rate.perS === null ? null : Math.round(rate.perS * 100) / 100,
    eta_s: left === null ? null : Math.ceil(left),
  };
}
