import { type Dimension, TIME_UNITS, type TimeUnit } from '../../contract/usage.ts';
import type { Question } from './asked.ts';
import { COLUMN, type Group, type NamedDimension, type Names, type Sums } from './store.ts';

type Fields = Record<string, string | null>;

/** A group as it is shown: its fields in the order in which they were asked for. */
export function groupFields(question: Question, group: Group, names: Names): Fields {
  return Object.fromEntries(question.groupings.flatMap((grouping) => fieldsOf(grouping, { question, group, names })));
}

/** The ids of a page of groups that have names. */
export function idsOf({ asked }: Question, groups: readonly Group[]): Record<NamedDimension, string[]> {
  const ids = (dimension: NamedDimension): string[] => {
    const index = asked.columns.indexOf(COLUMN[dimension]);
    return index < 0 ? [] : [...new Set(groups.map(({ values }) => values[index] ?? ''))].filter((id) => id !== '');
  };
  return { key: ids('key'), user: ids('user'), project: ids('project') };
}

/** Money stays whole nano-USD: a reply and a table write it in different ways. */
export function sumFields({ cost_nano_usd: cost, saved_nano_usd: saved, estimated_calls: estimatedCalls, ...counts }: Sums): Record<string, number | bigint> {
  return { ...counts, cost_usd: cost, saved_usd: saved, estimated_calls: estimatedCalls };
}

type Shown = { readonly question: Question; readonly group: Group; readonly names: Names };

function fieldsOf(grouping: TimeUnit | Dimension, { question: { asked }, group, names }: Shown): [string, string | null][] {
  if (isUnit(grouping)) return [[grouping, asked.periods[group.period]?.labels[grouping] ?? null]];
  const column = COLUMN[grouping];
  // '' is none.
  const value = group.values[asked.columns.indexOf(column)] || null;
  if (!isNamed(grouping)) return [[column, value]];
  const name = value === null ? null : (names[grouping].get(value) ?? null);
  return [
    [column, value],
    [`${grouping}_name`, name],
  ];
}

function isUnit(grouping: TimeUnit | Dimension): grouping is TimeUnit {
  return TIME_UNITS.some((unit) => unit === grouping);
}

function isNamed(dimension: Dimension): dimension is NamedDimension {
  return dimension === 'key' || dimension === 'user' || dimension === 'project';
}
