import { expect, test } from 'bun:test';
import { until } from '../../test/harness.ts';
import { manualClock } from '../../test/manual-clock.ts';
import type { Log } from '../app.ts';
import { startHousekeeping } from './housekeeping.ts';
import { ownDatabase } from './postgres/own-database.test.ts';
import { ensurePartitionsFor, listPartitions } from './postgres/partitions.ts';

const warnings: string[] = [];
const silence = (): void => undefined;
const log: Log = { debug: silence, info: silence, warning: (message) => void warnings.push(message), error: silence };
const open = ownDatabase({ log });

const names = async (): Promise<string[]> => (await listPartitions(open.db, 'ledger')).map(({ name }) => name);

test('places for calls are there at once; what is old goes, and all else is done, a minute later and every hour, whatever fails', async () => {
  const clock = manualClock(Date.now());
  const done: string[] = [];
  const chores = [() => Promise.reject(new Error('one of them failed')), () => Promise.resolve(void done.push('another'))];
  await ensurePartitionsFor(open.db, 'ledger', [new Date('2020-01-15')]);
  const retention = { ledger_days: 400, bodies_days: 30, audit_days: 730 };
  const stop = await startHousekeeping({ db: open.db, clock, log, retention: () => retention }, chores);
  expect(await names()).toContain(`ledger_${new Date(clock.now()).toISOString().slice(0, 7).replace('-', '_')}`);
  expect([await names(), done] as unknown[]).toEqual([expect.arrayContaining(['ledger_2020_01']), []]);

  await clock.advance(60_000);
  await until(() => done.length === 1);
  expect(await names()).not.toContain('ledger_2020_01');
  expect(warnings).toHaveLength(1);

  await clock.advance(3_599_000);
  expect(done).toHaveLength(1);
  await clock.advance(1000);
  await until(() => done.length === 2);

  stop();
  await clock.advance(7_200_000);
  expect(done).toHaveLength(2);
});
