import { createClient } from './client.ts';
import { CommandError } from './command-error.ts';
import type { Environment } from './command-group.ts';
import { EXIT } from './exit-codes.ts';
import { interruption } from './interruption.ts';
import { copyOut } from './output.ts';

export type UsageOptions = {
  readonly group: string;
  readonly since?: string;
  readonly from?: string;
  readonly to?: string;
  readonly timeZone?: string;
  readonly model?: string;
  readonly provider?: string;
  readonly project?: string;
  readonly key?: string;
  readonly user?: string;
  readonly template?: string;
  readonly route?: string;
  readonly job?: string;
  readonly csv?: boolean;
  readonly json: boolean;
  readonly baseUrl?: string;
};

type Group = Readonly<Record<string, string | number | null>>;
type Reply = { readonly from: string; readonly to: string; readonly time_zone: string; readonly data: readonly Group[]; readonly total: Group };

/** `sluice usage`: a table for people, CSV for spreadsheets, JSON for programs. */
export async function usage(options: UsageOptions, env: Environment): Promise<void> {
  const client = createClient({ baseUrl: options.baseUrl, env, signal: interruption() });
  const query = queryOf(options);
  if (options.csv) {
    if (options.json) throw new CommandError('both --csv and --json are given', { hint: 'Give one of them.', exitCode: EXIT.wrongUsage });
    await copyOut(await client.get(`/api/v1/usage/export?format=csv&${query}`), 'the table');
    return;
  }
  const text = await (await client.get(`/api/v1/usage?${query}`)).text();
  process.stdout.write(options.json ? `${text}\n` : table(JSON.parse(text) as Reply));
}

function queryOf(options: UsageOptions): string {
  const query = new URLSearchParams({ group_by: options.group });
  const fields = {
    from: firstMoment(options),
    to: options.to,
    time_zone: options.timeZone,
    model: options.model,
    provider: options.provider,
    project_id: options.project,
    key_id: options.key,
    user_id: options.user,
    template_id: options.template,
    route: options.route,
    job_id: options.job,
  };
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) query.set(name, value);
  return query.toString();
}

const SPAN = /^(\d{1,5})([mhdw])$/;
const SPAN_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 };
/** What the service sums beforehand: a moment between two of them would be slower, and nobody asks for it who says `30d`. */
const QUARTER_MS = 900_000;

function firstMoment({ since, from }: UsageOptions): string | undefined {
  if (since === undefined) return from;
  if (from !== undefined)
    throw new CommandError('both --since and --from are given', { hint: 'They mean the same: give one of them.', exitCode: EXIT.wrongUsage });
  const [, count, unit = ''] = SPAN.exec(since) ?? [];
  if (count === undefined) return since;
  const moment = Date.now() - Number(count) * (SPAN_MS[unit] ?? 0);
  return new Date(Math.floor(moment / QUARTER_MS) * QUARTER_MS).toISOString();
}

const COUNTED = ['calls', 'failed_calls', 'cached_calls', 'input_tokens', 'output_tokens', 'cost_usd', 'saved_usd'] as const;
const TITLES: Readonly<Record<(typeof COUNTED)[number], string>> = {
  calls: 'calls',
  failed_calls: 'failed',
  cached_calls: 'cached',
  input_tokens: 'tokens in',
  output_tokens: 'tokens out',
  cost_usd: 'cost',
  saved_usd: 'saved',
};

/** A hundredth of a cent is what a short call costs. */
const CENTS = { minimumFractionDigits: 4, maximumFractionDigits: 4 };

function table({ from, to, time_zone: timeZone, data, total }: Reply): string {
  if (data.length === 0) return `no calls from ${from} to ${to}\n`;
  const names = Object.keys(data[0] ?? {}).filter((name) => !(name in total) && !isNamed(name, data[0]));
  const titles = [...names.map((name) => name.replace(/_(?:id|name)$/, '')), ...COUNTED.map((name) => TITLES[name])];
  const rows = data.map((group) => [...names.map((name) => shown(group, name)), ...numbers(group)]);
  const last = [...names.map((_, index) => (index === 0 ? 'total' : '')), ...numbers(total)];
  const widths = titles.map((title, column) => Math.max(title.length, ...[...rows, last].map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (column < names.length ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '-'.repeat(width)).join('  ');
  return `${[line(titles), ...rows.map(line), rule, line(last)].join('\n')}\n\nfrom ${from} to ${to}, days of ${timeZone}\n`;
}

/** An id that has a name beside it: people read the name. */
function isNamed(name: string, group: Group | undefined): boolean {
  return name.endsWith('_id') && group !== undefined && name.replace(/_id$/, '_name') in group;
}

/** What was deleted has an id and no name any more. Names are what somebody wrote: nothing in them moves the cursor of a terminal. */
function shown(group: Group, name: string): string {
  return String(group[name] ?? group[name.replace(/_name$/, '_id')] ?? '–').replaceAll(/\p{Cc}/gu, '?');
}

function numbers(group: Group): string[] {
  return COUNTED.map((name) => {
    const value = Number(group[name]);
    return name.endsWith('_usd') ? `$${value.toLocaleString('en-US', CENTS)}` : value.toLocaleString('en-US');
  });
}
