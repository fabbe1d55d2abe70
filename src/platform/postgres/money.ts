import type { Pool } from 'pg';
import type { BudgetPeriod } from '../../contract/policy.ts';
import { callersPool } from './away.ts';

/** The statements of money; what they do is in migrations/0004_money.sql. Each is one round trip. */
export type MoneyStore = {
  /** Enters rows of the ledger, given as JSON; those that are there already are left out. */
  readonly settle: (processId: string, rows: readonly string[]) => Promise<void>;
  /** Takes back what was charged for calls that were given up for lost. */
  readonly withdrawLost: (ids: readonly string[]) => Promise<void>;
  readonly lease: (processId: string, window: WindowName, ask: LeaseAsk) => Promise<Lease>;
  /** Gives back all that the process holds of a window beyond this. */
  readonly keep: (processId: string, window: WindowName, nanoUsd: number) => Promise<void>;
  /** Says that a process is alive. */
  readonly beat: (processId: string, deadAfterS: number) => Promise<Beat>;
  readonly register: (processId: string) => Promise<void>;
  /** Ends a process: what it held of budgets is free again. */
  readonly bury: (processId: string) => Promise<void>;
};

export type WindowName = { readonly scope: string; readonly period: BudgetPeriod; readonly startsAt: number; readonly endsAt: number };
export type LeaseAsk = { readonly budgetNanoUsd: number; readonly leastNeed: number; readonly need: number; readonly extra: number };
/** `spent` and `leased` are as they were before `granted` was. */
export type Lease = { readonly granted: number; readonly spent: number; readonly leased: number };
/** `known` is false for a process that was buried, and `alive` counts those that live. */
export type Beat = { readonly known: boolean; readonly alive: number };

export function createMoneyStore(pool: Pool): MoneyStore {
  const ask = asker(pool);
  return {
    async settle(processId, rows) {
      await ask('select settle($1, $2)', [processId, `[${rows.join(',')}]`]);
    },
    async withdrawLost(ids) {
      await ask('select withdraw_lost($1)', [ids]);
    },
    async lease(processId, window, { budgetNanoUsd, leastNeed, need, extra }) {
      const [lease] = await ask<Lease>('select granted, spent, leased from lease_budget($1, $2, $3, $4, $5, $6, $7, $8, $9)', [
        processId,
        ...named(window),
        sqlTime(window.endsAt),
        budgetNanoUsd,
        leastNeed,
        need,
        extra,
      ]);
      return lease ?? { granted: 0, spent: 0, leased: 0 };
    },
    async keep(processId, window, nanoUsd) {
      await ask('select keep_of_budget($1, $2, $3, $4, $5)', [processId, ...named(window), nanoUsd]);
    },
    async beat(processId, deadAfterS) {
      const [row] = await ask<Beat>(
        `with beat as (update processes set seen_at = now() where id = $1 returning 1),
          dead as (select id from processes where seen_at < now() - make_interval(secs => $2) and id <> $1 for update skip locked),
          buried as (select bury_process(id) from dead)
        select exists(select from beat) as known,
          (select count(*) from processes where seen_at >= now() - make_interval(secs => $2) and seen_at < 'infinity') + (select count(*) from buried) * 0 as alive`,
        [processId, deadAfterS],
      );
      return row ?? { known: false, alive: 1 };
    },
    async register(processId) {
      await ask('insert into processes (id) values ($1) on conflict (id) do update set seen_at = now()', [processId]);
    },
    async bury(processId) {
      await ask('select bury_process($1)', [processId]);
    },
  };
}

type Ask = <Row>(text: string, values: readonly unknown[]) => Promise<Row[]>;

function asker(pool: Pool): Ask {
  const away = callersPool(pool);
  return async <Row>(text: string, values: readonly unknown[]): Promise<Row[]> => {
    const client = await away.connect();
    try {
      return (await client.query<Row>(text, values)).rows;
    } finally {
      client.release();
    }
  };
}

function named({ scope, period, startsAt }: WindowName): [string, string, string] {
  return [scope, period, sqlTime(startsAt)];
}

function sqlTime(ms: number): string {
  return Number.isFinite(ms) ? new Date(ms).toISOString() : 'infinity';
}
