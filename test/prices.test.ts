import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FakeUpstream, startFakeUpstream } from './fake-upstream/server.ts';
import { call, type Sluice, startSluice } from './harness.ts';

type Price = Readonly<Record<string, unknown>> & { readonly input: number; readonly output: number };
type Listed = { readonly id: string; readonly price: Price };

const CONFIG = (url: string): object => ({
  providers: {
    own: { base_url: url, models: ['mystery', 'priced'] },
    groq: { base_url: url, models: ['openai/gpt-oss-20b'] },
  },
  prices: { 'own/priced': { input: 1, output: 2, cached_input: 0.5, as_of: '2026-11-21', source: 'our contract' } },
});

let upstream: FakeUpstream;
let folder: string;

beforeAll(async () => {
  upstream = await startFakeUpstream();
  upstream.script({ usage: { input: 1000, output: 500, cached: 0 } });
  folder = mkdtempSync(join(tmpdir(), 'sluice-prices-'));
  writeFileSync(join(folder, 'sluice.config.yaml'), JSON.stringify(CONFIG(upstream.url)));
});
afterAll(() => {
  upstream.stop();
  rmSync(folder, { recursive: true, force: true });
});

function start(unknownPrice?: string): Promise<Sluice> {
  const openai = { OPENAI_API_KEY: 'sk-upstream-000000000000', OPENAI_BASE_URL: upstream.url };
  const policy = unknownPrice === undefined ? {} : { UNKNOWN_PRICE: unknownPrice };
  return startSluice({ env: { ...openai, ...policy, SLUICE_CONFIG: join(folder, 'sluice.config.yaml') } });
}

let prompts = 0;
const ask = <Body = { cost_usd: number }>(sluice: Sluice, model: string) =>
  call<Body>(`${sluice.url}/generate`, { json: { prompt: `prompt ${++prompts} of prices`, model } });
const listed = async (sluice: Sluice): Promise<Listed[]> => (await call<{ data: Listed[] }>(`${sluice.url}/api/v1/models`)).json.data;

describe('what a call costs', () => {
  let sluice: Sluice;
  beforeAll(async () => {
    sluice = await start();
  });
  afterAll(() => sluice.stop());

  test('is known for known models, also where another server of that vendor is configured', async () => {
    const { json, headers } = await ask(sluice, 'gpt-4o-mini');
    expect([json.cost_usd, headers.get('x-cost-usd')]).toEqual([0.00045, '0.00045']);
    expect((await ask(sluice, 'openai/gpt-4o-mini-2024-07-18')).json.cost_usd).toBe(0.00045);
    expect((await ask(sluice, 'groq/openai/gpt-oss-20b')).json.cost_usd).toBe(0.000225);
  });

  test('is what the configuration says, before all else', async () => {
    expect((await ask(sluice, 'own/priced')).json.cost_usd).toBe(0.002);
    const model = (await listed(sluice)).find(({ id }) => id === 'own/priced');
    expect(model?.price).toMatchObject({
      input: 1,
      output: 2,
      cached_input: 0.5,
      batch_input: null,
      above: null,
      as_of: '2026-11-21',
      source: 'our contract',
      assumed: false,
    });
  });

  test('is a stated estimate where nobody knows: marked in the list and in the log, and warned about once', async () => {
    expect((await ask(sluice, 'own/mystery')).json.cost_usd).toBe(0.0075);
    expect((await ask(sluice, 'mystery')).json.cost_usd).toBe(0.0075);
    const model = (await listed(sluice)).find(({ id }) => id === 'mystery');
    expect(model?.price).toMatchObject({ input: 2.5, output: 10, as_of: null, source: 'UNKNOWN_PRICE', assumed: true });
    expect(sluice.logs().filter((line) => line['price_assumed'] === true)).toHaveLength(2);
    expect(sluice.logs().filter(({ level, message }) => level === 'warning' && message.includes('own/mystery'))).toHaveLength(1);
  });

  test('is listed with its day and source, for every model', async () => {
    const models = await listed(sluice);
    const undated = models.filter(({ price }) => price['source'] === '' || (price['as_of'] === null) !== price['assumed']);
    expect(undated).toEqual([]);
    expect(models.find(({ id }) => id === 'gpt-5.4')?.price).toMatchObject({
      batch_input: 1.25,
      above: { tokens: 272_000, input: 5, output: 22.5 },
      per_call: 0,
    });
    // Only what can be called is listed, however much is known of others.
    expect(models.filter(({ id }) => /claude|gemini|gpt-oss-120b/.test(id))).toEqual([]);
  });
});

test('a model without a price is refused where the configuration says so, and the answer says how to state one', async () => {
  const sluice = await start('refuse');
  try {
    const { status, json } = await ask<{ error: { code: string; field: string; message: string } }>(sluice, 'own/mystery');
    expect([status, json.error.code, json.error.field]).toEqual([422, 'INVALID_VALUE', 'model']);
    expect(json.error.message).toContain('No price is known for own/mystery');
    expect((await ask(sluice, 'own/priced')).status).toBe(200);
    expect((await ask(sluice, 'demo')).json.cost_usd).toBe(0);
    expect((await listed(sluice)).filter(({ id }) => id.endsWith('mystery'))).toEqual([]);
  } finally {
    await sluice.stop();
  }
});
