import { afterAll, beforeAll, expect, test } from 'bun:test';
import type { RequestSummary } from '../src/contract/requests.ts';
import { ledgerCall, type StoredCall } from './usage/call.ts';
import { openWorld, type World } from './usage/world.ts';

type Suggestion = { kind: string; title: string; saves_usd: number; explanation: string; advice: string; calls: number; rows: string; request_ids: string[] };
type Suggestions = { readonly cost_usd: number; readonly data: readonly Suggestion[] };

/** The beginning of an hour of today or yesterday, so that the ledger has a place for it and a burst lies within it. */
const HOUR = Math.floor(Date.now() / 3_600_000) * 3_600_000 - 4 * 3_600_000;
const at = (minutes: number): string => new Date(HOUR + minutes * 60_000).toISOString();
const LONG = { model: 'gpt-4o', input_tokens: 3000, output_tokens: 400, cost_nano_usd: 11_500_000 };

const many = (count: number, make: (nth: number) => StoredCall): StoredCall[] => Array.from({ length: count }, (_, nth) => make(nth));
const ROWS: readonly StoredCall[] = [
  // 60 calls of one key within an hour, and 49 of another, which are too few.
  ...many(60, (nth) => ledgerCall({ ...LONG, id: `call_burst_${nth}`, at: at(nth / 2), key_id: 'key_nightly', route: '/generate' })),
  ...many(49, (nth) => ledgerCall({ ...LONG, id: `call_few_${nth}`, at: at(nth / 2), key_id: 'key_other', route: '/generate' })),
  // As many that somebody read piece by piece.
  ...many(60, (nth) => ledgerCall({ ...LONG, id: `call_read_${nth}`, at: at(nth / 2), key_id: 'key_chat', streamed: true })),
  // Four equal ones: the cache would have answered the second and the third; the fourth came when the first was forgotten.
  ...[0, 10, 59, 70].map((minutes, nth) =>
    ledgerCall({ ...LONG, id: `call_equal_${nth}`, at: at(minutes), streamed: true, request_hash: 'equal', route: '/v1/chat/completions' }),
  ),
  // Short ones to a dear model.
  ...many(25, (nth) =>
    ledgerCall({ id: `call_short_${nth}`, at: at(nth), streamed: true, model: 'gpt-4o', input_tokens: 200, output_tokens: 20, cost_nano_usd: 700_000 }),
  ),
  ...many(10, (nth) =>
    ledgerCall({ id: `call_short_hit_${nth}`, at: at(nth), model: 'gpt-4o', cache: 'HIT', input_tokens: 200, output_tokens: 20, cost_nano_usd: 0 }),
  ),
  // A template with a long beginning.
  ...many(30, (nth) =>
    ledgerCall({
      id: `call_long_${nth}`,
      at: at(nth),
      streamed: true,
      template_id: 'long_v1',
      input_tokens: 2000 + nth,
      output_tokens: 400,
      cost_nano_usd: 600_000,
    }),
  ),
  // Cheap because it failed, or because the cache had it.
  ...many(60, (nth) => ledgerCall({ ...LONG, id: `call_failed_${nth}`, at: at(nth / 2), key_id: 'key_failing', outcome: 'failed', cost_nano_usd: 0 })),
  ...many(60, (nth) => ledgerCall({ ...LONG, id: `call_hit_${nth}`, at: at(nth / 2), key_id: 'key_hit', cache: 'HIT', cost_nano_usd: 0, request_hash: 'hit' })),
];

let world: World;
let found: Suggestions;
beforeAll(async () => {
  world = await openWorld({ env: { OPENAI_API_KEY: 'sk-upstream-000000000000' } });
  await world.settle(ROWS);
  const range = `from=${at(-60)}&to=${at(240)}`;
  found = (await world.get<Suggestions>(`/api/v1/usage/suggestions?${range}`)).json;
}, 60_000);
afterAll(() => world.stop());

const the = (kind: string): Suggestion => {
  const [one, ...more] = found.data.filter((suggestion) => suggestion.kind === kind);
  if (!one || more.length > 0) throw new Error(`${kind}: ${JSON.stringify(found.data, null, 1)}`);
  return one;
};

test('a burst of one key would have cost half in a batch', () => {
  expect(the('batch')).toMatchObject({ calls: 60, saves_usd: (60 * 0.0115) / 2, title: 'Send gpt-4o in batches' });
});

test('what was asked again within the time of the cache would have cost nothing', () => {
  expect(the('cache')).toMatchObject({ calls: 2, saves_usd: 0.023, title: 'Answer repeats of /v1/chat/completions from the cache' });
});

test('short calls would have cost less with a smaller model, which an eval can check', () => {
  const { calls, saves_usd: saves, advice } = the('model');
  expect(calls).toBe(25);
  expect(saves).toBeGreaterThan((25 * 0.0007) / 2);
  expect(advice).toMatch(/sluice eval run eval\/cases --model openai\/gpt-/);
});

test('a template with a long beginning would have cost less if the provider could have kept it', () => {
  const { calls, saves_usd: saves, title } = the('prompt');
  expect([calls, title]).toEqual([30, 'Shorten long_v1, or begin it with what never changes']);
  // At most: 29 times the shortest prompt, at 0.15 USD a million instead of 0.075.
  expect(saves).toBeCloseTo((29 * 2000 * (0.15 - 0.075)) / 1e6, 9);
});

test('the money is that of the range, the one that saves most first', () => {
  expect(found.cost_usd).toBeCloseTo(ROWS.reduce((sum, row) => sum + row.cost_nano_usd, 0) / 1e9, 9);
  expect(found.data.map(({ saves_usd: saves }) => saves)).toEqual(found.data.map(({ saves_usd: saves }) => saves).toSorted((a, b) => b - a));
});

test('the requests behind each are where it says', async () => {
  for (const { rows, request_ids: ids, kind } of found.data) {
    const { json } = await world.get<{ data: RequestSummary[] }>(`${rows}&limit=100`);
    expect([kind, ids.length]).toEqual([kind, kind === 'cache' ? 4 : 5]);
    for (const id of ids) expect(json.data.map((request) => request.id)).toContain(id);
  }
});

test('a range that would take too long to look through is refused', async () => {
  expect(await world.get('/api/v1/usage/suggestions?from=2020-01-01&to=2020-12-31')).toMatchObject({ status: 422, json: { error: { field: 'from' } } });
});

test('there are none where nothing was called', async () => {
  const { json } = await world.get<Suggestions>('/api/v1/usage/suggestions?from=2020-01-01&to=2020-01-31');
  expect(json).toMatchObject({ cost_usd: 0, data: [] });
});
