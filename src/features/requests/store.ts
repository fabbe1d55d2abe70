import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Outcome } from '../../contract/requests.ts';
import type { TimeRange } from '../../core/time-range.ts';
import type { Database, ProjectDatabase } from '../../tables.ts';

type Db = Kysely<ProjectDatabase>;
type Sql = RawBuilder<unknown>;

/** What all calls of a request have in common. */
type SharedColumn = 'project_id' | 'user_id' | 'key_id' | 'route' | 'template_id' | 'job_id' | 'request_id';
type SharedConditions = readonly (readonly [SharedColumn, string])[];
export type Wanted = {
  readonly range: Partial<TimeRange>;
  readonly shared: SharedConditions;
  /** What one of its calls has. */
  readonly some: readonly (readonly ['model' | 'provider' | 'request_hash', string])[];
  /** That of its worst call. */
  readonly outcome: Outcome | null;
  readonly cached: boolean | null;
  readonly costNanoUsdMin: number | null;
};

/** A request, by the id of its first call and the time of all: microseconds since 1970, which is as fine as Postgres keeps it. */
export type Place = { readonly atMicros: number; readonly rootId: string };

/** From the best to the worst. */
export const BY_GRAVITY = ['ok', 'left', 'lost', 'cut', 'failed'] as const satisfies readonly Outcome[];

/** Calls that are looked through at once: enough for nearly every page, and four times as many each time that they were not. */
const WINDOW = 500;
const WINDOW_GROWTH = 4;

/**
 * The places of one page of requests, newest first. What is asked of a request is asked of all its calls together: these have one time, and so
 * they lie beside each other. A window of calls is read in the order of time and put together, and then the next, until the page is full: however
 * rare it is what is looked for, no plan of Postgres's can make it slower than to read each call once.
 */
export async function listPlaces(db: Db, wanted: Wanted, { after, limit }: { readonly after: Place | null; readonly limit: number }): Promise<Place[]> {
  const found: Place[] = [];
  let upTo = after?.atMicros ?? null;
  for (let size = WINDOW; ; size *= WINDOW_GROWTH) {
    const { places, edge } = await readWindow(db, wanted, { after, upTo, size, limit: limit - found.length });
    found.push(...places);
    if (found.length === limit || edge === null) return found;
    upTo = edge;
  }
}

type Window = { readonly after: Place | null; readonly upTo: number | null; readonly size: number; readonly limit: number };
type Seen = { readonly edge: number | null; readonly atMicros: number | null; readonly rootId: string | null };

/** `edge` is the time at which the window ends: the requests of that moment may go on beyond it, and belong to the next. Null for the last one. */
async function readWindow(db: Db, wanted: Wanted, { after, upTo, size, limit }: Window): Promise<{ places: Place[]; edge: number | null }> {
  const within = [...inRange(wanted.range), ...shared(wanted.shared), ...(upTo === null ? [] : [sql`at <= ${moment(upTo)}`])];
  const whole = [
    sql`(edge.at is null or calls.at > edge.at)`,
    ...(after === null ? [] : [sql`(calls.at, root_id) < (${moment(after.atMicros)}, ${after.rootId})`]),
  ];
  const having = ofCalls(wanted);
  const { rows } = await sql<Seen>`
    with calls as materialized (
      select id, root_id, at, model, provider, request_hash, outcome, cache, cost_nano_usd from ledger
      ${within.length === 0 ? sql`` : sql`where ${sql.join(within, sql` and `)}`} order by at desc, id desc limit ${size}
    ),
    edge as (select case when count(*) = ${size} then min(at) end as at from calls)
    select ${micros('edge.at')} as edge, ${micros('requests.at')} as "atMicros", requests.root_id as "rootId" from edge left join lateral (
      select calls.at, root_id from calls where ${sql.join(whole, sql` and `)} group by calls.at, root_id
      ${having.length === 0 ? sql`` : sql`having ${sql.join(having, sql` and `)}`} order by calls.at desc, root_id desc limit ${limit}
    ) as requests on true order by requests.at desc, requests.root_id desc`.execute(db);
  const places = rows.flatMap(({ atMicros, rootId }) => (atMicros === null || rootId === null ? [] : [{ atMicros, rootId }]));
  return { places, edge: rows[0]?.edge ?? null };
}

function inRange({ fromMs, toMs }: Partial<TimeRange>): Sql[] {
  return [...(fromMs === undefined ? [] : [sql`at >= ${new Date(fromMs)}`]), ...(toMs === undefined ? [] : [sql`at < ${new Date(toMs)}`])];
}

function shared(conditions: SharedConditions): Sql[] {
  return conditions.map(([column, value]) => sql`${sql.ref(column)} = ${value}`);
}

function ofCalls({ some, outcome, cached, costNanoUsdMin }: Wanted): Sql[] {
  return [
    ...some.map(([column, value]) => sql`bool_or(${sql.ref(column)} = ${value})`),
    ...(outcome === null ? [] : [sql`max(array_position(${BY_GRAVITY}::text[], outcome)) = ${BY_GRAVITY.indexOf(outcome) + 1}`]),
    ...(cached === null ? [] : [sql`bool_and(cache = 'HIT') = ${cached}`]),
    ...(costNanoUsdMin === null ? [] : [sql`sum(cost_nano_usd) >= ${costNanoUsdMin}`]),
  ];
}

/** The newest request of this id, or the one whose first call has it. */
export async function findPlace(db: Db, { conditions, id }: { readonly conditions: SharedConditions; readonly id: string }): Promise<Place | null> {
  const all = [sql`(request_id = ${id} or id = ${id})`, sql`id = root_id`, ...shared(conditions)];
  const { rows } = await sql<Place>`
    select ${micros('at')} as "atMicros", id as "rootId" from ledger where ${sql.join(all, sql` and `)} order by at desc, id desc limit 1`.execute(db);
  return rows[0] ?? null;
}

/** The calls of these requests, with the names of those who made them as far as they are still there. */
export async function readCalls(db: Db, places: readonly Place[]) {
  const times = places.map(({ atMicros }) => momentText(atMicros));
  const roots = places.map(({ rootId }) => rootId);
  return db
    .selectFrom('ledger')
    .leftJoin('api_keys', 'api_keys.id', 'ledger.key_id')
    .leftJoin('users', 'users.id', 'ledger.user_id')
    .selectAll('ledger')
    .select(['api_keys.name as key_name', 'users.username as user_name'])
    .where(sql<boolean>`ledger.at = any (${times}::timestamptz[]) and ledger.root_id = any (${roots})`)
    .execute();
}
export type CallRow = Awaited<ReturnType<typeof readCalls>>[number];

export async function readBodies(db: Db, { atMicros }: Place, ids: readonly string[]) {
  return db.selectFrom('call_bodies').select(['id', 'request', 'response']).where('id', 'in', ids).where('at', '=', moment(atMicros)).execute();
}

export async function projectTimeZone(db: Kysely<Database>, projectId: string): Promise<string> {
  const row = await db.selectFrom('projects').select('time_zone').where('id', '=', projectId).executeTakeFirst();
  return row?.time_zone ?? 'UTC';
}

function micros(column: string): Sql {
  return sql`(extract(epoch from ${sql.ref(column)}) * 1000000)::bigint`;
}

function moment(atMicros: number): RawBuilder<Date> {
  return sql<Date>`${momentText(atMicros)}::timestamptz`;
}

/** Finer than a Date. */
function momentText(atMicros: number): string {
  const rest = String(atMicros % 1000).padStart(3, '0');
  return new Date(Math.floor(atMicros / 1000)).toISOString().replace('Z', `${rest}Z`);
}
