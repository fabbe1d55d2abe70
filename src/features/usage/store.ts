import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Dimension } from '../../contract/usage.ts';
import { type Burst, type PaidCalls, type Repeats, type TemplateCalls, THRESHOLDS, type Traffic } from '../../core/suggestions.ts';
import type { TimeRange } from '../../core/time-range.ts';
import type { Database, ProjectDatabase } from '../../tables.ts';
import type { Period } from './periods.ts';

type Db = Kysely<ProjectDatabase>;

/** The columns that calls are told apart by. */
export const COLUMN = {
  model: 'model',
  provider: 'provider',
  key: 'key_id',
  project: 'project_id',
  user: 'user_id',
  template: 'template_id',
  route: 'route',
  job: 'job_id',
} as const satisfies Record<Dimension, string>;
export type Column = (typeof COLUMN)[Dimension];
export type Condition = readonly [column: Column, value: string];

export type Sums = {
  readonly calls: number;
  readonly failed_calls: number;
  readonly cached_calls: number;
  readonly estimated_calls: number;
  readonly input_tokens: number;
  readonly cached_input_tokens: number;
  readonly output_tokens: number;
  readonly reasoning_tokens: number;
  readonly cost_nano_usd: bigint;
  readonly saved_nano_usd: bigint;
};
const COUNTS = [
  'calls',
  'failed_calls',
  'cached_calls',
  'estimated_calls',
  'input_tokens',
  'cached_input_tokens',
  'output_tokens',
  'reasoning_tokens',
] as const satisfies readonly (keyof Sums)[];
const MONEY = ['cost_nano_usd', 'saved_nano_usd'] as const satisfies readonly (keyof Sums)[];

/** What the groups of a period are made of. `values` are those of the columns, '' for none. */
export type Group = { readonly period: number; readonly values: readonly string[]; readonly sums: Sums };

export type Asked = {
  readonly periods: readonly Period[];
  readonly columns: readonly Column[];
  readonly conditions: readonly Condition[];
  /** Whether the range begins or ends within a quarter of an hour, so that the calls themselves have to be summed. */
  readonly exact: boolean;
};
type Page = { readonly after: Pick<Group, 'period' | 'values'> | null; readonly limit: number };
type Row = { readonly period: number } & Record<Column, string> & Record<(typeof COUNTS)[number], number> & Record<(typeof MONEY)[number], string>;

/**
 * One page of the groups, in the order of their periods and values. Each period is summed by itself: that finds its quarters by their index, and
 * needs no expression of time that the planner would have to guess the size of.
 */
export async function readGroups(db: Db, { periods, columns, conditions, exact }: Asked, { after, limit }: Page): Promise<Group[]> {
  const first = after?.period ?? 0;
  const left = periods.slice(first);
  const names = columns.map((column) => sql.ref(column));
  const sums = [...COUNTS.map((name) => sql`sum(${sql.ref(name)})::bigint as ${sql.ref(name)}`), ...MONEY.map(moneySum)];
  const source = exact ? CALLS : sql`usage_quarters`;
  const where = [sql`bucket >= periods.starts_at`, sql`bucket < periods.ends_at`, ...conditions.map(([column, value]) => sql`${sql.ref(column)} = ${value}`)];
  const { rows } = await sql<Row>`
    select (periods.number + ${first} - 1)::integer as period, sums.*
    from unnest(${times(left, 'startsAt')}::timestamptz[], ${times(left, 'endsAt')}::timestamptz[]) with ordinality as periods (starts_at, ends_at, number)
    cross join lateral (
      select ${sql.join([...names, ...sums])} from ${source} where ${sql.join(where, sql` and `)}
      ${names.length === 0 ? sql`` : sql`group by ${sql.join(names)}`} having sum(calls) > 0
    ) as sums
    ${after === null ? sql`` : sql`where (${sql.join([sql`periods.number`, ...names])}) > (${sql.join([1, ...after.values])})`}
    order by ${sql.join([sql`periods.number`, ...names])} limit ${limit}`.execute(db);
  return rows.map((row) => ({ period: row.period, values: columns.map((column) => row[column]), sums: sumsOf(row) }));
}

/** The ledger under the names of usage_quarters: a call is its own bucket. */
const CALLS: RawBuilder<unknown> = sql`(
  select at as bucket, project_id, coalesce(user_id, '') as user_id, coalesce(key_id, '') as key_id, provider, model, coalesce(template_id, '') as template_id,
    route, coalesce(job_id, '') as job_id, 1 as calls, (outcome in ('failed', 'cut', 'lost'))::integer as failed_calls, (cache = 'HIT')::integer as cached_calls,
    estimated::integer as estimated_calls, input_tokens, cached_input_tokens, output_tokens, reasoning_tokens, cost_nano_usd, saved_nano_usd
  from ledger
) as calls`;

/** As text: the sum of a large installation is beyond what a number holds exactly. */
function moneySum(name: (typeof MONEY)[number]): RawBuilder<unknown> {
  return sql`sum(${sql.ref(name)})::text as ${sql.ref(name)}`;
}

function times(periods: readonly Period[], edge: 'startsAt' | 'endsAt'): string[] {
  return periods.map((period) => new Date(period[edge]).toISOString());
}

function sumsOf(row: Row): Sums {
  const counts = Object.fromEntries(COUNTS.map((name) => [name, row[name]])) as Record<(typeof COUNTS)[number], number>;
  return { ...counts, cost_nano_usd: BigInt(row.cost_nano_usd), saved_nano_usd: BigInt(row.saved_nano_usd) };
}

export function addUp(all: readonly Sums[]): Sums {
  const counts = Object.fromEntries(COUNTS.map((name) => [name, all.reduce((sum, one) => sum + one[name], 0)])) as Record<(typeof COUNTS)[number], number>;
  const money = (name: (typeof MONEY)[number]): bigint => all.reduce((sum, one) => sum + one[name], 0n);
  return { ...counts, cost_nano_usd: money('cost_nano_usd'), saved_nano_usd: money('saved_nano_usd') };
}

/** A call as it is given away: the columns of the ledger that say something outside. */
export const CALL_COLUMNS = [
  'id',
  'at',
  'request_id',
  'project_id',
  'user_id',
  'key_id',
  'route',
  'template_id',
  'job_id',
  'asked_model',
  'provider',
  'model',
  'outcome',
  'error_code',
  'cache',
  'streamed',
  'input_tokens',
  'cached_input_tokens',
  'output_tokens',
  'reasoning_tokens',
  'max_tokens',
  'estimated',
  'cost_nano_usd',
  'saved_nano_usd',
  'queue_ms',
  'first_piece_ms',
  'upstream_ms',
] as const;

/** Where a page of calls ends: the moment as Postgres writes it, which is finer than a Date. */
export type CallPlace = { readonly at: string; readonly id: string };
type CallsAsked = { readonly range: TimeRange; readonly conditions: readonly Condition[]; readonly after: CallPlace | null; readonly limit: number };

/** One page of calls, oldest first. */
export async function readCalls(db: Db, { range, conditions, after, limit }: CallsAsked) {
  let query = db
    .selectFrom('ledger')
    .select([...CALL_COLUMNS, sql<string>`at::text`.as('place')])
    .where('at', '>=', new Date(range.fromMs))
    .where('at', '<', new Date(range.toMs));
  for (const [column, value] of conditions) query = query.where(column, '=', value);
  if (after !== null) query = query.where(sql<boolean>`(at, id) > (${after.at}::timestamptz, ${after.id})`);
  return query.orderBy('at').orderBy('id').limit(limit).execute();
}
export type Call = Awaited<ReturnType<typeof readCalls>>[number];

export type Names = { readonly [Named in NamedDimension]: ReadonlyMap<string, string> };
export type NamedDimension = 'key' | 'user' | 'project';

/** The names of those that are still there. */
export async function readNames(db: Db, ids: Readonly<Record<NamedDimension, readonly string[]>>): Promise<Names> {
  return {
    key: ids.key.length === 0 ? NOBODY : byId(await db.selectFrom('api_keys').select(['id', 'name']).where('id', 'in', ids.key).execute()),
    user: ids.user.length === 0 ? NOBODY : byId(await db.selectFrom('users').select(['id', 'username as name']).where('id', 'in', ids.user).execute()),
    project: ids.project.length === 0 ? NOBODY : byId(await db.selectFrom('projects').select(['id', 'name']).where('id', 'in', ids.project).execute()),
  };
}

const NOBODY: ReadonlyMap<string, string> = new Map();

function byId(rows: readonly { readonly id: string; readonly name: string }[]): ReadonlyMap<string, string> {
  return new Map(rows.map(({ id, name }) => [id, name]));
}

export async function projectTimeZone(db: Kysely<Database>, projectId: string): Promise<string> {
  const row = await db.selectFrom('projects').select('time_zone').where('id', '=', projectId).executeTakeFirst();
  return row?.time_zone ?? 'UTC';
}

type Look = { readonly range: TimeRange; readonly conditions: readonly Condition[] };

/** What suggestions are made of: calls that were whole and paid for, in four ways of grouping them. */
export async function readTraffic(db: Db, look: Look, cacheTtlS: number): Promise<Traffic> {
  return {
    bursts: await readBursts(db, look),
    repeats: await readRepeats(db, look, cacheTtlS),
    short: await readShort(db, look),
    templates: await readTemplates(db, look),
  };
}

const PAID_SUMS = sql`count(*)::integer as calls, sum(cost_nano_usd)::float8 as "costNanoUsd", sum(input_tokens)::float8 as "inputTokens",
  sum(cached_input_tokens)::float8 as "cachedInputTokens", sum(output_tokens)::float8 as "outputTokens"`;

function paid({ range, conditions }: Look): RawBuilder<unknown> {
  const where = [
    sql`at >= ${new Date(range.fromMs)}`,
    sql`at < ${new Date(range.toMs)}`,
    ...conditions.map(([column, value]) => sql`${sql.ref(column)} = ${value}`),
  ];
  return sql`ledger where ${sql.join(where, sql` and `)} and outcome = 'ok' and cache <> 'HIT' and cost_nano_usd > 0`;
}

async function readBursts(db: Db, look: Look): Promise<Burst[]> {
  const { rows } = await sql<Burst>`
    select provider, model, "keyId", case when "keyId" is null then "userId" end as "userId", sum(calls)::integer as calls, count(*)::integer as hours,
      sum("costNanoUsd") as "costNanoUsd", sum("inputTokens") as "inputTokens", sum("cachedInputTokens") as "cachedInputTokens", sum("outputTokens") as "outputTokens"
    from (
      select provider, model, key_id as "keyId", user_id as "userId", ${PAID_SUMS} from ${paid(look)} and not streamed and job_id is null
      group by provider, model, key_id, user_id, project_id, date_trunc('hour', at) having count(*) >= ${THRESHOLDS.burstCalls}
    ) as hour group by 1, 2, 3, 4`.execute(db);
  return rows;
}

/**
 * Equal calls within one span of the cache's time: one of them had to be paid for. Spans begin by the clock and not with a call, so that a cache would
 * have saved this or more, and one reading of the calls is enough to know it. Of equal calls, project, provider and model are equal too.
 */
async function readRepeats(db: Db, look: Look, cacheTtlS: number): Promise<Repeats[]> {
  const { rows } = await sql<Repeats>`
    select provider, model, route, sum(calls)::integer as calls, sum(saves)::float8 as "costNanoUsd" from (
      select min(provider) as provider, min(model) as model, min(route) as route, count(*) - 1 as calls, sum(cost_nano_usd) - max(cost_nano_usd) as saves
      from ${paid(look)} and request_hash is not null
      group by request_hash, floor(extract(epoch from at) / ${Math.max(1, cacheTtlS)}) having count(*) > 1
    ) as repeated group by 1, 2, 3`.execute(db);
  return rows;
}

async function readShort(db: Db, look: Look): Promise<PaidCalls[]> {
  const { rows } = await sql<PaidCalls>`
    select provider, model, ${PAID_SUMS} from ${paid(look)}
      and input_tokens <= ${THRESHOLDS.shortInputTokens} and output_tokens <= ${THRESHOLDS.shortOutputTokens} and reasoning_tokens = 0
    group by provider, model having count(*) >= ${THRESHOLDS.shortCalls}`.execute(db);
  return rows;
}

async function readTemplates(db: Db, look: Look): Promise<TemplateCalls[]> {
  const { rows } = await sql<TemplateCalls>`
    select template_id as "templateId", provider, model, min(input_tokens) as "inputTokensMin", ${PAID_SUMS} from ${paid(look)} and template_id is not null
    group by template_id, provider, model, project_id having count(*) >= ${THRESHOLDS.templateCalls} and min(input_tokens) >= ${THRESHOLDS.cacheableInputTokens}`.execute(
    db,
  );
  return rows;
}

/** The newest requests of some calls, to be looked at. */
export async function sampleRequests(db: Db, look: Look, limit: number): Promise<string[]> {
  const { rows } = await sql<{ request_id: string }>`select request_id from ${paid(look)} order by at desc, id desc limit ${limit}`.execute(db);
  return [...new Set(rows.map(({ request_id: id }) => id))];
}
