import { type Client, createClient } from './client.ts';
import { CommandError } from './command-error.ts';
import type { Environment } from './command-group.ts';
import { EXIT } from './exit-codes.ts';
import { interruption } from './interruption.ts';

/** How commands manage a running service. */
export type Administration = { readonly client: Client; readonly json: boolean };
export type AdministrationOptions = { readonly json: boolean; readonly baseUrl?: string | undefined };

/** Signs in for one command, and out again: with SLUICE_TOKEN, with SLUICE_USERNAME and SLUICE_PASSWORD, or as every other command does. */
export async function administer(options: AdministrationOptions, env: Environment, run: (of: Administration) => Promise<void>): Promise<void> {
  const { baseUrl, json } = options;
  const signal = interruption();
  const { SLUICE_TOKEN: token, SLUICE_USERNAME: username, SLUICE_PASSWORD: password } = env;
  if (token) return run({ json, client: createClient({ baseUrl, env, signal, token }) });
  if (!username || !password) return run({ json, client: createClient({ baseUrl, env, signal }) });
  const stranger = createClient({ baseUrl, env, signal, token: '' });
  const { access_token: own } = await stranger.ask<{ access_token: string }>('POST', '/auth/login', { username, password });
  const client = createClient({ baseUrl, env, signal, token: own });
  try {
    await run({ json, client });
  } finally {
    await client.ask('POST', '/auth/logout').catch(() => undefined);
  }
}

export type Page<Row> = { readonly data: readonly Row[]; readonly has_more: boolean; readonly next_cursor: string | null };

const PAGE = 100;

/** The first rows of a list, over as many pages as it takes. */
export async function firstRows<Row>({ client }: Administration, path: string, most: number): Promise<Page<Row>> {
  const rows: Row[] = [];
  for (let cursor = ''; ;) {
    const mark = path.includes('?') ? '&' : '?';
    const page = await client.ask<Page<Row>>('GET', `${path}${mark}limit=${Math.min(PAGE, most - rows.length)}${cursor}`);
    rows.push(...page.data);
    if (!page.has_more || rows.length >= most) return { ...page, data: rows };
    cursor = `&cursor=${page.next_cursor}`;
  }
}

type Sought<Row> = { readonly path: string; readonly what: string; readonly wanted: string; readonly is: (row: Row) => boolean };

/** The one row that somebody means by an id or a name. */
export async function findOne<Row extends { readonly id: string }>(of: Administration, { path, what, wanted, is }: Sought<Row>): Promise<Row> {
  const { data } = await firstRows<Row>(of, path, Number.POSITIVE_INFINITY);
  const exact = data.find(({ id }) => id === wanted);
  const found = exact ? [exact] : data.filter(is);
  const [first] = found;
  if (!first) throw new CommandError(`there is no ${what} ${JSON.stringify(wanted)}`, { hint: `\`sluice ${what}s list\` shows what there is.` });
  if (found.length > 1) {
    const ids = found.map(({ id }) => id).join(', ');
    throw new CommandError(`there are ${found.length} ${what}s ${JSON.stringify(wanted)}`, { hint: `Give the id of the one that is meant: ${ids}` });
  }
  return first;
}

/** Nothing is asked back, so that what cannot be undone has to be said twice. */
export function assertConfirmed(yes: boolean | undefined, what: string): void {
  if (yes !== true) throw new CommandError(`${what} cannot be undone`, { hint: 'Say that it is meant, with --yes.', exitCode: EXIT.wrongUsage });
}
