import { join } from 'node:path';
import type { Kysely } from 'kysely';
import type { Clock, Log } from '../../app.ts';
import type { Budgets, Ledger } from '../../app/spending.ts';
import type { Database } from '../../tables.ts';
import { every } from '../../core/every.ts';
import type { MoneyStore } from '../postgres/money.ts';
import { messageOf } from '../postgres/database-start-error.ts';
import { ensurePartitionsFor } from '../postgres/partitions.ts';
import { createBudgets } from './budgets.ts';
import { openJournal } from './journal.ts';
import { createLedger, enterRows } from './ledger.ts';
import { startPresence } from './presence.ts';
import { thisProcess } from './process-mark.ts';
import { replayJournals } from './replay.ts';

export type MoneyNeeds = {
  readonly store: MoneyStore;
  readonly db: Kysely<Database>;
  readonly dataDir: string;
  readonly processId: string;
  readonly clock: Clock;
  readonly log: Log;
};

export type Money = {
  readonly ledger: Ledger;
  readonly budgets: Budgets;
  readonly processCount: () => number;
  /** Enters what is left into the database, gives back what is held, and says good-bye. */
  readonly close: () => Promise<void>;
};

const REPLAY_EVERY_MS = 30_000;
const DRAIN_MAX_MS = 5000;

/** Everything about money: the ledger with its journal, the budgets, and the sign of life that what is held depends on. */
export async function openMoney({ store, db, dataDir, processId, clock, log }: MoneyNeeds): Promise<Money> {
  const folder = join(dataDir, 'journal');
  const writing = {
    settle: (rows: readonly string[], heldBy: string | null) => store.settle(heldBy ?? processId, rows),
    withdrawLost: store.withdrawLost,
    makePlace: (instants: readonly Date[]) => ensurePartitionsFor(db, 'ledger', instants),
    log,
  };
  const entering = { ...writing, settle: (lines: readonly string[]) => store.settle('', lines) };
  const replay = (): Promise<void> =>
    replayJournals({ folder, processId, log, bury: store.bury, withdrawLost: store.withdrawLost, enter: (rows) => enterRows(entering, rows) });
  await replay();

  const presence = await startPresence({
    clock,
    log,
    register: () => store.register(processId),
    beat: (deadAfterS) => store.beat(processId, deadAfterS),
    onBuried: () => budgets.forget(),
  });
  const budgets = createBudgets({
    clock,
    log,
    isAlive: presence.isAlive,
    lease: (window, ask) => store.lease(processId, window, ask),
    keep: (window, nanoUsd) => store.keep(processId, window, nanoUsd),
  });
  const ledger = createLedger({ ...writing, journal: openJournal(folder, { mark: thisProcess(), processId }), clock });
  const stopReplays = every(clock, REPLAY_EVERY_MS, () =>
    replay().catch((cause: unknown) => log.debug('the journals of others could not be entered yet', { reason: messageOf(cause) })),
  );

  return {
    ledger,
    budgets,
    processCount: presence.processCount,
    async close() {
      void stopReplays();
      // A sign of life that came after the burial would register this process anew.
      await presence.stop();
      if (!(await ledger.drain(DRAIN_MAX_MS))) {
        log.warning('the database did not take the last calls; they are in the journal and are entered at the next start');
        return;
      }
      await budgets.stop();
      await store.bury(processId).catch(() => undefined);
    },
  };
}
