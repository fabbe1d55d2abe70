import { type Insertable, type Kysely, type Selectable, sql, type Updateable } from 'kysely';
import type { PagePlace } from '../../contract/paging.ts';
import type { DeliveryAttempt } from '../../contract/webhooks.ts';
import type { ProjectDatabase } from '../../tables.ts';

/** Endpoints that want to be told, and each telling. Every statement of a caller names the project, whether row-level security looks or not. */
type Db = Kysely<ProjectDatabase>;
type Place = { readonly projectId: string; readonly id: string };
type Tables = ProjectDatabase;

export type Endpoint = Selectable<Tables['webhook_endpoints']>;
export type EndpointColumns = Omit<Updateable<Tables['webhook_endpoints']>, 'id' | 'project_id'>;

export async function insertEndpoint(db: Db, row: Insertable<Tables['webhook_endpoints']>): Promise<Endpoint> {
  return db.insertInto('webhook_endpoints').values(row).returningAll().executeTakeFirstOrThrow();
}

export async function countEndpoints(db: Db, projectId: string): Promise<number> {
  const counted = db.selectFrom('webhook_endpoints').select((of) => of.fn.countAll<number>().as('count'));
  return (await counted.where('project_id', '=', projectId).executeTakeFirstOrThrow()).count;
}

export async function listEndpoints(db: Db, projectId: string, { rowsMax, before }: PagePlace): Promise<readonly Endpoint[]> {
  let query = db.selectFrom('webhook_endpoints').selectAll().where('project_id', '=', projectId);
  if (before !== undefined) query = query.where('id', '<', before);
  return query.orderBy('id', 'desc').limit(rowsMax).execute();
}

export async function findEndpoint(db: Db, { projectId, id }: Place): Promise<Endpoint | null> {
  const query = db.selectFrom('webhook_endpoints').selectAll().where('project_id', '=', projectId).where('id', '=', id);
  return (await query.executeTakeFirst()) ?? null;
}

export async function updateEndpoint(db: Db, { projectId, id }: Place, columns: EndpointColumns): Promise<Endpoint | null> {
  const query = db.updateTable('webhook_endpoints').set(columns).where('project_id', '=', projectId).where('id', '=', id);
  return (await query.returningAll().executeTakeFirst()) ?? null;
}

export async function deleteEndpoint(db: Db, { projectId, id }: Place): Promise<boolean> {
  const result = await db.deleteFrom('webhook_endpoints').where('project_id', '=', projectId).where('id', '=', id).executeTakeFirst();
  return result.numDeletedRows === 1n;
}

export type NewEvent = Insertable<Tables['webhook_events']>;
export type NewDelivery = Insertable<Tables['webhook_deliveries']>;

export async function insertEvent(db: Db, event: NewEvent): Promise<void> {
  await db.insertInto('webhook_events').values(event).execute();
}

export async function insertDeliveries(db: Db, rows: readonly NewDelivery[]): Promise<void> {
  if (rows.length > 0) await db.insertInto('webhook_deliveries').values(rows).execute();
}

/** Events of which nobody was told yet, and the endpoints of their projects. They are nobody else's until the transaction is over. */
export async function takeEvents(db: Db, most: number) {
  const events = await db.selectFrom('webhook_events').selectAll().where('spread_at', 'is', null).orderBy('id').limit(most).forUpdate().skipLocked().execute();
  const projects = [...new Set(events.map((event) => event.project_id))];
  const endpoints = projects.length === 0 ? [] : await endpointsOf(db, projects);
  return { events, endpoints };
}

function endpointsOf(db: Db, projects: readonly string[]) {
  const query = db.selectFrom('webhook_endpoints').select(['id', 'project_id', 'url', 'events']);
  return query.where('project_id', 'in', projects).where('disabled_at', 'is', null).execute();
}

export async function markSpread(db: Db, ids: readonly string[], at: Date): Promise<void> {
  if (ids.length > 0) await db.updateTable('webhook_events').set({ spread_at: at }).where('id', 'in', ids).execute();
}

/** Runs as one transaction, for all projects. */
export function together<Result>(db: Db, run: (db: Db) => Promise<Result>): Promise<Result> {
  return db.transaction().execute(run);
}

export type Claiming = {
  readonly now: Date;
  /** From then on somebody else may try. */
  readonly until: Date;
  readonly most: number;
  /** Addresses that have as many tries under way as they may. */
  readonly busy: readonly string[];
  readonly eachMost: number;
};

/** Takes what is due, of each address no more than some, so that one that is slow keeps nobody else waiting. */
export async function claimDeliveries(db: Db, { now, until, most, busy, eachMost }: Claiming): Promise<readonly ClaimedDelivery[]> {
  const { rows } = await sql<ClaimedDelivery>`
    with due as (
      select id from (
        select id, next_try_at, row_number() over (partition by url order by next_try_at) as place
        from webhook_deliveries where state = 'waiting' and next_try_at <= ${now} and not url = any (${busy})
      ) waiting
      where place <= ${eachMost} order by next_try_at limit ${most}
    ), mine as (
      select id from webhook_deliveries where id in (select id from due) and state = 'waiting' and next_try_at <= ${now} for update skip locked
    )
    update webhook_deliveries d set next_try_at = ${until}, tries = tries + 1
    from mine, webhook_events e
    where d.id = mine.id and e.id = d.event_id
    returning d.id, d.project_id, d.event_id, d.endpoint_id, d.url, d.tries, e.type, e.subject_id, e.created_at`.execute(db);
  return rows;
}
export type ClaimedDelivery = {
  readonly id: string;
  readonly project_id: string;
  readonly event_id: string;
  readonly endpoint_id: string | null;
  readonly url: string;
  readonly tries: number;
  readonly type: string;
  readonly subject_id: string;
  readonly created_at: Date;
};

export type Tried = {
  readonly id: string;
  /** The number of this try: of a delivery that was begun anew, or that somebody else tries by now, nothing is written. */
  readonly tries: number;
  readonly attempt: DeliveryAttempt;
  readonly state: 'waiting' | 'delivered' | 'failed';
  readonly nextTryAt: Date;
  readonly now: Date;
};

const ATTEMPTS_KEPT = 10;

export async function writeTry(db: Db, { id, tries, attempt, state, nextTryAt, now }: Tried): Promise<void> {
  await sql`
    update webhook_deliveries set state = ${state}, next_try_at = ${nextTryAt}, ended_at = ${state === 'waiting' ? null : now},
      attempts = (
        select json_agg(each order by place) from (
          select value as each, place from json_array_elements(attempts) with ordinality as kept (value, place)
          where place > json_array_length(attempts) - ${ATTEMPTS_KEPT - 1}
          union all select ${JSON.stringify(attempt)}::json, ${ATTEMPTS_KEPT + 1_000_000}
        ) latest
      )
    where id = ${id} and tries = ${tries} and state = 'waiting'`.execute(db);
}

/** What of an endpoint there is to sign with, where it is still there and enabled. */
export async function secretsOf(db: Db, endpointId: string) {
  const query = db.selectFrom('webhook_endpoints').select(['id', 'secret', 'old_secret', 'old_secret_until', 'disabled_at']);
  return (await query.where('id', '=', endpointId).executeTakeFirst()) ?? null;
}

export async function disableEndpoint(db: Db, id: string, { at, reason }: { readonly at: Date; readonly reason: string }): Promise<void> {
  const columns = { disabled_at: at, disabled_reason: reason, updated_at: at };
  await db.updateTable('webhook_endpoints').set(columns).where('id', '=', id).where('disabled_at', 'is', null).execute();
}

function deliveries(db: Db, projectId: string) {
  return db
    .selectFrom('webhook_deliveries')
    .innerJoin('webhook_events', 'webhook_events.id', 'webhook_deliveries.event_id')
    .selectAll('webhook_deliveries')
    .select(['webhook_events.type', 'webhook_events.subject_id', 'webhook_events.created_at as event_created_at'])
    .where('webhook_deliveries.project_id', '=', projectId);
}
export type Delivery = Awaited<ReturnType<typeof listDeliveries>>[number];

type Wanted = { readonly projectId: string; readonly webhookId: string | undefined; readonly state: Delivery['state'] | undefined };

export async function listDeliveries(db: Db, { projectId, webhookId, state }: Wanted, { rowsMax, before }: PagePlace) {
  let query = deliveries(db, projectId);
  if (webhookId !== undefined) query = query.where('webhook_deliveries.endpoint_id', '=', webhookId);
  if (state !== undefined) query = query.where('webhook_deliveries.state', '=', state);
  if (before !== undefined) query = query.where('webhook_deliveries.id', '<', before);
  return query.orderBy('webhook_deliveries.id', 'desc').limit(rowsMax).execute();
}

export async function findDelivery(db: Db, { projectId, id }: Place): Promise<Delivery | null> {
  return (await deliveries(db, projectId).where('webhook_deliveries.id', '=', id).executeTakeFirst()) ?? null;
}

/** Begins it anew, whatever came of it. False where it is not there. */
export async function replayDelivery(db: Db, { projectId, id }: Place, now: Date): Promise<boolean> {
  const result = await db
    .updateTable('webhook_deliveries')
    .set({ state: 'waiting', tries: 0, next_try_at: now, ended_at: null })
    .where('project_id', '=', projectId)
    .where('id', '=', id)
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

const OLD_AT_ONCE = 1000;

/** What happened before this goes with its deliveries, in pieces; what is still to be delivered stays. */
export async function removeOld(db: Db, before: Date): Promise<void> {
  for (;;) {
    const { numAffectedRows = 0n } = await sql`
      delete from webhook_events where id = any (array(
        select e.id from webhook_events e where e.created_at < ${before} and e.spread_at is not null
          and not exists (select from webhook_deliveries d where d.event_id = e.id and d.state = 'waiting') limit ${OLD_AT_ONCE}))`.execute(db);
    if (numAffectedRows < BigInt(OLD_AT_ONCE)) return;
  }
}
