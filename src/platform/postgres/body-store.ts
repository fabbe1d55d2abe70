import { type Kysely, sql } from 'kysely';
import type { Database, ProjectDatabase } from '../../tables.ts';
import { codeOf } from './database-start-error.ts';
import { ensurePartitionsFor } from './partitions.ts';

/** A row of call_bodies; request and response are JSON text. */
export type BodyRow = { readonly id: string; readonly at: Date; readonly project_id: string; readonly request: string; readonly response: string | null };

const NO_PARTITION = '23514';

/** Writes bodies; those of a call that is run again under its id take the place of the first ones. */
export async function writeBodies(db: Kysely<Database>, rows: readonly BodyRow[]): Promise<void> {
  try {
    await insert(db, rows);
  } catch (cause) {
    if (codeOf(cause) !== NO_PARTITION) throw cause;
    await ensurePartitionsFor(
      db,
      'call_bodies',
      rows.map(({ at }) => at),
    );
    await insert(db, rows);
  }
}

async function insert(db: Kysely<Database>, rows: readonly BodyRow[]): Promise<void> {
  // The service's own work for all projects: no project is set.
  await (db as unknown as Kysely<ProjectDatabase>)
    .insertInto('call_bodies')
    .values([...rows])
    .onConflict((conflict) => conflict.columns(['id', 'at']).doUpdateSet({ request: sql`excluded.request`, response: sql`excluded.response` }))
    .execute();
}
