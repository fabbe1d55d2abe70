import { describe, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../contract/errors.ts';
import type { Budget } from '../../contract/policy.ts';
import type { LedgerRow } from '../../core/ledger-row.ts';
import { systemClock } from '../clock.ts';
import { idMaker } from '../ids.ts';
import { createMoneyStore } from '../postgres/money.ts';
import { ownDatabase, quiet } from '../postgres/own-database.test.ts';
import { type Money, openMoney } from './open.ts';
import { thisProcess } from './process-mark.ts';

const newId = idMaker(Date.now);
const monies: Money[] = [];
const open = ownDatabase({
  async beforeClose() {
    for (const money of monies) await money.close();
  },
});
const { dataDir } = open;

/** What one process has; several of them share the database. */
async function newProcess(folder = mkdtempSync(join(dataDir, 'process-'))): Promise<Money> {
  const money = await openMoney({ store: createMoneyStore(open.pool), db: open.db, dataDir: folder, processId: newId('proc'), clock: systemClock, log: quiet });
  monies.push(money);
  return money;
}

let budgets = 0;
function budget(usd: number, more: Partial<Budget> = {}): Budget {
  budgets += 1;
  return { scope: 'key', id: `key_${process.pid}_${budgets}`, limitNanoUsd: usd * 1e9, period: 'total', timeZone: 'UTC', ...more };
}

function row(keyId: string, costNanoUsd: number, more: Partial<LedgerRow> = {}): LedgerRow {
  const id = newId('call');
  return {
    id,
    at: new Date().toISOString(),
    request_id: 'req_1',
    root_id: id,
    project_id: 'default',
    key_id: keyId,
    route: '/generate',
    provider: 'openai',
    model: 'gpt-4o-mini',
    outcome: 'ok',
    cache: 'MISS',
    streamed: false,
    input_tokens: 10,
    output_tokens: 5,
    cost_nano_usd: costNanoUsd,
    queue_ms: 0,
    first_piece_ms: 1,
    upstream_ms: 2,
    ...more,
  };
}

type Sums = { readonly rows: number; readonly cost: number };
async function ledgerOf(keyId: string): Promise<Sums> {
  const { rows } = await open.pool.query<Sums>('select count(*) as rows, coalesce(sum(cost_nano_usd), 0)::bigint as cost from ledger where key_id = $1', [
    keyId,
  ]);
  return rows[0] ?? { rows: 0, cost: 0 };
}
async function usageOf(keyId: string): Promise<Sums> {
  const { rows } = await open.pool.query<Sums>(
    'select coalesce(sum(calls), 0)::bigint as rows, coalesce(sum(cost_nano_usd), 0)::bigint as cost from usage_quarters where key_id = $1',
    [keyId],
  );
  return rows[0] ?? { rows: 0, cost: 0 };
}
async function windowOf({ scope, id }: Budget): Promise<{ readonly spent: number; readonly leased: number }> {
  const { rows } = await open.pool.query('select spent_nano_usd as spent, leased_nano_usd as leased from budget_windows where scope = $1', [`${scope}:${id}`]);
  return rows[0] as { spent: number; leased: number };
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const last = Date.now() + 5000;
  while (!(await holds())) {
    if (Date.now() > last) throw new Error(`waited in vain: ${what}`);
    await systemClock.sleep(20);
  }
}

/** A call from its admission to its row in the ledger; null where the budget refuses it. */
async function spend(money: Money, from: readonly Budget[], reserved: number, cost: number): Promise<number | null> {
  let reservation;
  try {
    reservation = await money.budgets.reserve(from, reserved);
  } catch (cause) {
    if (cause instanceof AppError && cause.code === 'BUDGET_EXCEEDED') return null;
    throw cause;
  }
  const opened = money.ledger.open(row(from[0]?.id ?? '', reserved, { outcome: 'lost' }));
  await systemClock.sleep(Math.random() * 5);
  money.ledger.close(row(from[0]?.id ?? '', cost), { opened, entered: reservation.settle(cost) });
  return cost;
}

describe('a budget', () => {
  test('of $5 admits exactly 50 of 1,000 calls of $0.10 at once, over four processes, and what is not needed goes back', async () => {
    const processes = await Promise.all([newProcess(), newProcess(), newProcess(), newProcess()]);
    const five = budget(5);
    const spent = await Promise.all(Array.from({ length: 1000 }, (_, index) => spend(processes[index % 4] as Money, [five], 1e8, 1e8)));
    expect(spent.filter((cost) => cost !== null)).toHaveLength(50);
    await until('all is entered', async () => (await ledgerOf(five.id)).rows === 50);
    expect(await windowOf(five)).toEqual({ spent: 5e9, leased: 0 });
  });

  test('is spent to its last cent by calls that cost less than was set aside, one after the other', async () => {
    const processes = await Promise.all([newProcess(), newProcess()]);
    const one = budget(1);
    let admitted = 0;
    for (let took = -1, rested = false; took !== 0 || !rested;) {
      rested = took < 2;
      const costs = await Promise.all(processes.map((money) => spend(money, [one], 1e8, 1e7)));
      took = costs.filter((cost) => cost !== null).length;
      admitted += took;
      // Refused while the last calls' remainders are on their way back: they come within a moment.
      if (took < 2) {
        await until('remainders are back', async () => (await windowOf(one)).leased === 0);
        await systemClock.sleep(120);
      }
    }
    const { spent } = await windowOf(one);
    expect(spent).toBeLessThanOrEqual(1e9);
    expect(spent).toBe(admitted * 1e7);
    // A call has to find the most that it may cost: with less than that left, none is admitted.
    expect(spent).toBeGreaterThan(1e9 - 1e8);
  }, 20_000);

  test('that one call shares with others holds in each of them', async () => {
    const money = await newProcess();
    const small = budget(1);
    const large = budget(100, { scope: 'project', id: 'shared' });
    const spent = await Promise.all(Array.from({ length: 50 }, () => spend(money, [small, large], 1e8, 1e8)));
    expect(spent.filter((cost) => cost !== null)).toHaveLength(10);
    await until('what the refused calls had set aside is back', async () => (await windowOf(large)).leased === 0);
    expect((await windowOf(small)).spent).toBe(1e9);
  });

  test('begins with what its key has spent before it was set', async () => {
    const money = await newProcess();
    const late = budget(1);
    money.ledger.close(row(late.id, 95e7));
    await until('the first call is entered', async () => (await ledgerOf(late.id)).rows === 1);
    expect(await spend(money, [late], 1e8, 1e8)).toBeNull();
    expect(await spend(money, [late], 5e7, 5e7)).toBe(5e7);
  });

  test('says what is spent and reserved, when it begins anew, and that trying again is of no use', async () => {
    const money = await newProcess();
    const daily = budget(0.5, { period: 'day', timeZone: 'Asia/Kolkata' });
    await money.budgets.reserve([daily], 4e8);
    const error = await Promise.resolve(money.budgets.reserve([daily], 2e8)).catch((cause: unknown) => cause as AppError);
    expect(error).toBeInstanceOf(AppError);
    const { code, parts } = error as AppError;
    expect(code).toBe('BUDGET_EXCEEDED');
    expect(parts.details).toMatchObject({ budget: 0.5, spent: 0, reserved: 0.4, scope: 'key', period: 'day' });
    expect(String(parts.details?.['resets_at'])).toMatch(/T18:30:00\.000Z$/);
    expect(parts.headers).toEqual({ 'x-should-retry': 'false' });
  });

  test('that a dead process held is free again when it is buried', async () => {
    const dead = await newProcess();
    const alive = await newProcess();
    const held = budget(1);
    await dead.budgets.reserve([held], 9e8);
    expect(await spend(alive, [held], 5e8, 5e8)).toBeNull();
    const { rows } = await open.pool.query<{ process_id: string }>('select process_id from budget_leases where scope = $1', [`key:${held.id}`]);
    await open.pool.query(`update processes set seen_at = now() - interval '51 seconds' where id = $1`, [rows[0]?.process_id]);
    // What any living process does at its next sign of life.
    await newProcess();
    await systemClock.sleep(150);
    expect(await spend(alive, [held], 5e8, 5e8)).toBe(5e8);
  });
});

describe('the ledger', () => {
  test('has each call once, and its sums by quarter of an hour are equal to it', async () => {
    const money = await newProcess();
    const calls = Array.from({ length: 500 }, (_, index) => row('key_sums', index));
    for (const call of calls) money.ledger.close(call);
    for (const call of calls) money.ledger.close(call);
    await until('all are entered', async () => (await ledgerOf('key_sums')).rows === 500);
    await systemClock.sleep(50);
    expect(await ledgerOf('key_sums')).toEqual({ rows: 500, cost: (499 * 500) / 2 });
    expect(await usageOf('key_sums')).toEqual(await ledgerOf('key_sums'));
  });

  test('takes calls of a month that has no partition yet', async () => {
    const money = await newProcess();
    money.ledger.close(row('key_old', 5, { at: '2023-02-03T04:05:06Z' }));
    await until('it is entered', async () => (await ledgerOf('key_old')).rows === 1);
  });

  test('goes on after a row that the database does not take', async () => {
    const money = await newProcess();
    money.ledger.close(row('key_bad', 1));
    money.ledger.close(row('key_bad', 2, { outcome: 'nonsense' as 'ok' }));
    money.ledger.close(row('key_bad', 4));
    await until('the good ones are entered', async () => (await ledgerOf('key_bad')).cost === 5);
  });

  test('charges a call that was under way at its worst case when its process died, and a finished one at its cost', async () => {
    const folder = mkdtempSync(join(dataDir, 'died-'));
    const finished = row('key_died', 20);
    const lines = [{ ...row('key_died', 100), outcome: 'lost' }, { ...finished, cost_nano_usd: 300, outcome: 'lost' }, finished].map((each) =>
      JSON.stringify(each),
    );
    // The journal of a process that is no more, its last line cut off by the crash.
    mkdirSync(join(folder, 'journal'));
    writeFileSync(join(folder, 'journal', '999999999-1.proc_dead.1.jsonl'), `${lines.join('\n')}\n{"id":"call_half`);
    // One that is running writes on: its file is left alone. One whose number was given again is not running.
    const { pid, began } = thisProcess();
    const running = `${pid}-${began}.proc_other.1.jsonl`;
    writeFileSync(join(folder, 'journal', `${pid}-1.proc_before.1.jsonl`), `${JSON.stringify(row('key_died', 7))}\n`);
    writeFileSync(join(folder, 'journal', running), `${lines[0]}\n`);
    await newProcess(folder);
    expect(await ledgerOf('key_died')).toEqual({ rows: 3, cost: 127 });
    expect(readdirSync(join(folder, 'journal'))).not.toContain('999999999-1.proc_dead.1.jsonl');
    expect(readdirSync(join(folder, 'journal'))).toContain(running);
  });

  test('takes back what it charged for a lost call when the call is run again under its id, and charges once', async () => {
    const money = await newProcess();
    const own = budget(1);
    const lost = row(own.id, 500, { outcome: 'lost' });
    money.ledger.close(lost);
    await until('the lost call is entered', async () => (await ledgerOf(own.id)).rows === 1);
    const reservation = await money.budgets.reserve([own], 1000);
    money.ledger.close({ ...lost, outcome: 'ok', cost_nano_usd: 30 }, { again: true, entered: reservation.settle(30) });
    await until('the second run is entered', async () => (await ledgerOf(own.id)).cost === 30);
    expect(await ledgerOf(own.id)).toEqual({ rows: 1, cost: 30 });
    expect(await usageOf(own.id)).toEqual({ rows: 1, cost: 30 });
    expect((await windowOf(own)).spent).toBe(30);
  });

  test('takes what a batch at a provider cost from what that batch holds, once, however often it is told; it is no process that dies', async () => {
    const money = await newProcess();
    const own = budget(1);
    const reservation = await money.budgets.reserve([own], 1000);
    const before = await windowOf(own);
    const batch = `pb_${own.id}`;
    await open.pool.query("insert into processes (id, seen_at) values ($1, 'infinity')", [batch]);
    await open.pool.query("select lease_budget($1, $2, 'total', to_timestamp(0), 'infinity', 1000000000, 500, 500, 0)", [batch, `key:${own.id}`]);
    const answered = row(own.id, 30);
    for (const _ of ['once', 'again']) {
      const { promise, resolve } = Promise.withResolvers<void>();
      money.ledger.close(answered, { heldBy: batch, entered: resolve });
      await promise;
    }
    expect(await ledgerOf(own.id)).toEqual({ rows: 1, cost: 30 });
    expect(await windowOf(own)).toEqual({ spent: 30, leased: before.leased + 470 });
    const { rows } = await open.pool.query('select nano_usd from budget_leases where process_id = $1', [batch]);
    expect(rows).toEqual([{ nano_usd: 470 }]);
    const others = await newProcess();
    expect(others.processCount()).toBe((await open.pool.query("select from processes where seen_at < 'infinity'")).rows.length);
    reservation.settle(0)();
  });

  test('takes it back too when the process of the second run died before the database knew what it cost', async () => {
    const own = budget(1);
    const lost = row(own.id, 500, { outcome: 'lost' });
    const money = await newProcess();
    money.ledger.close(lost);
    await until('the lost call is entered', async () => (await ledgerOf(own.id)).rows === 1);
    const folder = mkdtempSync(join(dataDir, 'died-again-'));
    mkdirSync(join(folder, 'journal'));
    writeFileSync(join(folder, 'journal', '999999999-1.proc_dead.1.jsonl'), `${JSON.stringify({ ...lost, outcome: 'ok', cost_nano_usd: 30 })}\n`);
    await newProcess(folder);
    expect(await ledgerOf(own.id)).toEqual({ rows: 1, cost: 30 });
    expect(await usageOf(own.id)).toEqual({ rows: 1, cost: 30 });
  });
});
