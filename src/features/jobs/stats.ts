import type { App } from '../../app.ts';
import { JOB_STATUSES, type JobStats, type JobStatus } from '../../contract/jobs.ts';
import { usdOf } from '../../core/money.ts';
import type { Exchange, Reply } from '../../http/route.ts';
import { reachOfJobs } from './creator.ts';
import { type StatusSums, sumJobs } from './store.ts';

export async function showStats(app: App, { principal }: Exchange): Promise<Reply> {
  const sums = await app.inProject(principal.projectId, (db) => sumJobs(db, reachOfJobs(principal)));
  return { json: statsOf(sums) };
}

function statsOf(sums: readonly StatusSums[]): JobStats {
  const sum = (name: Exclude<keyof StatusSums, 'status'>): number => sums.reduce((total, one) => total + one[name], 0);
  const [total, completed, failed, saved, byBatch] = [sum('total'), sum('completed'), sum('failed'), sum('savedNanoUsd'), sum('savedByBatchNanoUsd')];
  const done = completed + failed;
  return {
    total_jobs: sum('jobs'),
    by_status: byStatus(sums),
    total_requests: total,
    completed_requests: completed,
    failed_requests: failed,
    open_requests: Math.max(0, total - done),
    success_rate: done === 0 ? null : completed / done,
    failure_rate: done === 0 ? null : failed / done,
    input_tokens: sum('inputTokens'),
    output_tokens: sum('outputTokens'),
    total_tokens: sum('inputTokens') + sum('outputTokens'),
    cost_usd: usdOf(sum('costNanoUsd')),
    saved_usd: usdOf(saved),
    saved_by_batch_usd: usdOf(byBatch),
    saved_by_cache_usd: usdOf(saved - byBatch),
  };
}

function byStatus(sums: readonly StatusSums[]): Record<JobStatus, number> {
  const counts = new Map(sums.map(({ status, jobs }) => [status, jobs]));
  return Object.fromEntries(JOB_STATUSES.map((status) => [status, counts.get(status) ?? 0])) as Record<JobStatus, number>;
}
