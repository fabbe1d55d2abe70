import { readFileSync } from 'node:fs';
import type { Clock, Log } from '../../app.ts';
import type { Ledger } from '../../app/spending.ts';
import { codeOf, messageOf } from '../postgres/database-start-error.ts';
import { type Journal, readJournal, type Segment } from './journal.ts';

export type LedgerNeeds = {
  readonly journal: Journal;
  /** `heldBy` holds of the budgets what the calls may cost; null is this process. */
  readonly settle: (rows: readonly string[], heldBy: string | null) => Promise<void>;
  readonly withdrawLost: (ids: readonly string[]) => Promise<void>;
  /** Makes room for rows of these moments. */
  readonly makePlace: (instants: readonly Date[]) => Promise<void>;
  readonly clock: Pick<Clock, 'sleep'>;
  readonly log: Log;
};

export type RunningLedger = Ledger & {
  /** Waits until everything is in the database, or says no after `ms`. */
  readonly drain: (ms: number) => Promise<boolean>;
};

type Entry = {
  readonly id: string;
  /** Null where it is in the journal alone. */
  readonly line: string | null;
  readonly segments: readonly Segment[];
  readonly again: boolean;
  readonly entered: (() => void) | undefined;
  readonly heldBy: string | null;
};

/** Rows wait this long for others to come along: as long as nobody notices, and long enough for hundreds at full speed. */
const GATHER_MS = 25;
const BATCH_MAX = 2000;
/** With the database away longer than this lasts, the rows are kept in the journal alone, and read from it again. */
const HELD_MAX = 50_000;
const WAITS_MS = [250, 500, 1000, 2000, 5000] as const;
const NO_PARTITION = '23514';
/** Classes 22 and 23: the data itself. Everything else passes. */
const BAD_ROW = /^2[23]/;

/**
 * Every call is in the journal before it starts, as the row that is true if the process dies, and again when it is over; the database gets the
 * rows in groups, a few milliseconds later or when it is back.
 */
export function createLedger(needs: LedgerNeeds): RunningLedger {
  const { journal, clock } = needs;
  const queue = createQueue(needs);
  return {
    open: (row) => journal.append(JSON.stringify(row)),
    close(row, { opened, again = false, entered, heldBy = null } = {}) {
      const line = JSON.stringify(row);
      const segment = journal.append(line);
      queue.add({ id: row.id, line, segments: opened ? [segment, opened as Segment] : [segment], again, entered, heldBy });
    },
    async drain(ms) {
      const over = new AbortController();
      const late = clock.sleep(ms, over.signal).then(
        () => false,
        () => true,
      );
      const drained = await Promise.race([queue.emptied().then(() => true), late]);
      over.abort();
      if (drained) journal.close();
      return drained;
    },
  };
}

type Queue = { readonly add: (entry: Entry) => void; readonly emptied: () => Promise<void> };

/** Rows on their way into the database, in their order. */
function createQueue(needs: LedgerNeeds): Queue {
  const waiting: Entry[] = [];
  let held = 0;
  let flushing: Promise<void> = Promise.resolve();
  let busy = false;

  const forget = (entry: Entry): void => {
    if (entry.line !== null) held--;
    for (const segment of entry.segments) needs.journal.release(segment);
    entry.entered?.();
  };
  const flushAll = async (): Promise<void> => {
    while (waiting.length > 0) {
      await needs.clock.sleep(GATHER_MS);
      const batch = waiting.splice(0, BATCH_MAX);
      await enterPatiently(needs, batch);
      for (const entry of batch) forget(entry);
    }
    busy = false;
  };

  return {
    add(entry) {
      const keep = held < HELD_MAX;
      if (keep) held++;
      waiting.push(keep ? entry : { ...entry, line: null });
      if (busy) return;
      busy = true;
      flushing = flushAll();
    },
    emptied: () => flushing,
  };
}

async function enterPatiently(needs: LedgerNeeds, batch: readonly Entry[]): Promise<void> {
  for (let failures = 0; ; failures++) {
    try {
      return await enter(needs, batch);
    } catch (cause) {
      if (failures === 0) needs.log.warning('calls cannot be entered into the ledger; they are kept in the journal', { reason: messageOf(cause) });
      await needs.clock.sleep(WAITS_MS[Math.min(failures, WAITS_MS.length - 1)] ?? 0);
    }
  }
}

async function enter(needs: LedgerNeeds, batch: readonly Entry[]): Promise<void> {
  const again = batch.filter((entry) => entry.again).map((entry) => entry.id);
  if (again.length > 0) await needs.withdrawLost(again);
  for (const [heldBy, entries] of Map.groupBy(batch, (entry) => entry.heldBy)) {
    await enterRows({ ...needs, settle: (rows) => needs.settle(rows, heldBy) }, linesOf(entries));
  }
}

export type Entering = Pick<LedgerNeeds, 'makePlace' | 'log'> & { readonly settle: (rows: readonly string[]) => Promise<void> };

/** Enters rows; one that the database does not take must not hold up all others. */
export async function enterRows(needs: Entering, lines: readonly string[]): Promise<void> {
  try {
    await settlePlaced(needs, lines);
  } catch (cause) {
    if (!BAD_ROW.test(codeOf(cause))) throw cause;
    if (lines.length > 1) for (const line of lines) await enterRows(needs, [line]);
    else needs.log.error('the database does not take this row of the ledger', { row: lines[0], reason: messageOf(cause) });
  }
}

async function settlePlaced(needs: Entering, lines: readonly string[]): Promise<void> {
  try {
    await needs.settle(lines);
  } catch (cause) {
    if (codeOf(cause) !== NO_PARTITION) throw cause;
    await needs.makePlace(lines.map((line) => new Date((JSON.parse(line) as { at: string }).at)));
    await needs.settle(lines);
  }
}

function linesOf(batch: readonly Entry[]): string[] {
  const files = new Map<string, Map<string, string>>();
  const lines: string[] = [];
  for (const { id, line, segments } of batch) {
    const path = segments[0]?.path ?? '';
    if (line === null && !files.has(path)) files.set(path, readJournal(readFileSync(path, 'utf8')));
    lines.push(line ?? files.get(path)?.get(id) ?? '');
  }
  return lines.filter((line) => line !== '');
}
