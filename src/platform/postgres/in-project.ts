import { type Kysely, sql } from 'kysely';
import { EVERY_PROJECT, type InProject } from '../../app.ts';
import type { Database, ProjectDatabase } from '../../tables.ts';

/**
 * The one way to what belongs to projects. The transaction says for which one it is, and the row-level security of migrations/ shows it the rows
 * of that project and no others, whatever its statements say.
 */
export function createInProject(db: Kysely<Database>): InProject {
  // The same connection pool; the tables of projects are hidden from the rest of the code by their types alone.
  const all = db as unknown as Kysely<ProjectDatabase>;
  return (projectId, run) => {
    if (projectId === EVERY_PROJECT) return run(all);
    return all.transaction().execute(async (transaction) => {
      await sql`select set_config('sluice.project', ${projectId}, true)`.execute(transaction);
      return run(transaction);
    });
  };
}
