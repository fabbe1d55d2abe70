import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import type { Sluice } from './harness.ts';
import { type RunWorld, WORKER } from './jobs/run-world.ts';
import { ANTHROPIC, begin, codes, ended, openBatchWorld, OPENAI, textOf, type Vendor } from './provider-batches/world.ts';

/** Jobs at providers' own batches: whatever goes wrong there, all end in a true state, and none is made twice. */
let world: RunWorld;
let sluice: Sluice;
beforeAll(async () => {
  world = await openBatchWorld();
  sluice = await world.start(withAnthropic());
});
afterAll(async () => {
  await sluice.end();
  await world.stop();
});
beforeEach(() => world.upstream.reset());

function withAnthropic() {
  return { env: { ANTHROPIC_API_KEY: 'sk-upstream-000000000000', ANTHROPIC_BASE_URL: world.upstream.origin } };
}
const columnsOf = ({ model }: Vendor) => ({ model });

describe.each([OPENAI, ANTHROPIC])('batches of $name', (vendor) => {
  const columns = columnsOf(vendor);

  test('answer each request with its own answer, at half the price, and say why they were chosen', async () => {
    world.upstream.script({ echo: true });
    const { job, outcomes } = await ended(world, await begin(world, { rows: 40, columns }));
    expect(job).toMatchObject({ status: 'completed', completed_requests: 40, chosen_engine: 'provider_batch' });
    expect(job.engine_reason).toMatch(/^The batches of \w+ cost half, and every request can go there\.$/);
    expect(outcomes.map(({ response }) => textOf(response))).toEqual(Array.from({ length: 40 }, (_, index) => `row ${index + 1};`));
    expect(Number(job.cost_nano_usd)).toBeGreaterThan(0);
    expect(job.saved_nano_usd).toBe(job.cost_nano_usd);
    expect(await vendor.batches(world.upstream)).toBe(1);
  });

  test('of which all requests failed have failed', async () => {
    world.upstream.script({ match: { path: vendor.path }, status: 400 });
    const { job, outcomes } = await ended(world, await begin(world, { rows: 5, columns }));
    expect([job.status, codes(outcomes), job.cost_nano_usd]).toEqual(['failed', { UPSTREAM_REJECTED: 5 }, '0']);
    expect(outcomes[0]?.response).toMatchObject({ error: {} });
  });

  test('of which some requests failed keep the others', async () => {
    world.upstream.script([{ match: { path: vendor.path, prompt: 'row 3;' }, status: 500 }, { echo: true }]);
    const { job, outcomes } = await ended(world, await begin(world, { rows: 5, columns }));
    expect([job.status, codes(outcomes)]).toEqual(['completed_with_errors', { ok: 4, INTERNAL_ERROR: 1 }]);
    expect(outcomes[2]?.error).not.toBeNull();
  });

  test('that expired half done keep what was answered; the rest tells so, costs nothing and can be retried', async () => {
    world.upstream.setBatches({ looks: 2, outcome: 'expired', answered: 4 });
    const { id, job, outcomes } = await ended(world, await begin(world, { rows: 10, columns }));
    expect([job.status, codes(outcomes)]).toEqual(['completed_with_errors', { ok: 4, batch_expired: 6 }]);
    world.upstream.setBatches({ looks: 2, outcome: 'completed' });
    await sluiceCalls('POST', `/api/v1/jobs/${id}/retry`);
    const again = await ended(world, id);
    expect([again.job.status, codes(again.outcomes), await vendor.batches(world.upstream)]).toEqual(['completed', { ok: 10 }, 2]);
  });

  test('that are cancelled half done are cancelled there too, and keep what was answered', async () => {
    world.upstream.setBatches({ looks: 1_000_000, outcome: 'completed', answered: 4 });
    const id = await begin(world, { rows: 10, columns });
    await world.upstream.until((calls) => calls.filter(({ method, path }) => method === 'GET' && /batches\/[^/]+$/.test(path)).length > 1);
    await sluiceCalls('POST', `/api/v1/jobs/${id}/cancel`);
    const { job, outcomes } = await ended(world, id);
    expect([job.status, codes(outcomes)]).toEqual(['cancelled', { ok: 4, batch_cancelled: 6 }]);
    expect(world.upstream.calls().filter(({ path }) => path.endsWith('/cancel'))).toHaveLength(1);
  });

  test('whose job has no more time are cancelled there, and the rest has expired', async () => {
    world.upstream.setBatches({ looks: 1_000_000, outcome: 'completed', answered: 4 });
    const id = await begin(world, { rows: 10, columns });
    await world.upstream.until((calls) => calls.some(({ method, path }) => method === 'GET' && /batches\/[^/]+$/.test(path)));
    await world.query('update batch_jobs set expires_at = now() where id = $1', [id]);
    const { job, outcomes } = await ended(world, id);
    expect([job.status, codes(outcomes)]).toEqual(['expired', { ok: 4, batch_expired: 6 }]);
  });

  const wrongs = [
    ['500', { status: 500, times: 2 }],
    ['429 with a time to come back', { status: 429, headers: { 'retry-after': '0.1' }, times: 2 }],
    ['a connection that breaks before the answer', { cut: 'before-head', times: 1 }],
    ['a connection that breaks in the answer', { cutAfter: 1, times: 1 }],
    ['an answer that ends early in good order', { cutAfter: 1, cutHow: 'clean', times: 1 }],
    ['no answer at all', { stall: true, times: 1 }],
    ['a page that is no JSON', { garble: { kind: 'html' }, times: 1 }],
  ] as const;
  for (const [step, match] of Object.entries(vendor.steps)) {
    test.each(wrongs)(`end well with %s at ${step}, and are made once`, async (_, wrong) => {
      world.upstream.script([{ match, ...wrong }, { echo: true }]);
      const { job, outcomes } = await ended(world, await begin(world, { rows: 10, columns }));
      expect([job.status, codes(outcomes)]).toEqual(['completed', { ok: 10 }]);
      expect(outcomes.map(({ response }) => textOf(response))).toEqual(Array.from({ length: 10 }, (__, index) => `row ${index + 1};`));
      expect(await vendor.batches(world.upstream)).toBe(1);
    });
  }

  test.each([
    ['one is missing', { ok: 9, batch_result_missing: 1 }],
    ['one is nobody’s', { ok: 10 }],
    ['one came twice', { ok: 10 }],
  ] as const)('whose results are such that %s end in a true state', async (results, expected) => {
    world.upstream.script({ echo: true });
    world.upstream.setBatches({ looks: 1, outcome: 'completed', results });
    const { outcomes } = await ended(world, await begin(world, { rows: 10, columns }));
    expect(codes(outcomes)).toEqual(expected);
    for (const { line, response, error } of outcomes) if (error === null) expect(textOf(response)).toBe(`row ${line};`);
  });

  test.each(
    Object.keys(vendor.steps).flatMap((step) => [
      [step, 'was heard, and not answered', { stall: true }] as const,
      [step, 'was not heard', { stall: true, status: 500 }] as const,
    ]),
  )('are made once when the service is killed while %s %s', async (step, _, how) => {
    const match = vendor.steps[step];
    if (!match) throw new Error(`there is no step ${step}`);
    world.upstream.script([{ match, times: 1, ...how }, { echo: true }]);
    const id = await begin(world, { rows: 10, columns });
    await world.upstream.until((calls) => calls.some(({ rule }) => rule === 0));
    await sluice.end('SIGKILL');
    sluice = await world.start(withAnthropic());
    const { job, outcomes } = await ended(world, id);
    expect([job.status, codes(outcomes), await vendor.batches(world.upstream)]).toEqual(['completed', { ok: 10 }, 1]);
  });
});

test('a job whose batch is being filled when the service is killed is filled on, and each request goes once', async () => {
  world.upstream.script({ echo: true });
  const id = await begin(world, { rows: 3000 });
  const lines =
    'select count(*)::int as lines from batch_provider_lines l join batch_provider_batches b on b.id = provider_batch_id where b.job_id = $1 and sealed_at is null';
  while (((await world.query<{ lines: number }>(lines, [id]))[0]?.lines ?? 0) === 0) await Bun.sleep(5);
  await sluice.end('SIGKILL');
  sluice = await world.start(withAnthropic());
  const { job, outcomes } = await ended(world, id, 60_000);
  expect([job.status, codes(outcomes)]).toEqual(['completed', { ok: 3000 }]);
  const sent = await world.query<{ requests: number }>('select sum(requests)::int as requests from batch_provider_batches where job_id = $1', [id]);
  expect(sent).toEqual([{ requests: 3000 }]);
}, 90_000);

test('two processes that look at the same jobs make each batch once', async () => {
  world.upstream.script({ echo: true });
  const other = await world.start({ ...withAnthropic(), command: WORKER });
  const jobs = await Promise.all(Array.from({ length: 5 }, () => begin(world, { rows: 100 })));
  for (const id of jobs) {
    const { job, outcomes } = await ended(world, id);
    expect([job.status, codes(outcomes)]).toEqual(['completed', { ok: 100 }]);
  }
  await other.end();
  const made = await world.query('select upstream_id from batch_provider_batches where job_id = any ($1)', [jobs]);
  expect(await OPENAI.batches(world.upstream)).toBe(made.length);
}, 60_000);

async function sluiceCalls(method: string, path: string): Promise<unknown> {
  const response = await fetch(`${sluice.url}${path}`, { method });
  expect(response.status).toBeLessThan(300);
  return response.json();
}
