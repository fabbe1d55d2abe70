import { expect, test } from 'bun:test';
import { sql } from 'kysely';
import { ownDatabase } from './own-database.test.ts';
import { ensurePartitionsAround, ensurePartitionsFor, listPartitions } from './partitions.ts';

const open = ownDatabase();

async function keepBody(id: string, at: string): Promise<void> {
  await open.pool.query(`insert into call_bodies (id, at, project_id, request) values ($1, $2, 'default', '{}')`, [id, at]);
}

const names = async (table: 'ledger' | 'call_bodies'): Promise<string[]> => (await listPartitions(open.db, table)).map(({ name }) => name);

test('there is a place for every row of the months and days around now, at every end of a month', async () => {
  for (const now of ['2026-01-31T23:59:59Z', '2026-03-01T00:00:00Z', '2027-12-31T12:00:00Z']) {
    await ensurePartitionsAround(open.db, Date.parse(now));
  }
  expect(await names('ledger')).toEqual(['2026_01', '2026_02', '2026_03', '2026_04', '2027_12', '2028_01', '2028_02'].map((month) => `ledger_${month}`));
  expect(await names('call_bodies')).toContain('call_bodies_2026_02_28');
  expect(await names('call_bodies')).toContain('call_bodies_2028_01_02');
});

test('ten processes that need one piece at the same moment all have it, while rows are written', async () => {
  await ensurePartitionsFor(open.db, 'call_bodies', [new Date('2030-05-01')]);
  const instants = [new Date('2030-06-01T00:00:00Z'), new Date('2030-06-02T23:59:59.999Z')];
  const writing = Promise.all(Array.from({ length: 10 }, (_, index) => keepBody(`w${index}`, '2030-05-01T10:00:00Z')));
  await Promise.all([...Array.from({ length: 10 }, () => ensurePartitionsFor(open.db, 'call_bodies', instants)), writing]);
  await keepBody('a', '2030-06-01T00:00:00Z');
  await keepBody('b', '2030-06-02T23:59:59.999Z');
  expect((await names('call_bodies')).filter((name) => name.startsWith('call_bodies_2030_06'))).toEqual(['call_bodies_2030_06_01', 'call_bodies_2030_06_02']);
});

test('making a piece waits for nobody who is writing to the table', async () => {
  await ensurePartitionsFor(open.db, 'call_bodies', [new Date('2031-01-01')]);
  const writer = await open.pool.connect();
  await writer.query('begin');
  await writer.query(`insert into call_bodies (id, at, project_id, request) values ('held', '2031-01-01', 'default', '{}')`);
  await ensurePartitionsFor(open.db, 'call_bodies', [new Date('2031-01-02')]);
  await writer.query('rollback');
  writer.release();
  expect(await names('call_bodies')).toContain('call_bodies_2031_01_02');
});

test('the bounds are those of UTC, whatever the time zone of the session', async () => {
  await open.db.connection().execute(async (db) => {
    await sql`set time zone 'Asia/Kolkata'`.execute(db);
    await ensurePartitionsFor(db, 'ledger', [new Date('2032-03-01T00:30:00Z')]);
    await sql`reset time zone`.execute(db);
  });
  const { rows } = await open.pool.query<{ bound: string }>(`select pg_get_expr(relpartbound, oid) as bound from pg_class where relname = 'ledger_2032_03'`);
  const { rows: zone } = await open.pool.query<{ same: boolean }>(
    `select '2032-03-01T00:00:00Z'::timestamptz = substring($1 from $$'([^']+)'$$)::timestamptz as same`,
    [rows[0]?.bound],
  );
  expect(zone).toEqual([{ same: true }]);
});
