import { type Administration, administer, type AdministrationOptions, assertConfirmed, findOne, firstRows, type Page } from './administration.ts';
import { type BoundOptions, boundsOf } from './bound-options.ts';
import type { Environment } from './command-group.ts';
import { printJson } from './output.ts';
import { boundsText, table, timeText } from './table.ts';

type User = {
  readonly id: string;
  readonly username: string;
  readonly role: string;
  readonly project_id: string;
  readonly disabled: boolean;
  readonly rpm: number | null;
  readonly tpm: number | null;
  readonly max_parallel: number | null;
  readonly budget: { readonly usd: number; readonly period: string } | null;
  readonly created_at: string;
  readonly password?: string;
};

const PATH = '/api/v1/users';

export type ListOptions = AdministrationOptions & { readonly project?: string; readonly limit: number };

export function listUsers(options: ListOptions, env: Environment): Promise<void> {
  return administer(options, env, async (of) => {
    const page = await firstRows<User>(
      of,
      `${PATH}${options.project === undefined ? '' : `?project_id=${encodeURIComponent(options.project)}`}`,
      options.limit,
    );
    if (of.json) printJson(page);
    else process.stdout.write(tableOf(page));
    if (page.has_more && !of.json) process.stderr.write(`There are more: --limit ${options.limit * 5}\n`);
  });
}

function tableOf({ data }: Page<User>): string {
  return table(data, [
    ['NAME', ({ username }) => username],
    ['ROLE', ({ role, disabled }) => (disabled ? `${role}, disabled` : role)],
    ['PROJECT', (user) => user.project_id],
    ['MAY', boundsText],
    ['SINCE', (user) => timeText(user.created_at)],
    ['ID', ({ id }) => id],
  ]);
}

export type CreateOptions = AdministrationOptions & BoundOptions & { readonly role: string; readonly project?: string; readonly passwordStdin?: boolean };

export function createUser(username: string, options: CreateOptions, env: Environment): Promise<void> {
  return administer(options, env, async (of) => {
    const body = {
      username,
      role: options.role,
      ...(options.project === undefined ? {} : { project_id: options.project }),
      ...(options.passwordStdin ? { password: await passwordFromInput() } : {}),
      ...boundsOf(options),
    };
    tell(of, await of.client.ask<User>('POST', PATH, body), 'Made');
  });
}

export type UpdateOptions = AdministrationOptions &
  BoundOptions & { readonly role?: string; readonly project?: string; readonly disable?: boolean; readonly enable?: boolean };

export function updateUser(wanted: string, options: UpdateOptions, env: Environment): Promise<void> {
  return administer(options, env, async (of) => {
    const { id } = await findUser(of, wanted);
    const body = {
      ...(options.role === undefined ? {} : { role: options.role }),
      ...(options.project === undefined ? {} : { project_id: options.project }),
      ...(options.disable ? { disabled: true } : {}),
      ...(options.enable ? { disabled: false } : {}),
      ...boundsOf(options),
    };
    tell(of, await of.client.ask<User>('PATCH', `${PATH}/${id}`, body), 'Changed');
  });
}

export type ResetOptions = AdministrationOptions & { readonly passwordStdin?: boolean };

export function resetPassword(wanted: string, options: ResetOptions, env: Environment): Promise<void> {
  return administer(options, env, async (of) => {
    const { id } = await findUser(of, wanted);
    const body = options.passwordStdin ? { password: await passwordFromInput() } : { reset_password: true };
    tell(of, await of.client.ask<User>('PATCH', `${PATH}/${id}`, body), 'Gave a new password to');
  });
}

export type RemoveOptions = AdministrationOptions & { readonly yes?: boolean };

export function removeUser(wanted: string, options: RemoveOptions, env: Environment): Promise<void> {
  assertConfirmed(options.yes, `to remove ${wanted}, with every sign-in and key,`);
  return administer(options, env, async (of) => {
    const { id, username } = await findUser(of, wanted);
    await of.client.ask('DELETE', `${PATH}/${id}`);
    if (of.json) printJson({ id, removed: true });
    else process.stderr.write(`Removed ${username} (${id}).\n`);
  });
}

function findUser(of: Administration, wanted: string): Promise<User> {
  return findOne<User>(of, { path: PATH, what: 'user', wanted, is: ({ username }) => username.toLowerCase() === wanted.toLowerCase() });
}

/** A password that was made is the result; what is said about it is not. */
function tell({ json }: Administration, user: User, deed: string): void {
  if (json) return printJson(user);
  const bounds = boundsText(user);
  process.stderr.write(`${deed} ${user.username} (${user.id}): ${user.role}${user.disabled ? ', disabled' : ''}${bounds === '' ? '' : `, ${bounds}`}.\n`);
  if (user.password === undefined) return;
  process.stderr.write('The password, which is not shown again:\n');
  process.stdout.write(`${user.password}\n`);
}

/** One line: a password is not to stand in the list of processes, nor in the history of a shell. */
async function passwordFromInput(): Promise<string> {
  let text = '';
  process.stdin.setEncoding('utf8');
  for await (const piece of process.stdin) text += String(piece);
  return text.replace(/\r?\n$/, '');
}
