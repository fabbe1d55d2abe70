import { type Administration, administer, type AdministrationOptions, assertConfirmed, findOne, firstRows, type Page } from './administration.ts';
import { type BoundOptions, boundsOf } from './bound-options.ts';
import type { Environment } from './command-group.ts';
import { printJson } from './output.ts';
import { boundsText, table, timeText } from './table.ts';

type Key = {
  readonly id: string;
  readonly name: string;
  readonly prefix: string;
  readonly project_id: string;
  readonly status: string;
  readonly expires_at: string | null;
  readonly last_used_at: string | null;
  readonly overlap_until: string | null;
  readonly rpm: number | null;
  readonly tpm: number | null;
  readonly max_parallel: number | null;
  readonly budget: { readonly usd: number; readonly period: string } | null;
  readonly key: string;
};

const PATH = '/api/v1/keys';

export type ListOptions = AdministrationOptions & { readonly project?: string; readonly limit: number };

export function listKeys(options: ListOptions, env: Environment): Promise<void> {
  return administer(options, env, async (of) => {
    const page = await firstRows<Key>(of, `${PATH}${options.project === undefined ? '' : `?project_id=${encodeURIComponent(options.project)}`}`, options.limit);
    if (of.json) printJson(page);
    else process.stdout.write(tableOf(page));
    if (page.has_more && !of.json) process.stderr.write(`There are more: --limit ${options.limit * 5}\n`);
  });
}

function tableOf({ data }: Page<Key>): string {
  return table(data, [
    ['NAME', ({ name }) => name],
    ['BEGINS', ({ prefix }) => `${prefix}…`],
    ['STATUS', ({ status }) => status],
    ['PROJECT', (key) => key.project_id],
    ['MAY', boundsText],
    ['LAST USED', (key) => timeText(key.last_used_at)],
    ['EXPIRES', (key) => timeText(key.expires_at)],
    ['ID', ({ id }) => id],
  ]);
}

export type CreateOptions = AdministrationOptions &
  BoundOptions & { readonly project?: string; readonly expires?: string; readonly models?: readonly string[]; readonly routes?: readonly string[] };

export function createKey(name: string, options: CreateOptions, env: Environment): Promise<void> {
  return administer(options, env, async (of) => {
    const body = {
      name,
      ...(options.project === undefined ? {} : { project_id: options.project }),
      ...(options.expires === undefined ? {} : { expires_at: options.expires }),
      ...(options.models === undefined ? {} : { allowed_models: options.models }),
      ...(options.routes === undefined ? {} : { allowed_routes: options.routes }),
      ...boundsOf(options),
    };
    const key = await of.client.ask<Key>('POST', PATH, body);
    const until = key.expires_at === null ? '' : `, until ${timeText(key.expires_at)} UTC`;
    tell(of, key, `Made ${key.name} (${key.id})${until}.`);
  });
}

export type RotateOptions = AdministrationOptions & { readonly overlap?: number };

export function rotateKey(wanted: string, options: RotateOptions, env: Environment): Promise<void> {
  return administer(options, env, async (of) => {
    const { id } = await findKey(of, wanted);
    const key = await of.client.ask<Key>('POST', `${PATH}/${id}/rotate`, options.overlap === undefined ? {} : { overlap_s: options.overlap });
    const old = key.overlap_until === null ? 'The one before is void.' : `The one before works until ${timeText(key.overlap_until)} UTC.`;
    tell(of, key, `Gave ${key.name} (${key.id}) another secret. ${old}`);
  });
}

export type RevokeOptions = AdministrationOptions & { readonly yes?: boolean };

export function revokeKey(wanted: string, options: RevokeOptions, env: Environment): Promise<void> {
  assertConfirmed(options.yes, `to revoke ${wanted}`);
  return administer(options, env, async (of) => {
    const { id, name } = await findKey(of, wanted);
    await of.client.ask('DELETE', `${PATH}/${id}`);
    if (of.json) printJson({ id, revoked: true });
    else process.stderr.write(`Revoked ${name} (${id}): it is void everywhere within a second.\n`);
  });
}

function findKey(of: Administration, wanted: string): Promise<Key> {
  return findOne<Key>(of, { path: PATH, what: 'key', wanted, is: ({ name, prefix }) => name === wanted || prefix === wanted });
}

/** The secret is the result; what is said about it is not. */
function tell({ json }: Administration, key: Key, deed: string): void {
  if (json) return printJson(key);
  process.stderr.write(`${deed}\nThe key, which is not shown again:\n`);
  process.stdout.write(`${key.key}\n`);
}
