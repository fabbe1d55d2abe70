import type { App } from '../../app.ts';
import { AppError, invalidValue } from '../../contract/errors.ts';
import { type Dimension, DIMENSIONS, groupingsOf, isGrouping, TIME_UNITS, type TimeUnit, type UsageQuery } from '../../contract/usage.ts';
import { reachOf } from '../../core/reach.ts';
import { readRange, type TimeRange } from '../../core/time-range.ts';
import type { Exchange } from '../../http/route.ts';
import { cutRange } from './periods.ts';
import { type Asked, COLUMN, type Condition, projectTimeZone } from './store.ts';

/** What a query means: whose calls, of when, in which groups. */
export type Question = {
  /** Null for all projects. */
  readonly projectId: string | null;
  readonly range: TimeRange;
  readonly timeZone: string;
  readonly groupings: readonly (TimeUnit | Dimension)[];
  readonly asked: Asked;
};

type Asking = Pick<Exchange<unknown, Omit<UsageQuery, 'group_by'>>, 'principal' | 'query'>;

const QUARTER_MS = 15 * 60_000;
const PERIODS_MAX = 10_000;
const RANGE_MAX_MS = 3660 * 86_400_000;
export const DEFAULT_GROUPING = 'day';

export async function readQuestion(app: Pick<App, 'db' | 'clock'>, { principal, query }: Asking, groupBy: string): Promise<Question> {
  const reach = reachOf(principal);
  const timeZone = query.time_zone ?? (await projectTimeZone(app.db, query.project_id ?? principal.projectId));
  const range = checked(readRange(query, timeZone, app.clock.now()));
  const groupings = groupingsOf(groupBy).filter(isGrouping);
  const units = TIME_UNITS.filter((unit) => groupings.includes(unit));
  const dimensions = groupings.filter((grouping) => DIMENSIONS.some((dimension) => dimension === grouping)) as Dimension[];
  const periods = cutRange(range, { units, timeZone, most: PERIODS_MAX });
  if (periods === null)
    throw tooMuch(`group_by cuts the range into more than ${PERIODS_MAX} parts: take a shorter range, or days instead of hours`, PERIODS_MAX);
  return {
    projectId: reach.projectId,
    range,
    timeZone,
    groupings,
    asked: {
      periods,
      columns: dimensions.map((dimension) => COLUMN[dimension]),
      conditions: [...ownConditions(reach), ...conditionsOf(query)],
      exact: range.fromMs % QUARTER_MS !== 0 || range.toMs % QUARTER_MS !== 0,
    },
  };
}

/** More than anybody reads at once; the way out is said with it. */
export function tooMuch(message: string, max: number): AppError {
  return new AppError('INVALID_VALUE', { field: 'group_by', message, details: { max } });
}

function checked(range: TimeRange): TimeRange {
  if (range.fromMs >= range.toMs) throw invalidValue('from', 'must be before to');
  if (range.toMs - range.fromMs > RANGE_MAX_MS) throw invalidValue('from', 'must be at most ten years before to');
  return range;
}

function ownConditions({ projectId, keyId }: ReturnType<typeof reachOf>): Condition[] {
  return [...(projectId === null ? [] : [['project_id', projectId] as const]), ...(keyId === null ? [] : [['key_id', keyId] as const])];
}

function conditionsOf(query: Omit<UsageQuery, 'group_by'>): Condition[] {
  return Object.values(COLUMN).flatMap((column) => (query[column] === undefined ? [] : [[column, query[column]] as const]));
}
