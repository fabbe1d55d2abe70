/**
 * How fast rows of jobs run: `bun bench/jobs.ts [rows] [places] [milliseconds of the provider]`. The whole service in one process with its embedded
 * database, a key with limits and a budget, and a provider in a process of its own that takes that long for each answer.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cpuMicrosBetween, cpuTimes, treeOf } from './process-tree.ts';
import { sluice } from './servers.ts';

const [rows = 20_000, places = 64, upstreamMs = 50] = process.argv.slice(2).map(Number);
const ROOT = join(import.meta.dir, '..');
const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'));

const upstream = Bun.spawn([process.execPath, 'test/fake-upstream/main.ts', '--calls-kept', '10'], { cwd: ROOT, stdout: 'pipe' });
const upstreamUrl = await firstLine(upstream.stdout);
await post(`${new URL(upstreamUrl).origin}/__fake/script`, upstreamMs > 0 ? { delayMs: upstreamMs } : []);

const target = sluice({ folder, upstreamUrl });
const service = Bun.spawn([...target.command], {
  cwd: ROOT,
  env: { ...process.env, ...target.env, JOB_CONCURRENCY: String(places) },
  stdout: 'ignore',
  stderr: 'inherit',
});
try {
  const url = `http://127.0.0.1:${target.port}`;
  while (!(await fetch(`${url}/readyz`).catch(() => null))?.ok) await Bun.sleep(50);
  await target.prepare?.();
  const headers = target.ask('keyed').headers ?? {};
  const { id } = (await post(`${url}/api/v1/jobs/`, { name: 'bench', model: 'gpt-4o-mini', max_tokens: 20, engine: 'direct', hold: true }, headers)) as Job;
  const requests = Array.from({ length: rows }, (_, nth) => ({
    custom_id: `row-${nth}`,
    body: { messages: [{ role: 'user', content: `Tell me of ${nth}` }] },
  }));
  for (let from = 0; from < rows; from += 10_000) await post(`${url}/api/v1/jobs/${id}/requests`, requests.slice(from, from + 10_000), headers);

  const pids = { service: service.pid, upstream: upstream.pid, database: target.databasePid?.() ?? 0 };
  const before = usedBy(pids);
  const beganAt = performance.now();
  await post(`${url}/api/v1/jobs/${id}/submit`, undefined, headers);
  let job: Job;
  do {
    await Bun.sleep(100);
    job = (await (await fetch(`${url}/api/v1/jobs/${id}`, { headers })).json()) as Job;
  } while (!['completed', 'completed_with_errors', 'failed'].includes(job.status));
  const seconds = (performance.now() - beganAt) / 1000;
  const after = usedBy(pids);
  const perSecond = rows / seconds;
  const most = upstreamMs > 0 ? (places * 1000) / upstreamMs : Infinity;
  console.log(`${rows} rows, ${places} at once, ${upstreamMs} ms each: ${job.status}, ${job.failed_requests} failed`);
  console.log(`${perSecond.toFixed(0)} rows/s in ${seconds.toFixed(1)} s, ${((perSecond / most) * 100).toFixed(0)} % of what the provider can do`);
  const used = (name: keyof typeof pids): string => `${name} ${(cpuMicrosBetween(before[name], after[name]) / rows).toFixed(0)}`;
  // What two cores can do is two million of these in a second.
  console.log(`microseconds of CPU for a row: ${used('service')}, ${used('database')}, ${used('upstream')}`);
} finally {
  service.kill();
  upstream.kill();
  await service.exited;
  rmSync(folder, { recursive: true, force: true });
}

type Job = { readonly id: string; readonly status: string; readonly failed_requests: number };

function usedBy<Name extends string>(pids: Readonly<Record<Name, number>>) {
  // The database is a child of the service, or of nobody.
  const database = new Set(treeOf(Object.entries<number>(pids).flatMap(([name, pid]) => (name === 'database' ? [pid] : []))));
  const names = Object.keys(pids) as Name[];
  return Object.fromEntries(names.map((name) => [name, cpuTimes(treeOf([pids[name]]).filter((pid) => name === 'database' || !database.has(pid)))])) as Record<
    Name,
    ReturnType<typeof cpuTimes>
  >;
}

async function post(url: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<unknown> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  return response.json();
}

async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    text += decoder.decode(chunk, { stream: true });
    const end = text.indexOf('\n');
    if (end >= 0) return text.slice(0, end);
  }
  throw new Error('the provider did not start');
}
