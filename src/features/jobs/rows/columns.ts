import { AppError, invalidValue } from '../../../contract/errors.ts';
import { isRecord } from '../../../core/json-schema-parts.ts';
import type { Template } from '../../../core/template.ts';

/** What a column of a table is to a request. */
export type ColumnUse =
  | { readonly kind: 'custom_id' | 'input' | 'body' | 'system' | 'model' }
  | { readonly kind: 'parameter'; readonly name: string; readonly schema: unknown };

type Asked = { readonly template: Template | null; readonly map: string | undefined };
type Known = ReadonlyMap<string, ColumnUse>;

const PLAIN = ['custom_id', 'input', 'body', 'system', 'model'] as const;

/** What each column is, by what the query says of it or else by its name; null for those that are only given back. */
export function columnUses(header: readonly string[], { template, map }: Asked): readonly (ColumnUse | null)[] {
  const twice = header.find((name, place) => header.indexOf(name) !== place);
  if (twice !== undefined) throw wrongTable(`two columns are named ${JSON.stringify(twice)}`, header);
  const known = knownUses(template);
  const mapped = readMap(map, header, known);
  const taken = new Set([...mapped.values()].map(nameOf));
  const uses = header.map((column) => mapped.get(column) ?? unlessTaken(taken, known.get(column) ?? known.get(column.toLowerCase())));
  if (!uses.some((use) => use?.kind === 'input' || use?.kind === 'body')) {
    throw wrongTable(`no column is ${template ? 'input' : 'input or body'}; say which with ?map=column:input`, header);
  }
  return uses;
}

function knownUses(template: Template | null): Known {
  if (!template) return new Map(PLAIN.map((kind) => [kind, { kind }]));
  const properties = template.parameters['properties'];
  const parameters = Object.entries(isRecord(properties) ? properties : {});
  return new Map<string, ColumnUse>([
    ...parameters.map(([name, schema]) => [name, { kind: 'parameter', name, schema }] as const),
    ['custom_id', { kind: 'custom_id' }],
    ['input', { kind: 'input' }],
  ]);
}

function unlessTaken(taken: ReadonlySet<string>, use: ColumnUse | undefined): ColumnUse | null {
  return use === undefined || taken.has(nameOf(use)) ? null : use;
}

function nameOf(use: ColumnUse): string {
  return use.kind === 'parameter' ? use.name : use.kind;
}

function readMap(map: string | undefined, header: readonly string[], known: Known): Known {
  const uses = new Map<string, ColumnUse>();
  const taken = new Set<string>();
  for (const pair of map === undefined ? [] : map.split(',')) {
    const [column = '', name = ''] = pair.split(':').map((word) => word.trim());
    const use = known.get(name);
    if (!header.includes(column)) throw wrongMap(`names the column ${JSON.stringify(column)}, which the table does not have`, { columns: header });
    if (!use) throw wrongMap(`says that a column is ${JSON.stringify(name)}, which is nothing here`, { allowed: [...known.keys()] });
    if (uses.has(column) || taken.has(name)) throw wrongMap(`says twice what ${JSON.stringify(uses.has(column) ? column : name)} is`, {});
    uses.set(column, use);
    taken.add(name);
  }
  return uses;
}

function wrongMap(problem: string, details: Readonly<Record<string, unknown>>): AppError {
  return invalidValue('map', problem, details);
}

function wrongTable(problem: string, columns: readonly string[]): AppError {
  return new AppError('INVALID_VALUE', { message: `Line 1: ${problem}`, details: { line: 1, columns } });
}
