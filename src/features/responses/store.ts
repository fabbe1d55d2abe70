import { type Kysely, sql } from 'kysely';
import type { ResponseItem } from '../../contract/responses.ts';
import type { ProjectDatabase } from '../../tables.ts';

/** Responses that callers asked to be stored. Every statement names the project, whether row-level security looks or not. */
type Db = Kysely<ProjectDatabase>;
type Json = Readonly<Record<string, unknown>>;

export type Place = { readonly projectId: string; readonly id: string };

export type NewResponse = Place & {
  readonly previousId: string | null;
  readonly input: readonly ResponseItem[];
  readonly response: Json;
  /** Of one that goes on in the background. */
  readonly streamId: string | null;
  readonly createdAt: Date;
  readonly expiresAt: Date;
};

/** What a provider answers under an id that it used before takes the place of what it answered then. */
export async function insertResponse(db: Db, { projectId, id, ...stored }: NewResponse): Promise<void> {
  const columns = {
    previous_id: stored.previousId,
    input: JSON.stringify(stored.input),
    response: JSON.stringify(stored.response),
    stream_id: stored.streamId,
    running: stored.streamId !== null,
    created_at: stored.createdAt,
    expires_at: stored.expiresAt,
  };
  await db
    .insertInto('responses')
    .values({ project_id: projectId, id, ...columns })
    .onConflict((conflict) => conflict.columns(['project_id', 'id']).doUpdateSet(columns))
    .execute();
}

/** A process that had the database away says that it is there as soon as it is back. */
const LOST_AFTER_S = 10;

/** `isLost` where it goes on and nobody works on it any more; `isStreamed` where its events are still kept. */
export async function findResponse(db: Db, { projectId, id }: Place) {
  const row = await db
    .selectFrom('responses')
    .leftJoin('streams', 'streams.id', 'responses.stream_id')
    .select(['input', 'response', 'previous_id', 'stream_id', 'running'])
    .select(sql<boolean>`running and not coalesce(streams.alive_until > now() - make_interval(secs => ${LOST_AFTER_S}), false)`.as('isLost'))
    .select(sql<boolean>`streams.id is not null`.as('isStreamed'))
    .where('responses.project_id', '=', projectId)
    .where('responses.id', '=', id)
    .executeTakeFirst();
  return row ? { ...row, input: row.input as readonly ResponseItem[] } : null;
}
export type StoredResponse = NonNullable<Awaited<ReturnType<typeof findResponse>>>;

/** False where it is over already. */
export async function settle(db: Db, { projectId, id }: Place, response: Json): Promise<boolean> {
  const result = await db
    .updateTable('responses')
    .set({ response: JSON.stringify(response), running: false })
    .where('project_id', '=', projectId)
    .where('id', '=', id)
    .where('running', '=', true)
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

/** Longer ones are nobody's conversation, and a provider that used an id twice may have made a circle. */
const CHAIN_MAX = 1000;

type Link = { readonly previous_id: string | null; readonly input: readonly ResponseItem[]; readonly response: Json };

/** A response and all that it continues, from the first on. */
export async function readChain(db: Db, { projectId, id }: Place): Promise<readonly Link[]> {
  const { rows } = await sql<Link>`
    with recursive chain as (
      select previous_id, input, response, 1 as depth from responses where project_id = ${projectId} and id = ${id}
      union all
      select r.previous_id, r.input, r.response, c.depth + 1 from chain c
        join responses r on r.project_id = ${projectId} and r.id = c.previous_id where c.depth < ${CHAIN_MAX}
    )
    select previous_id, input, response from chain order by depth desc`.execute(db);
  return rows;
}

export async function deleteResponse(db: Db, { projectId, id }: Place): Promise<boolean> {
  const result = await db.deleteFrom('responses').where('project_id', '=', projectId).where('id', '=', id).executeTakeFirst();
  return result.numDeletedRows === 1n;
}

const EXPIRED_AT_ONCE = 1000;

/** In pieces, so that no statement takes long. */
export async function removeExpired(db: Db, now: Date): Promise<void> {
  for (;;) {
    const { numAffectedRows = 0n } = await sql`
      delete from responses where ctid = any (array(
        select ctid from responses where expires_at <= ${now} limit ${EXPIRED_AT_ONCE}))`.execute(db);
    if (numAffectedRows < BigInt(EXPIRED_AT_ONCE)) return;
  }
}
