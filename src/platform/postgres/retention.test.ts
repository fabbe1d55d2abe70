import { beforeEach, expect, test } from 'bun:test';
import { ownDatabase } from './own-database.test.ts';
import { ensurePartitionsFor, listPartitions } from './partitions.ts';
import { enforceRetention } from './retention.ts';

const open = ownDatabase();

const DAYS = { ledger_days: 60, bodies_days: 2, audit_days: 100 };
const NOW = Date.parse('2026-06-15T12:00:00Z');
const AUDITED = ['2026-03-01', '2026-06-01'];

beforeEach(async () => {
  for (const table of ['ledger', 'call_bodies'] as const) {
    for (const { name } of await listPartitions(open.db, table)) await open.pool.query(`drop table ${name}`);
  }
  await open.pool.query('truncate usage_quarters, audit_events');
  // None in April, because nobody called.
  const months = ['2026-01-20', '2026-03-20', '2026-05-20', '2026-06-15'];
  await ensurePartitionsFor(
    open.db,
    'ledger',
    months.map((day) => new Date(day)),
  );
  await ensurePartitionsFor(
    open.db,
    'call_bodies',
    ['2026-06-12', '2026-06-13', '2026-06-14', '2026-06-15'].map((day) => new Date(day)),
  );
  for (const day of months) {
    await open.pool.query(`select settle('test', $1)`, [JSON.stringify([{ ...CALL, id: `call_${day}`, root_id: `call_${day}`, at: `${day}T10:00:00Z` }])]);
  }
  for (const day of AUDITED) {
    await open.pool.query(
      `insert into audit_events (id, at, project_id, actor_kind, action, target_id) values ($1, $1::text::timestamptz, 'default', 'system', 'x', 'y')`,
      [day],
    );
  }
});

const CALL = {
  request_id: 'req',
  project_id: 'default',
  route: '/generate',
  provider: 'p',
  model: 'm',
  outcome: 'ok',
  cache: 'MISS',
  streamed: false,
  input_tokens: 1,
  cached_input_tokens: 0,
  output_tokens: 1,
  reasoning_tokens: 0,
  estimated: false,
  cost_nano_usd: 10,
  saved_nano_usd: 0,
  queue_ms: 0,
  upstream_ms: 1,
};

async function left(): Promise<{ calls: number; sums: number; audited: string[] }> {
  const { rows } = await open.pool.query<{ calls: number; sums: number }>(
    'select (select count(*) from ledger) as calls, (select coalesce(sum(calls), 0)::bigint from usage_quarters) as sums',
  );
  const audits = await open.pool.query<{ id: string }>('select id from audit_events order by id');
  return { calls: rows[0]?.calls ?? -1, sums: rows[0]?.sums ?? -1, audited: audits.rows.map(({ id }) => id) };
}

test('whole months of the ledger go with their sums, whole days of bodies, and rows of the audit log', async () => {
  const gone = await enforceRetention(open.db, DAYS, NOW);
  // 60 days before is in April, so that March has gone whole; the 13th has a half that is younger than two days.
  expect(gone).toEqual(['ledger_2026_01', 'ledger_2026_03', 'call_bodies_2026_06_12']);
  expect(await left()).toEqual({ calls: 2, sums: 2, audited: ['2026-06-01'] });
  expect(await enforceRetention(open.db, DAYS, NOW)).toEqual([]);
});

test('what is to be kept for longer stays', async () => {
  expect(await enforceRetention(open.db, { ledger_days: 400, bodies_days: 30, audit_days: 730 }, NOW)).toEqual([]);
  expect(await left()).toEqual({ calls: 4, sums: 4, audited: AUDITED });
});

test('a clock that runs wild deletes nothing', async () => {
  await enforceRetention(open.db, { ledger_days: 4000, bodies_days: 4000, audit_days: 4000 }, Date.parse('2199-01-01'));
  expect(await left()).toEqual({ calls: 4, sums: 4, audited: AUDITED });
});

test('whoever reads an old month is not waited for, and its sums stay with it; it goes the next time', async () => {
  const reader = await open.pool.connect();
  await reader.query('begin');
  await reader.query('select count(*) from ledger_2026_01');
  expect(await enforceRetention(open.db, DAYS, NOW)).toEqual(['ledger_2026_03', 'call_bodies_2026_06_12']);
  expect(await left()).toMatchObject({ calls: 3, sums: 3 });
  await reader.query('rollback');
  reader.release();
  expect(await enforceRetention(open.db, DAYS, NOW)).toEqual(['ledger_2026_01']);
  expect(await left()).toMatchObject({ calls: 2, sums: 2 });
});
