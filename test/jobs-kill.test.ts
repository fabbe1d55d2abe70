import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Sluice, until } from './harness.ts';
import { insertJob, openRunWorld, overJob, type RunWorld, SERVE_ONLY, WORKER } from './jobs/run-world.ts';

/** Two workers and a service, any of which may be killed at any moment, and the database too. */
const KILLS = Number(process.env['SLUICE_TEST_JOB_KILLS'] ?? 20);
const ROWS = Number(process.env['SLUICE_TEST_JOB_ROWS'] ?? 3000);
const PLACES = 16;
/** So slow that the last kill comes before the last answer. */
const UPSTREAM_MS = 400;
const LIMIT_MS = 60_000 + KILLS * 8000;
const ENV = { JOB_LEASE_S: '3', JOB_CONCURRENCY: String(PLACES), JOB_POLL_INTERVAL_S: '1' };

function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

type Role = 'api' | 'one' | 'two';
const COMMANDS: Readonly<Record<Role, readonly string[]>> = { api: SERVE_ONLY, one: WORKER, two: WORKER };

/** The processes of one service, each of which comes back after it was killed. */
async function startAll(world: RunWorld): Promise<{ readonly kill: (role: Role) => Promise<void>; readonly stop: () => Promise<void> }> {
  const start = (role: Role): Promise<Sluice> => world.start({ command: COMMANDS[role], env: ENV });
  const running = new Map<Role, Sluice>();
  for (const role of ['api', 'one', 'two'] as const) running.set(role, await start(role));
  return {
    async kill(role) {
      await running.get(role)?.end('SIGKILL');
      running.set(role, await start(role));
    },
    async stop() {
      await Promise.all([...running.values()].map((each) => each.end()));
    },
  };
}

function postmasterPid(dataDir: string): number {
  return Number(readFileSync(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0]);
}

type Sums = { readonly requests: number; readonly done: number; readonly outcomes: number; readonly answered: number; readonly lost: number };

async function sumsOf(world: RunWorld, id: string): Promise<Sums> {
  const [sums] = await world.query<Sums>(
    `select (select count(*)::int from batch_requests where job_id = $1) as requests,
      (select count(*)::int from batch_requests where job_id = $1 and state = 'done') as done,
      (select count(*)::int from batch_responses where job_id = $1) as outcomes,
      (select count(*)::int from batch_responses where job_id = $1 and error is null) as answered,
      (select count(*)::int from batch_responses join batch_requests using (job_id, line) where job_id = $1 and error ->> 'code' = 'worker_lost' and crashes = 3) as lost`,
    [id],
  );
  if (!sums) throw new Error('there are no sums');
  return sums;
}

type Calls = { readonly calls: number; readonly ids: number; readonly charged: number };

async function callsOf(world: RunWorld, id: string): Promise<Calls> {
  const [calls] = await world.query<Calls>(
    `select count(*)::int as calls, count(distinct id)::int as ids, count(*) filter (where outcome = 'ok')::int as charged from ledger where job_id = $1`,
    [id],
  );
  if (!calls) throw new Error('there are no sums');
  return calls;
}

const WHERE = process.env['SLUICE_TEST_DATABASE_URL'] ? 'a server' : 'the embedded database';

describe(`${KILLS} kills over ${ROWS} requests, with ${WHERE}`, () => {
  let world: RunWorld;
  beforeAll(async () => {
    world = await openRunWorld();
  });
  afterAll(() => world.stop());

  test(
    'each request has one outcome and one call in the ledger, and no more were asked again than were under way',
    async () => {
      world.upstream.script({ echo: true, delayMs: UPSTREAM_MS });
      const random = randomNumbers(20_261_121);
      const all = await startAll(world);
      const id = await insertJob(world, { rows: ROWS });
      let workersKilled = 0;
      for (let kill = 0; kill < KILLS; kill++) {
        await Bun.sleep(100 + random() * 900);
        const dice = random();
        if (dice < 0.2 && WHERE !== 'a server') process.kill(postmasterPid(world.env()['DATA_DIR'] ?? ''), 'SIGKILL');
        else if (dice < 0.4) await all.kill('api');
        else {
          workersKilled++;
          await all.kill(dice < 0.7 ? 'one' : 'two');
        }
      }
      expect((await sumsOf(world, id)).done).toBeLessThan(ROWS);
      const job = await overJob(world, id, LIMIT_MS);
      const { answered, lost, ...whole } = await sumsOf(world, id);
      expect(whole).toEqual({ requests: ROWS, done: ROWS, outcomes: ROWS });
      expect(job).toMatchObject({ completed_requests: answered, failed_requests: lost });
      // A row that was there whenever a worker was killed looks like the one that kills them.
      expect(lost).toBeLessThanOrEqual(PLACES);
      // Every process enters what it has in its journal, and another one what a dead one had.
      await until(async () => (await callsOf(world, id)).charged >= answered, 40_000).catch(() => undefined);
      const { calls, ids, charged } = await callsOf(world, id);
      expect([ids, charged]).toEqual([calls, answered]);
      const extra = world.upstream.counts().calls - ROWS;
      console.log(`${extra} requests were asked again after ${workersKilled} workers were killed`);
      expect(extra).toBeLessThanOrEqual(workersKilled * PLACES);
      await all.stop();
    },
    LIMIT_MS + 60_000,
  );
});
