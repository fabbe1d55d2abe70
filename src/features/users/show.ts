import { type App, EVERY_PROJECT } from '../../app.ts';
import { AppError } from '../../contract/errors.ts';
import { isId, pageOf, pagePlace } from '../../contract/paging.ts';
import type { UserListQuery, UserParams, UserReply } from '../../contract/users.ts';
import { budgetReply, limitsReply } from '../../core/bounds.ts';
import type { Exchange, Reply } from '../../http/route.ts';
import { findUser, listUsers, type StoredUser } from './store.ts';

export async function listOfUsers(app: App, { query }: Exchange<undefined, UserListQuery>): Promise<Reply> {
  const place = pagePlace(query);
  const page = pageOf(await app.inProject(EVERY_PROJECT, (db) => listUsers(db, query.project_id, place)), place);
  return { json: { ...page, data: page.data.map(userReply) } };
}

export async function showUser(app: App, { params }: Exchange<UserParams>): Promise<Reply> {
  const user = isId(params.id) ? await app.inProject(EVERY_PROJECT, (db) => findUser(db, params.id)) : null;
  if (!user) throw noUser();
  return { json: userReply(user) };
}

export function noUser(): AppError {
  return new AppError('NOT_FOUND', { message: 'There is no such user' });
}

export function userReply(user: StoredUser): UserReply {
  return {
    id: user.id,
    username: user.username,
    role: user.role,
    project_id: user.project_id,
    disabled: user.disabled_at !== null,
    ...limitsReply(user),
    budget: budgetReply(user),
    created_at: user.created_at.toISOString(),
    updated_at: user.updated_at.toISOString(),
  };
}

/** What the audit log says of a user. */
export function userFacts(user: StoredUser): object {
  const { username, role, project_id, disabled, rpm, tpm, max_parallel, budget } = userReply(user);
  return { username, role, project_id, disabled, rpm, tpm, max_parallel, budget };
}
