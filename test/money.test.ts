import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { type FakeUpstream, startFakeUpstream } from './fake-upstream/server.ts';
import { call, type Sluice, startSluice, until } from './harness.ts';
import { makeDatabase, type TestDatabase } from './test-database.ts';

/** What was spent is known exactly, whatever dies. Every call costs a cent: nothing for the prompt, and the longest answer is what comes. */
const MAX_TOKENS = 10;
const CALL_NANO_USD = 10_000_000;
const CONFIG = { prices: { 'openai/gpt-4o-mini': { input: 0, output: 1000 } } };
const ROUNDS = 100;
const CALLERS = 16;

let upstream: FakeUpstream;
let database: TestDatabase;
let folder: string;

beforeAll(async () => {
  upstream = await startFakeUpstream();
  upstream.script({ usage: { input: 20, output: MAX_TOKENS }, delayMs: 5 });
  database = await makeDatabase();
  folder = mkdtempSync(join(tmpdir(), 'sluice-money-'));
  writeFileSync(join(folder, 'sluice.config.yaml'), JSON.stringify(CONFIG));
});
afterAll(async () => {
  upstream.stop();
  await database.drop();
  rmSync(folder, { recursive: true, force: true });
});

function start(): Promise<Sluice> {
  const keys = { OPENAI_API_KEY: 'sk-upstream-000000000000', ANTHROPIC_API_KEY: 'sk-ant-upstream-000000000000' };
  const addresses = { OPENAI_BASE_URL: upstream.url, ANTHROPIC_BASE_URL: upstream.url };
  return startSluice({
    dataDir: folder,
    env: { ...keys, ...addresses, SLUICE_CONFIG: join(folder, 'sluice.config.yaml'), UPSTREAM_MAX_RETRIES: '0', ...database.env },
  });
}

let asked = 0;

/** One call after the other until the service is gone; each is known by its request id. */
async function callOnAndOn(url: string): Promise<void> {
  for (;;) {
    asked += 1;
    const id = `money-${asked}`;
    try {
      await call(`${url}/generate`, { json: { prompt: id, max_tokens: MAX_TOKENS }, headers: { 'x-request-id': id, 'cache-control': 'no-store' } });
    } catch {
      return;
    }
  }
}

type Row = { readonly id: string; readonly request_id: string; readonly outcome: string; readonly cost_nano_usd: string };

async function query<Found extends object>(sluice: Sluice, statement: string): Promise<Found[]> {
  const client = new pg.Client({ connectionString: database.urlOf(sluice) });
  await client.connect();
  try {
    return (await client.query<Found>(statement)).rows;
  } finally {
    await client.end();
  }
}

describe(`a process that is killed ${ROUNDS} times under load`, () => {
  test('has charged what the provider was asked, each call once, and holds nothing back', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const sluice = await start();
      const callers = Array.from({ length: CALLERS }, () => callOnAndOn(sluice.url));
      await Bun.sleep(20 + ((round * 37) % 180));
      await sluice.end('SIGKILL');
      await Promise.all(callers);
    }
    const last = await start();
    try {
      const rows = await query<Row>(last, 'select id, request_id, outcome, cost_nano_usd from ledger');
      const known = new Map(rows.map((row) => [row.request_id, row]));
      const told = upstream.calls().map((each) => /money-\d+/.exec(each.bodyText)?.[0] ?? '');
      expect(told.length).toBeGreaterThan(ROUNDS * CALLERS);

      // Every call that the provider got is there, once, at what it costs.
      expect(told.filter((id) => !known.has(id))).toEqual([]);
      expect(rows).toHaveLength(known.size);
      expect(rows.filter((row) => Number(row.cost_nano_usd) !== CALL_NANO_USD)).toEqual([]);
      // Killed between the line in the journal and the first byte to the provider: a few microseconds, and on the safe side.
      const unseen = rows.filter((row) => !told.includes(row.request_id));
      expect(unseen.every((row) => row.outcome === 'lost')).toBe(true);
      expect(unseen.length).toBeLessThanOrEqual(2);
      expect(rows.some((row) => row.outcome === 'lost')).toBe(true);

      const [sums] = await query<{ calls: string; cost: string }>(last, 'select sum(calls) as calls, sum(cost_nano_usd) as cost from usage_quarters');
      expect(sums).toEqual({ calls: String(rows.length), cost: String(rows.length * CALL_NANO_USD) });
      expect(await query(last, 'select 1 from budget_leases')).toEqual([]);
      expect(await query(last, `select 1 from processes where seen_at < now() - interval '60 seconds'`)).toEqual([]);
    } finally {
      await last.end();
    }
  }, 400_000);
});

describe('a call', () => {
  let sluice: Sluice;
  beforeAll(async () => {
    sluice = await start();
  });
  afterAll(async () => {
    await sluice.end();
  });

  async function rowOf(requestId: string): Promise<Record<string, unknown>> {
    let row: Record<string, unknown> | undefined;
    await until(async () => {
      [row] = await query<Record<string, unknown>>(sluice, `select * from ledger where request_id = '${requestId}'`);
      return row !== undefined;
    });
    return row ?? {};
  }

  test('whose stream gives no usage is charged by our count, and marked as estimated', async () => {
    upstream.script({ text: 'tide tide tide', garble: { kind: 'no-usage' } });
    const headers = { 'x-request-id': 'no-usage', 'cache-control': 'no-store' };
    await call(`${sluice.url}/generate?stream=true`, { json: { prompt: 'x', max_tokens: MAX_TOKENS }, headers });
    const row = await rowOf('no-usage');
    expect(row).toMatchObject({ outcome: 'ok', estimated: true, streamed: true });
    expect(Number(row['cost_nano_usd'])).toBe(Number(row['output_tokens']) * 1_000_000);
    expect(Number(row['output_tokens'])).toBeGreaterThan(0);
  });

  test('whose stream is cut is charged for what came, and says so', async () => {
    upstream.script({ text: 'one two three four five six', chunks: 6, cutAfter: 3 });
    const headers = { 'x-request-id': 'cut', 'cache-control': 'no-store' };
    const { text } = await call(`${sluice.url}/generate?stream=true`, { json: { prompt: 'x', max_tokens: MAX_TOKENS }, headers });
    expect(text).toContain('event: error');
    const row = await rowOf('cut');
    expect(row).toMatchObject({ outcome: 'cut', estimated: true, error_code: 'INTERNAL_ERROR' });
    expect(Number(row['cost_nano_usd'])).toBeGreaterThan(0);
    expect(Number(row['output_tokens'])).toBeLessThan(8);
  });

  test('whose stream is cut after it said how much it read is charged for just that', async () => {
    upstream.script({ text: 'one two three four five six', chunks: 6, cutAfter: 3, usage: { input: 4321, output: MAX_TOKENS } });
    const headers = { 'x-request-id': 'cut-later', 'cache-control': 'no-store' };
    const { text } = await call(`${sluice.url}/generate?stream=true`, {
      json: { prompt: 'x', max_tokens: MAX_TOKENS, model: 'anthropic/claude-haiku-4-5' },
      headers,
    });
    expect(text).toContain('event: error');
    const row = await rowOf('cut-later');
    expect(row).toMatchObject({ outcome: 'cut', estimated: true, input_tokens: 4321 });
    expect(Number(row['output_tokens'])).toBeLessThan(8);
    upstream.script({ usage: { input: 20, output: MAX_TOKENS }, delayMs: 5 });
  });

  test('whose caller leaves is charged for what was produced until then', async () => {
    upstream.script({ text: 'tide '.repeat(500), chunks: 500, chunkDelayMs: 10 });
    const leaving = new AbortController();
    const headers = { 'x-request-id': 'left', 'cache-control': 'no-store', 'content-type': 'application/json' };
    const body = JSON.stringify({ prompt: 'x', max_tokens: 1000 });
    const response = await fetch(`${sluice.url}/generate?stream=true`, { method: 'POST', body, headers, signal: leaving.signal });
    const reader = response.body?.getReader();
    for (let reads = 0; reads < 5; reads++) await reader?.read();
    leaving.abort();
    const row = await rowOf('left');
    expect(row).toMatchObject({ outcome: 'left', estimated: true });
    expect(Number(row['output_tokens'])).toBeGreaterThan(3);
    expect(Number(row['output_tokens'])).toBeLessThan(200);
  });

  test('that the provider refuses costs nothing, and is in the ledger with what went wrong', async () => {
    upstream.script({ status: 400 });
    const headers = { 'x-request-id': 'refused', 'cache-control': 'no-store' };
    const { status } = await call(`${sluice.url}/generate`, { json: { prompt: 'x' }, headers });
    expect(status).toBe(400);
    expect(await rowOf('refused')).toMatchObject({ outcome: 'failed', error_code: 'UPSTREAM_REJECTED', cost_nano_usd: '0' });
  });

  test('that the cache answers costs nothing, and says what it saved', async () => {
    upstream.script({ usage: { input: 20, output: MAX_TOKENS } });
    for (const id of ['paid', 'saved'])
      await call(`${sluice.url}/generate`, { json: { prompt: 'same', max_tokens: MAX_TOKENS }, headers: { 'x-request-id': id } });
    const paid = await rowOf('paid');
    expect(paid).toMatchObject({ cache: 'MISS', cost_nano_usd: String(CALL_NANO_USD), saved_nano_usd: '0' });
    expect(await rowOf('saved')).toMatchObject({ cache: 'HIT', cost_nano_usd: '0', saved_nano_usd: String(CALL_NANO_USD), request_hash: paid['request_hash'] });
  });
});
