import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import type { Sluice } from './harness.ts';
import type { RunWorld } from './jobs/run-world.ts';
import { begin, codes, ended, openBatchWorld, OPENAI, textOf } from './provider-batches/world.ts';

/** What batches of providers may cost, which of them are made at all, and what they say on every endpoint. */
let world: RunWorld;
let sluice: Sluice;
beforeAll(async () => {
  world = await openBatchWorld();
  sluice = await start();
});
afterAll(async () => {
  await sluice.end();
  await world.stop();
});
beforeEach(() => world.upstream.reset());

function start(more: Record<string, string> = {}): Promise<Sluice> {
  return world.start({ env: { ANTHROPIC_API_KEY: 'sk-upstream-000000000000', ANTHROPIC_BASE_URL: world.upstream.origin, ...more } });
}

/** The most that the requests of a batch can cost. */
async function worstOf(id: string): Promise<number> {
  const [row] = await world.query<{ worst: string }>(
    'select sum(worst_nano_usd) as worst from batch_provider_lines l join batch_provider_batches b on b.id = provider_batch_id where b.job_id = $1',
    [id],
  );
  return Number(row?.worst);
}
type Window = { readonly spent: number; readonly leased: number };
async function windowOf(id: string): Promise<Window> {
  const [row] = await world.query<{ spent: string; leased: string }>(
    'select spent_nano_usd as spent, leased_nano_usd as leased from budget_windows where scope = $1',
    [`job:${id}`],
  );
  return { spent: Number(row?.spent ?? -1), leased: Number(row?.leased ?? -1) };
}
const isLooking = (calls: readonly { method: string; path: string }[]): boolean =>
  calls.some(({ method, path }) => method === 'GET' && /batches\/[^/]+$/.test(path));

describe('a budget', () => {
  test('is held for all that a batch may cost while it is under way, over the death of the process too, and is free when it is over', async () => {
    world.upstream.setBatches({ looks: 1_000_000, outcome: 'completed', answered: 10 });
    const id = await begin(world, { rows: 10, columns: { budget_nano_usd: 1_000_000 } });
    await world.upstream.until(isLooking);
    const held = await windowOf(id);
    expect(held.leased).toBeGreaterThan(0);
    expect(held).toEqual({ spent: 0, leased: await worstOf(id) });
    await sluice.end('SIGKILL');
    sluice = await start();
    expect(await windowOf(id)).toEqual(held);
    world.upstream.setBatches({ looks: 1, outcome: 'completed' });
    const { job } = await ended(world, id);
    expect(job.status).toBe('completed');
    expect(await windowOf(id)).toEqual({ spent: Number(job.cost_nano_usd), leased: 0 });
  });

  test('that suffices for some requests at a time makes several batches, one after the other, and is never overdrawn', async () => {
    world.upstream.script({ usage: { input: 10, output: 20 } });
    const probe = await begin(world, { rows: 1, columns: { budget_nano_usd: 1_000_000 } });
    const { job: one } = await ended(world, probe);
    const cost = Number(one.cost_nano_usd);
    // Room for three at their worst, and for six at what they cost.
    const budget = cost * 6 + 3000;
    const id = await begin(world, { rows: 40, columns: { budget_nano_usd: budget } });
    const { job, outcomes } = await ended(world, id);
    const counts = codes(outcomes);
    expect(Number(job.cost_nano_usd)).toBeLessThanOrEqual(budget);
    expect(counts['ok']).toBeGreaterThan(1);
    expect(counts['BUDGET_EXCEEDED']).toBe(40 - (counts['ok'] ?? 0));
    expect(await windowOf(id)).toEqual({ spent: Number(job.cost_nano_usd), leased: 0 });
  }, 60_000);
});

describe('which engine', () => {
  test('is the direct one for a model whose provider has no batches, and says so', async () => {
    const { job } = await ended(world, await begin(world, { rows: 3, columns: { model: 'demo' } }));
    expect(job).toMatchObject({ chosen_engine: 'direct', status: 'completed', engine_reason: 'demo has no batches for demo.' });
  });

  test('cannot be batches where there are none', async () => {
    const { job, outcomes } = await ended(world, await begin(world, { rows: 3, columns: { model: 'demo', engine: 'provider_batch' } }));
    expect([job.status, job.error?.code, codes(outcomes)]).toEqual(['failed', 'INVALID_VALUE', { INVALID_VALUE: 3 }]);
  });

  test('is the direct one where a server speaks the API without its batches', async () => {
    world.upstream.script([{ match: { path: '/v1/files' }, status: 405 }, { echo: true }]);
    const { job } = await ended(world, await begin(world, { rows: 3 }));
    expect(job).toMatchObject({ chosen_engine: 'direct', status: 'completed', engine_reason: 'openai has no batches at its address.' });
  });

  test('is one batch for each model that the requests name', async () => {
    world.upstream.script({ echo: true });
    const models = ['gpt-4o-mini', 'gpt-4o', 'claude-haiku-4-5'];
    const body = (line: number) => ({ model: models[line % 3], messages: [{ role: 'user', content: `row ${line};` }] });
    const { id, job, outcomes } = await ended(world, await begin(world, { rows: 9, body, columns: { model: null } }));
    expect([job.status, outcomes.map(({ response }) => textOf(response))]).toEqual(['completed', Array.from({ length: 9 }, (_, nth) => `row ${nth + 1};`)]);
    const batches = await world.query<{ model: string; requests: number }>(
      'select model, requests from batch_provider_batches where job_id = $1 order by model',
      [id],
    );
    expect(batches).toEqual(models.toSorted().map((model) => ({ model, requests: 3 })));
  });
});

describe('a batch', () => {
  test('that is refused for some of its requests is made again without them', async () => {
    world.upstream.setBatches({ looks: 1, outcome: 'completed', refuses: 'row 3;' });
    const { job, outcomes } = await ended(world, await begin(world, { rows: 6 }));
    expect([job.status, codes(outcomes)]).toEqual(['completed_with_errors', { ok: 5, invalid_request: 1 }]);
    expect(outcomes[2]?.error).toEqual({ code: 'invalid_request', message: 'The request says row 3;.' });
    expect(await OPENAI.batches(world.upstream)).toBe(2);
  });

  test('that is refused as a whole fails with the words of the provider', async () => {
    world.upstream.setBatches({ looks: 1, outcome: 'failed' });
    const { job, outcomes } = await ended(world, await begin(world, { rows: 3 }));
    expect([job.status, codes(outcomes), outcomes[0]?.error?.message]).toEqual(['failed', { server_error: 3 }, 'The batch failed.']);
  });

  test('whose creation is refused fails at once, and is not tried again', async () => {
    world.upstream.script({
      match: { path: '/v1/batches', method: 'POST' },
      status: 400,
      body: { error: { message: 'Billing hard limit.', code: 'billing_hard_limit_reached' } },
    });
    const { job, outcomes } = await ended(world, await begin(world, { rows: 3 }));
    expect([job.status, codes(outcomes)]).toEqual(['failed', { UPSTREAM_REJECTED: 3 }]);
    expect(outcomes[0]?.error?.message).toContain('Billing hard limit.');
    expect(world.upstream.calls().filter(({ method, path }) => method === 'POST' && path === '/v1/batches')).toHaveLength(1);
  });

  test('of which nothing more can be heard is given up after a while, at the most that it can have cost', async () => {
    await sluice.end();
    sluice = await start({ JOB_BATCH_GIVE_UP_S: '1' });
    world.upstream.script({ match: { path: '/v1/batches/*', method: 'GET' }, status: 500 });
    const { job, outcomes } = await ended(world, await begin(world, { rows: 3, columns: { budget_nano_usd: 1_000_000 } }));
    expect([job.status, codes(outcomes)]).toEqual(['failed', { INTERNAL_ERROR: 3 }]);
    expect(outcomes[0]?.error?.message).toContain('the batch was given up');
    expect(Number(job.cost_nano_usd)).toBeGreaterThan(0);
    expect(world.upstream.calls().some(({ path }) => path.endsWith('/cancel'))).toBe(true);
    await sluice.end();
    sluice = await start();
  });
});

const ENDPOINTS = [
  ['/v1/chat/completions', 'gpt-4o-mini', { messages: [{ role: 'user', content: 'Hi' }], logprobs: false }],
  ['/v1/chat/completions', 'claude-haiku-4-5', { messages: [{ role: 'user', content: 'Hi' }] }],
  ['/v1/completions', 'gpt-4o-mini', { prompt: 'Hi' }],
  ['/v1/responses', 'gpt-4o-mini', { input: 'Hi' }],
  ['/v1/responses', 'claude-haiku-4-5', { input: 'Hi' }],
  ['/v1/messages', 'claude-haiku-4-5', { messages: [{ role: 'user', content: 'Hi' }], max_tokens: 20 }],
  ['/v1/messages', 'gpt-4o-mini', { messages: [{ role: 'user', content: 'Hi' }], max_tokens: 20 }],
  ['/v1/embeddings', 'text-embedding-3-small', { input: ['Hi', 'Ho'] }],
  ['/api/v1/generate', 'gpt-4o-mini', { template_id: 'basic_chat_v1', input: 'Hi' }],
  ['/api/v1/generate', 'claude-haiku-4-5', { template_id: 'basic_chat_v1', input: 'Hi' }],
] as const;

test.each(ENDPOINTS)('%s on %s says in a batch what it says directly, for half', async (endpoint, model, body) => {
  world.upstream.script({ text: 'Hello there' });
  const columns = {
    endpoint,
    model,
    max_tokens: endpoint === '/v1/embeddings' ? null : 20,
    ...(endpoint === '/api/v1/generate' ? { template_id: 'basic_chat_v1' } : {}),
  };
  const [batched, direct] = await Promise.all([
    begin(world, { rows: 1, body: () => body, columns }).then((id) => ended(world, id)),
    begin(world, { rows: 1, body: () => body, columns: { ...columns, engine: 'direct' } }).then((id) => ended(world, id)),
  ]);
  expect([batched.job.chosen_engine, batched.job.status, direct.job.status]).toEqual(['provider_batch', 'completed', 'completed']);
  expect(formOf(batched.outcomes[0]?.response)).toEqual(formOf(direct.outcomes[0]?.response));
  expect(2 * Number(batched.job.cost_nano_usd)).toBe(Number(direct.job.cost_nano_usd));
});

/** All that is said, without what is another one each time. */
function formOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(formOf);
  if (typeof value !== 'object' || value === null) return value;
  const fleeting = new Set(['id', 'created', 'created_at', 'completed_at', 'request_id', 'latency_ms', 'cost_usd']);
  return Object.fromEntries(Object.entries(value).flatMap(([name, each]) => (fleeting.has(name) ? [] : [[name, formOf(each)]])));
}

test('an answer that does not fit its schema is put right by a call of its own, at once', async () => {
  const columns = { endpoint: '/api/v1/generate', template_id: 'sentiment_v1', max_tokens: 200 };
  const good = { sentiment: 'positive', score: 0.9, confidence: 0.9, emotions: ['joy'], explanation: 'It says so.' };
  world.upstream.script([{ match: { path: '/v1/responses', nth: 1 }, text: '{"sentiment": "great"}' }, { text: JSON.stringify(good) }]);
  const { job, outcomes } = await ended(world, await begin(world, { rows: 1, body: () => ({ input: 'What a day!' }), columns }));
  expect([job.chosen_engine, job.status, codes(outcomes)]).toEqual(['provider_batch', 'completed', { ok: 1 }]);
  const [outcome] = outcomes;
  expect(JSON.parse((outcome?.response as { output: string } | undefined)?.output ?? '')).toEqual(good);
  const calls = await world.query('select id from ledger where job_id = $1', [job.id]);
  expect(calls).toHaveLength(2);
});
