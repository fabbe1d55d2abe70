import { type Kysely, sql } from 'kysely';
import type { Database } from '../../tables.ts';

/** The tables that are cut by time, so that retention can drop a whole piece at once: the ledger by month, bodies by day, both in UTC. */
export type PartitionedTable = 'ledger' | 'call_bodies';

type Partition = { readonly name: string; readonly fromMs: number; readonly toMs: number };

/** Any number that nobody else locks: pieces are made by one process at a time. */
const LOCK_KEY = 7_510_421;
const DAY_MS = 86_400_000;
/** The shortest month: in steps of it none is jumped over. */
const MONTH_STEP_MS = 28 * DAY_MS;
const NAME = /^(ledger|call_bodies)_(\d{4})_(\d{2})(?:_(\d{2}))?$/;

/**
 * Makes the pieces that rows of these moments go to, where they are missing. There is no piece for everything else, because it would have to be
 * searched under a lock whenever one is made: who writes a row makes sure of its place first, and again when Postgres says that it has none.
 */
export async function ensurePartitionsFor(db: Kysely<Database>, table: PartitionedTable, instants: readonly Date[]): Promise<void> {
  const wanted = new Map(instants.map((instant) => partitionAt(table, instant.getTime())).map((partition) => [partition.name, partition]));
  const missing = await withoutExisting(db, table, wanted);
  if (missing.length === 0) return;
  await db.transaction().execute(async (transaction) => {
    await sql`select pg_advisory_xact_lock(${LOCK_KEY})`.execute(transaction);
    for (const partition of await withoutExisting(transaction, table, wanted)) await create(transaction, table, partition);
  });
}

/** What is needed now, was a moment ago, and will be soon: a process that is away from its hourly look for a day or two loses nothing. */
export async function ensurePartitionsAround(db: Kysely<Database>, nowMs: number): Promise<void> {
  await ensurePartitionsFor(
    db,
    'ledger',
    [-1, 0, 1, 2].map((months) => new Date(nowMs + months * MONTH_STEP_MS)),
  );
  await ensurePartitionsFor(
    db,
    'call_bodies',
    [-1, 0, 1, 2].map((days) => new Date(nowMs + days * DAY_MS)),
  );
}

export async function listPartitions(db: Kysely<Database>, table: PartitionedTable): Promise<Partition[]> {
  const { rows } = await sql<{ name: string }>`
    select child.relname as name from pg_inherits join pg_class child on child.oid = inhrelid where inhparent = to_regclass(${table}) order by 1`.execute(db);
  return rows.map(({ name }) => readName(name)).filter((partition) => partition !== null);
}

async function withoutExisting(db: Kysely<Database>, table: PartitionedTable, wanted: ReadonlyMap<string, Partition>): Promise<Partition[]> {
  const existing = new Set((await listPartitions(db, table)).map(({ name }) => name));
  return [...wanted.values()].filter(({ name }) => !existing.has(name));
}

/** Made on its own and then attached, which unlike `partition of` lets others write to the table meanwhile. */
async function create(db: Kysely<Database>, table: PartitionedTable, { name, fromMs, toMs }: Partition): Promise<void> {
  await sql`create table ${sql.table(name)} (like ${sql.table(table)} including all)`.execute(db);
  const from = sql.lit(new Date(fromMs).toISOString());
  const to = sql.lit(new Date(toMs).toISOString());
  await sql`alter table ${sql.table(table)} attach partition ${sql.table(name)} for values from (${from}) to (${to})`.execute(db);
}

function partitionAt(table: PartitionedTable, ms: number): Partition {
  const at = new Date(ms);
  const [year, month, day] = [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()];
  const date = at.toISOString().slice(0, 10).replaceAll('-', '_');
  if (table === 'ledger') return { name: `ledger_${date.slice(0, 7)}`, fromMs: Date.UTC(year, month), toMs: Date.UTC(year, month + 1) };
  return { name: `call_bodies_${date}`, fromMs: Date.UTC(year, month, day), toMs: Date.UTC(year, month, day + 1) };
}

/** Null for a piece that somebody else attached under another name. */
function readName(name: string): Partition | null {
  const [, table, year, month, day] = NAME.exec(name) ?? [];
  if (table === undefined) return null;
  return partitionAt(table as PartitionedTable, Date.UTC(Number(year), Number(month) - 1, Number(day ?? 1)));
}
