import { readdirSync, readFileSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Log } from '../../app.ts';
import type { LedgerRow } from '../../core/ledger-row.ts';
import { readJournal, readJournalName } from './journal.ts';
import { isRunning } from './process-mark.ts';

export type ReplayNeeds = {
  readonly folder: string;
  /** This process, whose own files are not to be touched. */
  readonly processId: string;
  readonly enter: (rows: readonly string[]) => Promise<void>;
  /** Takes back what was charged for calls that were given up for lost. */
  readonly withdrawLost: (ids: readonly string[]) => Promise<void>;
  readonly bury: (processId: string) => Promise<void>;
  readonly log: Log;
};

const BATCH_MAX = 1000;

/**
 * Enters what processes that died on this machine had spent and not yet told. A call that was under way is charged at its worst case, because
 * the provider may have answered it; what such a process held of budgets is free again.
 */
export async function replayJournals(needs: ReplayNeeds): Promise<void> {
  for (const file of filesIn(needs.folder)) {
    const name = readJournalName(file);
    if (name === null || name.processId === needs.processId || isRunning(name.mark)) continue;
    const path = join(needs.folder, file);
    const rows = [...readJournal(readFileSync(path, 'utf8'))];
    for (let from = 0; from < rows.length; from += BATCH_MAX) {
      const batch = rows.slice(from, from + BATCH_MAX);
      // Of a second run under an Idempotency-Key, or of a call whose lines are in two files: what it did cost takes the place of the worst case.
      await needs.withdrawLost(batch.filter(([, line]) => !isLost(line)).map(([id]) => id));
      await needs.enter(batch.map(([, line]) => line));
    }
    await needs.bury(name.processId);
    forget(path);
    if (rows.length > 0)
      needs.log.warning('a process ended without a word; what its journal tells is in the ledger now', { process: name.processId, calls: rows.length });
  }
}

function isLost(line: string): boolean {
  return (JSON.parse(line) as LedgerRow).outcome === 'lost';
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw cause;
  }
}

function forget(path: string): void {
  try {
    unlinkSync(path);
  } catch (cause) {
    // Another process that started at the same moment was faster; to enter a row twice changes nothing.
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
  }
}
