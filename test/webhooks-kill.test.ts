import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { type Sluice, startSluice, until } from './harness.ts';
import { makeDatabase, type TestDatabase } from './test-database.ts';

const EVENTS = 1000;
const KILLS = 20;
const FAILING = 0.3;

const folder = mkdtempSync(join(tmpdir(), 'sluice-webhooks-kill-'));
/** What the receiver took, by the id of its event. */
const taken = new Map<string, number>();
let receiver: Bun.Server<undefined>;
let database: TestDatabase;
let sluice: Sluice;
let client: pg.Client;

beforeAll(async () => {
  receiver = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    async fetch(request) {
      const { id } = (await request.json()) as { id: string };
      if (Math.random() < FAILING) return new Response('', { status: 503 });
      if (request.headers.get('webhook-id') === id) taken.set(id, (taken.get(id) ?? 0) + 1);
      return new Response();
    },
  });
  database = await makeDatabase();
  await start();
}, 60_000);
afterAll(async () => {
  await client.end();
  await sluice.stop();
  await database.drop();
  await receiver.stop(true);
  rmSync(folder, { recursive: true, force: true });
});

async function start(dataDir?: string): Promise<void> {
  const config = join(folder, 'sluice.config.yaml');
  writeFileSync(config, 'webhooks: { allow_networks: ["127.0.0.1"] }\n');
  sluice = await startSluice({ env: { ...database.env, SLUICE_CONFIG: config }, ...(dataDir === undefined ? {} : { dataDir }) });
}

async function open(): Promise<void> {
  client = new pg.Client({ connectionString: database.urlOf(sluice) });
  await client.connect();
}

const states = async (): Promise<Record<string, number>> => {
  const { rows } = await client.query<{ state: string; count: string }>('select state, count(*) from webhook_deliveries group by state');
  return Object.fromEntries(rows.map(({ state, count }) => [state, Number(count)]));
};

test(`${EVENTS} events reach a receiver that fails ${FAILING * 100} % of the time, from a sender that is killed ${KILLS} times`, async () => {
  await open();
  const happen = (count: number) =>
    client.query(
      `insert into webhook_events (id, project_id, type, subject_id, url)
       select 'evt_' || gen_random_uuid(), 'default', 'batch.completed', 'job_1', $2 from generate_series(1, $1::int)`,
      [count, `http://127.0.0.1:${receiver.port}/`],
    );
  for (let kill = 0; kill < KILLS; kill++) {
    await happen(EVENTS / KILLS);
    const before = taken.size;
    await until(() => taken.size > before, 10_000);
    await sluice.end('SIGKILL');
    await start(sluice.dataDir);
  }
  // What waits for minutes, or for a sender that is dead, waits no longer.
  const hurry = () => client.query("update webhook_deliveries set next_try_at = now() where state = 'waiting' and next_try_at > now() + interval '2 s'");
  await until(async () => {
    await hurry();
    return (await states())['delivered'] === EVENTS;
  }, 60_000);
  expect(await states()).toEqual({ delivered: EVENTS });
  const { rows } = await client.query<{ id: string }>('select id from webhook_events');
  expect([...taken.keys()].toSorted()).toEqual(rows.map(({ id }) => id).toSorted());
}, 180_000);
