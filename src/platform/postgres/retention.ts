import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Database } from '../../tables.ts';
import { codeOf } from './database-start-error.ts';
import { listPartitions, type PartitionedTable } from './partitions.ts';

export type RetentionDays = { readonly ledger_days: number; readonly bodies_days: number; readonly audit_days: number };

const DAY_MS = 86_400_000;
/** Whoever reads an old piece for long is not waited for, because others would wait behind us meanwhile: it goes an hour later. */
const LOCK_WAIT = '1s';
const LOCK_NOT_AVAILABLE = '55P03';
const ROWS_AT_ONCE = 10_000;

/**
 * Lets go of what is older than it is to be kept: whole pieces of the ledger and of the bodies, and rows of the sums and of the audit log. Answers the
 * pieces that went. What is past is decided by the earlier of the two clocks, so that one that runs wild deletes nothing.
 */
export async function enforceRetention(db: Kysely<Database>, days: RetentionDays, nowMs: number): Promise<readonly string[]> {
  const { rows } = await sql<{ now: Date }>`select now() as now`.execute(db);
  const now = Math.min(nowMs, rows[0]?.now.getTime() ?? nowMs);
  const gone = [
    ...(await dropBefore(db, 'ledger', now - days.ledger_days * DAY_MS)),
    ...(await dropBefore(db, 'call_bodies', now - days.bodies_days * DAY_MS)),
  ];
  await deleteSumsWithoutCalls(db, now - days.ledger_days * DAY_MS);
  await deleteInParts(
    db,
    (limit) => sql`delete from audit_events where id in (select id from audit_events where at < ${new Date(now - days.audit_days * DAY_MS)} limit ${limit})`,
  );
  return gone;
}

async function dropBefore(db: Kysely<Database>, table: PartitionedTable, beforeMs: number): Promise<string[]> {
  const gone: string[] = [];
  for (const { name, toMs } of await listPartitions(db, table)) if (toMs <= beforeMs && (await drop(db, name))) gone.push(name);
  return gone;
}

async function drop(db: Kysely<Database>, name: string): Promise<boolean> {
  try {
    await db.transaction().execute(async (transaction) => {
      await sql`set local lock_timeout = ${sql.lit(LOCK_WAIT)}`.execute(transaction);
      await sql`drop table if exists ${sql.table(name)}`.execute(transaction);
    });
    return true;
  } catch (cause) {
    if (codeOf(cause) === LOCK_NOT_AVAILABLE) return false;
    throw cause;
  }
}

/** What is shown is always the sum of rows that there are: the sums of a month go when its calls have gone. */
async function deleteSumsWithoutCalls(db: Kysely<Database>, beforeMs: number): Promise<void> {
  const before = new Date(beforeMs);
  const month = new Date(Date.UTC(before.getUTCFullYear(), before.getUTCMonth()));
  const left = (await listPartitions(db, 'ledger')).filter(({ fromMs }) => fromMs < month.getTime());
  const past = sql.join(
    [sql`bucket < ${month}`, ...left.map(({ fromMs, toMs }) => sql`not (bucket >= ${new Date(fromMs)} and bucket < ${new Date(toMs)})`)],
    sql` and `,
  );
  await deleteInParts(db, (limit) => sql`delete from usage_quarters where ctid = any (array(select ctid from usage_quarters where ${past} limit ${limit}))`);
}

async function deleteInParts(db: Kysely<Database>, statement: (limit: number) => RawBuilder<unknown>): Promise<void> {
  for (;;) {
    const { numAffectedRows = 0n } = await statement(ROWS_AT_ONCE).execute(db);
    if (numAffectedRows < ROWS_AT_ONCE) return;
  }
}
