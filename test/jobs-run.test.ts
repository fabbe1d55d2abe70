import { afterAll, beforeAll, expect, test } from 'bun:test';
import type { Sluice } from './harness.ts';
import { insertJob, openRunWorld, overJob, type RunWorld } from './jobs/run-world.ts';

/** Jobs that run by themselves, in the service as it starts by default. */
let world: RunWorld;
let sluice: Sluice;
beforeAll(async () => {
  world = await openRunWorld();
  sluice = await world.start();
});
afterAll(async () => {
  await sluice.end();
  await world.stop();
});

type Stored = {
  line: number;
  custom_id: string;
  status_code: number;
  response: { choices: { message: { content: string } }[] };
  error: { code: string } | null;
  retry_count: number;
};

test('each request is asked once and has its own answer, and the sums are those of the ledger', async () => {
  world.upstream.reset();
  world.upstream.script({ echo: true });
  const id = await insertJob(world, { rows: 200 });
  expect(await overJob(world, id)).toMatchObject({ status: 'completed', completed_requests: 200, failed_requests: 0 });
  const rows = await world.query<Stored>('select * from batch_responses where job_id = $1 order by line', [id]);
  expect(rows.map(({ response }) => response.choices[0]?.message.content)).toEqual(Array.from({ length: 200 }, (_, nth) => `row ${nth + 1}`));
  expect(world.upstream.calls().length).toBe(200);
});
