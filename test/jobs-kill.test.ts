import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Sluice, until } from './harness.ts';
import { type PostgresServer, startPostgresServer } from '../scripts/testing/postgres-server.ts';
import type { TestDatabase } from './test-database.ts';
import { insertJob, isOver, openRunWorld, overJob, type RunWorld, SERVE_ONLY, WORKER } from './jobs/run-world.ts';

/** Two workers and a service, any of which may be killed at any moment, and the database too. */
const KILLS = Number(process.env['SLUICE_TEST_JOB_KILLS'] ?? 20);
const ROWS = Number(process.env['SLUICE_TEST_JOB_ROWS'] ?? 1000);
const PLACES = 16;
/** Of requests that were under way at five deaths: each has its outcome, which says so, and can be retried. */
const LOST_MAX = 3;
const STARTS_MAX = 10;
const UPSTREAM_MS = 200;
const LIMIT_MS = 60_000 + KILLS * 8000;
const ENV = { JOB_LEASE_S: '3', JOB_CONCURRENCY: String(PLACES), JOB_POLL_INTERVAL_S: '1' };

function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const IS_SERVER = process.env['SLUICE_TEST_DATABASE_URL'] !== undefined;
const WHERE = IS_SERVER ? 'a server' : 'the embedded database';

type Role = 'api' | 'one' | 'two';
const COMMANDS: Readonly<Record<Role, readonly string[]>> = { api: SERVE_ONLY, one: WORKER, two: WORKER };

/** The processes of one service, each of which comes back after it was killed; nobody waits for that. */
async function startAll(world: RunWorld): Promise<{ readonly kill: (role: Role) => Promise<void>; readonly stop: () => Promise<void> }> {
  // One that starts while the database is away ends again, and is started again, as by any supervisor.
  const start = (role: Role, tries = 0): Promise<Sluice> =>
    world.start({ command: COMMANDS[role], env: ENV }).catch((cause: unknown) => {
      if (tries === STARTS_MAX) throw cause;
      return start(role, tries + 1);
    });
  const running = new Map<Role, Promise<Sluice>>();
  for (const role of ['api', 'one', 'two'] as const) {
    running.set(role, start(role));
    await running.get(role);
  }
  return {
    async kill(role) {
      await (await running.get(role))?.end('SIGKILL');
      running.set(role, start(role));
    },
    async stop() {
      for (const each of running.values()) await (await each).end();
    },
  };
}

/** The server of the other tests is not ours to kill. */
async function ownServer(): Promise<PostgresServer> {
  const server = await startPostgresServer();
  if ('notRun' in server) throw new Error(server.notRun);
  return server;
}

function databaseOf({ url, stop }: PostgresServer): TestDatabase {
  return { env: { DATABASE_URL: url }, urlOf: () => url, drop: stop };
}

/** The embedded one is started again by whoever misses it. */
async function killEmbedded(world: RunWorld): Promise<void> {
  process.kill(Number(readFileSync(join(world.env()['DATA_DIR'] ?? '', 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0]), 'SIGKILL');
}

type Sums = { readonly requests: number; readonly done: number; readonly outcomes: number; readonly answered: number; readonly lost: number };

async function sumsOf(world: RunWorld): Promise<Sums> {
  const [sums] = await world.query<Sums>(
    `select (select count(*)::int from batch_requests) as requests, (select count(*)::int from batch_requests where state = 'done') as done,
      (select count(*)::int from batch_responses) as outcomes, (select count(*)::int from batch_responses where error is null) as answered,
      (select count(*)::int from batch_responses join batch_requests using (job_id, line) where error ->> 'code' = 'worker_lost' and crashes >= 5) as lost`,
  );
  if (!sums) throw new Error('there are no sums');
  return sums;
}

type Calls = { readonly calls: number; readonly ids: number; readonly charged: number };

async function callsOf(world: RunWorld): Promise<Calls> {
  const [calls] = await world.query<Calls>(
    `select count(*)::int as calls, count(distinct id)::int as ids, count(*) filter (where outcome = 'ok')::int as charged from ledger where job_id is not null`,
  );
  if (!calls) throw new Error('there are no sums');
  return calls;
}

/** There is always a job under way: the next one comes as soon as the one before is over. */
async function keepBusy(world: RunWorld, jobs: string[]): Promise<void> {
  const last = jobs.at(-1);
  if (last && !(await isOver(world, last))) return;
  jobs.push(await insertJob(world, { rows: ROWS }));
}

describe(`${KILLS} kills while jobs of ${ROWS} requests run, with ${WHERE}`, () => {
  let world: RunWorld;
  let killDatabase: () => Promise<void>;
  beforeAll(async () => {
    const server = IS_SERVER ? await ownServer() : null;
    world = await openRunWorld({}, server === null ? undefined : databaseOf(server));
    killDatabase = server?.kill ?? (() => killEmbedded(world));
  }, 60_000);
  afterAll(() => world.stop());

  test(
    'each request has one outcome and one call in the ledger, and no more were asked again than were under way',
    async () => {
      world.upstream.script({ echo: true, delayMs: UPSTREAM_MS });
      const random = randomNumbers(20_261_121);
      const all = await startAll(world);
      const jobs: string[] = [];
      let workersKilled = 0;
      for (let kill = 0; kill < KILLS; kill++) {
        await keepBusy(world, jobs);
        await Bun.sleep(100 + random() * 900);
        const dice = random();
        if (dice < 0.2) await killDatabase();
        else if (dice < 0.4) await all.kill('api');
        else {
          workersKilled++;
          await all.kill(dice < 0.7 ? 'one' : 'two');
        }
      }
      for (const id of jobs) await overJob(world, id, LIMIT_MS);
      const requests = jobs.length * ROWS;
      const { answered, lost, ...whole } = await sumsOf(world);
      expect(whole).toEqual({ requests, done: requests, outcomes: requests });
      // A row that was there whenever a worker was killed looks like the one that kills them.
      expect(answered).toBe(requests - lost);
      expect(lost).toBeLessThanOrEqual(LOST_MAX);
      // Every process enters what it has in its journal, and the next one what those had who died.
      await all.stop();
      const last = await world.start({ command: SERVE_ONLY, env: ENV });
      await until(async () => (await callsOf(world)).charged >= answered, 40_000).catch(() => undefined);
      const { calls, ids, charged } = await callsOf(world);
      expect(ids).toBe(calls);
      // One that was given up may have been answered, to a worker that was killed before it had said so.
      expect([charged >= answered, charged <= answered + lost]).toEqual([true, true]);
      const extra = world.upstream.counts().calls - requests;
      console.log(`of ${requests} requests ${extra} were asked again after ${workersKilled} workers were killed; ${lost} were given up`);
      expect(extra).toBeLessThanOrEqual(workersKilled * PLACES);
      await last.end();
    },
    LIMIT_MS + 60_000,
  );
});
