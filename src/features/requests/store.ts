import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Outcome } from '../../contract/requests.ts';
import type { TimeRange } from '../../core/time-range.ts';
import type { Database, ProjectDatabase } from '../../tables.ts';

type Db = Kysely<ProjectDatabase>;

/** What the first call of a request says for all of them. */
type SharedColumn = 'project_id' | 'user_id' | 'key_id' | 'route' | 'template_id' | 'job_id' | 'request_id';
export type Wanted = {
  readonly range: Partial<TimeRange>;
  readonly shared: readonly (readonly [SharedColumn, string])[];
  /** What one of its calls has. */
  readonly some: readonly (readonly ['model' | 'provider' | 'request_hash', string])[];
  /** That of its worst call. */
  readonly outcome: Outcome | null;
  readonly cached: boolean | null;
  readonly costNanoUsdMin: number | null;
};

/** A request, by its first call: microseconds since 1970, which is as fine as Postgres keeps them, and the id of the call. */
export type Place = { readonly atMicros: number; readonly rootId: string };

/** From the best to the worst. */
export const BY_GRAVITY = ['ok', 'left', 'lost', 'cut', 'failed'] as const satisfies readonly Outcome[];

type Sql = RawBuilder<unknown>;

/** The places of one page of requests, newest first. */
export async function listPlaces(db: Db, wanted: Wanted, { after, limit }: { readonly after: Place | null; readonly limit: number }): Promise<Place[]> {
  const conditions: Sql[] = [sql`root.id = root.root_id`, ...inRange('root', wanted.range), ...ofCalls(wanted)];
  for (const [column, value] of wanted.shared) conditions.push(sql`${sql.ref(`root.${column}`)} = ${value}`);
  if (wanted.costNanoUsdMin !== null) conditions.push(costsAtLeast(wanted.costNanoUsdMin, wanted.range));
  if (after !== null) conditions.push(sql`(root.at, root.id) < (${moment(after.atMicros)}, ${after.rootId})`);
  const { rows } = await sql<Place>`
    select (extract(epoch from root.at) * 1000000)::bigint as "atMicros", root.id as "rootId" from ledger as root
    where ${sql.join(conditions, sql` and `)} order by root.at desc, root.id desc limit ${limit}`.execute(db);
  return rows;
}

function inRange(table: string, { fromMs, toMs }: Partial<TimeRange>): Sql[] {
  const at = sql.ref(`${table}.at`);
  return [...(fromMs === undefined ? [] : [sql`${at} >= ${new Date(fromMs)}`]), ...(toMs === undefined ? [] : [sql`${at} < ${new Date(toMs)}`])];
}

function ofCalls({ some, outcome, cached }: Wanted): Sql[] {
  const conditions = some.map(([column, value]) => someCall(sql`${sql.ref(`call.${column}`)} = ${value}`));
  if (outcome !== null) {
    const worse = BY_GRAVITY.slice(BY_GRAVITY.indexOf(outcome) + 1);
    if (outcome !== 'ok') conditions.push(someCall(sql`call.outcome = ${outcome}`));
    if (worse.length > 0) conditions.push(sql`not ${someCall(sql`call.outcome in (${sql.join(worse)})`)}`);
  }
  if (cached !== null) conditions.push(sql`${cached ? sql`not` : sql``} ${someCall(sql`call.cache <> 'HIT'`)}`);
  return conditions;
}

/** The calls of a request have its time, which says in which piece of the table they are. */
function someCall(condition: Sql): Sql {
  return sql`exists (select from ledger as call where call.root_id = root.id and call.at = root.at and ${condition})`;
}

/** Nearly all requests are one call; only of the others is a sum to be made. */
function costsAtLeast(nanoUsd: number, range: Partial<TimeRange>): Sql {
  const several = sql`select call.root_id from ledger as call where ${sql.join([sql`call.id <> call.root_id`, ...inRange('call', range)], sql` and `)}`;
  const sum = sql`select sum(call.cost_nano_usd) from ledger as call where call.root_id = root.id and call.at = root.at`;
  return sql`(root.cost_nano_usd >= ${nanoUsd} or (root.id in (${several}) and (${sum}) >= ${nanoUsd}))`;
}

type Seen = { readonly shared: Wanted['shared']; readonly id: string };

/** The newest request of this id; or the one whose first call has it. */
export async function findPlace(db: Db, { shared, id }: Seen): Promise<Place | null> {
  const conditions: Sql[] = [sql`root.id = root.root_id`, sql`(root.request_id = ${id} or root.root_id = ${id})`];
  for (const [column, value] of shared) conditions.push(sql`${sql.ref(`root.${column}`)} = ${value}`);
  const { rows } = await sql<Place>`
    select (extract(epoch from root.at) * 1000000)::bigint as "atMicros", root.id as "rootId" from ledger as root
    where ${sql.join(conditions, sql` and `)} order by root.at desc, root.id desc limit 1`.execute(db);
  return rows[0] ?? null;
}

/** The calls of these requests, with the names of those who made them as far as they are still there. */
export async function readCalls(db: Db, places: readonly Place[]) {
  if (places.length === 0) return [];
  const times = places.map(({ atMicros }) => atMicros);
  return db
    .selectFrom('ledger')
    .leftJoin('api_keys', 'api_keys.id', 'ledger.key_id')
    .leftJoin('users', 'users.id', 'ledger.user_id')
    .selectAll('ledger')
    .select(['api_keys.name as key_name', 'users.username as user_name'])
    .where(
      'ledger.root_id',
      'in',
      places.map(({ rootId }) => rootId),
    )
    .where('ledger.at', '>=', moment(Math.min(...times)))
    .where('ledger.at', '<=', moment(Math.max(...times)))
    .execute();
}
export type CallRow = Awaited<ReturnType<typeof readCalls>>[number];

function moment(micros: number): RawBuilder<Date> {
  return sql<Date>`timestamptz 'epoch' + ${micros} * interval '1 microsecond'`;
}

export async function readBodies(db: Db, { atMicros }: Place, ids: readonly string[]) {
  return db.selectFrom('call_bodies').select(['id', 'request', 'response']).where('id', 'in', ids).where('at', '=', moment(atMicros)).execute();
}

export async function projectTimeZone(db: Kysely<Database>, projectId: string): Promise<string> {
  const row = await db.selectFrom('projects').select('time_zone').where('id', '=', projectId).executeTakeFirst();
  return row?.time_zone ?? 'UTC';
}
