import { afterAll, beforeAll, expect, test } from 'bun:test';
import { type Sluice, until } from './harness.ts';
import { insertJob, makeJob, openRunWorld, overJob, type RunWorld, SERVE_ONLY, WORKER } from './jobs/run-world.ts';

/** Workers that are paused or die over their rows, of which others hear by their lease. */
const LEASE_S = 2;
const ENV = { JOB_LEASE_S: String(LEASE_S), JOB_CONCURRENCY: '4' };

let world: RunWorld;
let api: Sluice;
beforeAll(async () => {
  world = await openRunWorld();
  api = await world.start({ command: SERVE_ONLY, env: ENV });
});
afterAll(async () => {
  await api.end();
  await world.stop();
});

const startWorker = (): Promise<Sluice> => world.start({ command: WORKER, env: ENV });

async function runningRows(id: string): Promise<number> {
  const [row] = await world.query<{ rows: number }>(`select count(*)::int as rows from batch_requests where job_id = $1 and state = 'running'`, [id]);
  return row?.rows ?? 0;
}

test('what a paused worker had is run by others soon after its lease, and what it says later changes nothing', async () => {
  world.upstream.reset();
  world.upstream.script([{ times: 4, text: 'too late', delayMs: 1000 }, { text: 'in time' }]);
  const paused = await startWorker();
  const id = await makeJob({ ...world, url: api.url }, { rows: 4 });
  await until(() => world.upstream.counts().active === 4);
  process.kill(paused.pid, 'SIGSTOP');
  const pausedAt = performance.now();
  const other = await startWorker();
  expect(await overJob(world, id, 30_000)).toMatchObject({ status: 'completed', completed_requests: 4 });
  // Starting the other one takes its time too.
  expect(performance.now() - pausedAt).toBeLessThan((LEASE_S + 5) * 1000 + 5000);
  process.kill(paused.pid, 'SIGCONT');
  await until(() => paused.logs().some(({ message }) => /took it for dead|came too late/.test(message)));
  await paused.end();
  const answers = await world.query<{ text: string }>(`select response #>> '{choices,0,message,content}' as text from batch_responses where job_id = $1`, [id]);
  expect(answers).toEqual(Array.from({ length: 4 }, () => ({ text: 'in time' })));
  const [sums] = await world.query(
    `select completed_requests, (select count(*)::int from ledger where job_id = $1 and outcome = 'ok') as charged from batch_jobs where id = $1`,
    [id],
  );
  expect(sums).toEqual({ completed_requests: 4, charged: 4 });
  await other.end();
}, 60_000);

const DEATHS = 5;

test('a row over which five workers died is given up, and says why; the others are answered', async () => {
  world.upstream.reset();
  world.upstream.script([{ match: { prompt: 'row 1;' }, stall: true }, { text: 'well' }]);
  const id = await makeJob({ ...world, url: api.url }, { rows: 20 });
  for (let death = 0; death < DEATHS; death++) {
    const worker = await startWorker();
    await until(async () => (await runningRows(id)) === 1 && world.upstream.counts().active === 1, 20_000);
    await worker.end('SIGKILL');
  }
  const last = await startWorker();
  expect(await overJob(world, id, 30_000)).toMatchObject({ status: 'completed_with_errors', completed_requests: 19, failed_requests: 1 });
  const [lost] = await world.query(
    `select line, error ->> 'code' as code, error ->> 'message' as message from batch_responses where job_id = $1 and error is not null`,
    [id],
  );
  expect(lost).toEqual({ line: 1, code: 'worker_lost', message: `${DEATHS} workers died while they ran this request, so it is not run again` });
  expect(world.upstream.calls().filter(({ bodyText }) => bodyText.includes('row 1;')).length).toBe(DEATHS);
  await last.end();
}, 90_000);

test('a worker that is told to stop lets others have what it has not begun, and what does not end in its grace', async () => {
  world.upstream.reset();
  world.upstream.script([
    { match: { prompt: 'row 2;' }, times: 1, stall: true },
    { text: 'well', delayMs: 300 },
  ]);
  const stopped = await world.start({ command: WORKER, env: { ...ENV, SHUTDOWN_GRACE_S: '1' } });
  const id = await makeJob({ ...world, url: api.url }, { rows: 40 });
  await until(() => world.upstream.counts().active === 4);
  const toldAt = performance.now();
  expect(await stopped.end()).toBe(0);
  expect(performance.now() - toldAt).toBeLessThan(8000);
  expect(await runningRows(id)).toBe(0);
  const before = world.upstream.calls().length;
  const other = await startWorker();
  expect(await overJob(world, id)).toMatchObject({ status: 'completed', completed_requests: 40 });
  // The one that stalled, and no other, was asked again.
  expect(world.upstream.calls().length).toBe(41);
  expect(before).toBeLessThan(40);
  await other.end();
}, 60_000);

test('jobs process runs what there is to run, and ends', async () => {
  world.upstream.reset();
  world.upstream.script([{ match: { prompt: 'row 9;' }, times: 1, status: 503 }, { text: 'well' }]);
  const ids = [await makeJob({ ...world, url: api.url }, { rows: 50 }), await makeJob({ ...world, url: api.url }, { rows: 3 })];
  const passes = [1, 2].map(() =>
    Bun.spawn([process.execPath, '--no-env-file', 'src/main.ts', 'jobs', 'process'], {
      env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...world.env() },
      stdout: 'pipe',
      stderr: 'pipe',
    }),
  );
  expect(await Promise.all(passes.map((each) => each.exited))).toEqual([0, 0]);
  for (const id of ids) expect((await overJob(world, id, 1000)).status).toBe('completed');
  expect(await Promise.all(passes.map((each) => new Response(each.stdout).text()))).toEqual(['', '']);
}, 60_000);

test('a job that nobody submitted begins by itself, soon after the last change of it', async () => {
  world.upstream.script({ text: 'well' });
  const worker = await startWorker();
  const id = await insertJob(world, { rows: 3, columns: { hold: false } });
  expect(await overJob(world, id)).toMatchObject({ status: 'completed', completed_requests: 3 });
  await worker.end();
}, 60_000);
