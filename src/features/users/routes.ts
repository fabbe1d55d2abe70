import { NewUserBody, UserChange, UserList, UserListQuery, UserParams, UserReply, UserWithPassword } from '../../contract/users.ts';
import { DATABASE_ERRORS, type Route, route } from '../../http/route.ts';
import { changeUser, removeUser } from './change.ts';
import { createUser } from './create.ts';
import { listOfUsers, showUser } from './show.ts';

export const userRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/users',
    summary: 'List the users',
    description: 'Of all projects, newest first.',
    tag: 'Users',
    scope: 'administer',
    query: UserListQuery,
    replies: [{ status: 200, description: 'One page of them.', type: 'application/json', schema: UserList }],
    errors: DATABASE_ERRORS,
    handle: listOfUsers,
  }),
  route({
    method: 'POST',
    path: '/api/v1/users',
    summary: 'Create a user',
    tag: 'Users',
    scope: 'administer',
    body: NewUserBody,
    example: { username: 'grace', role: 'member', budget: { usd: 5, period: 'day' } },
    replies: [{ status: 201, description: 'The new user, and the password where one was made.', type: 'application/json', schema: UserWithPassword }],
    errors: ['CONFLICT', ...DATABASE_ERRORS],
    handle: createUser,
  }),
  route({
    method: 'GET',
    path: '/api/v1/users/{id}',
    summary: 'Show a user',
    tag: 'Users',
    scope: 'administer',
    params: UserParams,
    replies: [{ status: 200, description: 'The user.', type: 'application/json', schema: UserReply }],
    errors: DATABASE_ERRORS,
    handle: showUser,
  }),
  route({
    method: 'PATCH',
    path: '/api/v1/users/{id}',
    summary: 'Change a user',
    description: 'What is left out stays. Counts everywhere within a second. The last administrator stays one.',
    tag: 'Users',
    scope: 'administer',
    params: UserParams,
    body: UserChange,
    example: { rpm: 120, budget: null },
    replies: [{ status: 200, description: 'The user as it is now, and the password where one was made.', type: 'application/json', schema: UserWithPassword }],
    errors: ['CONFLICT', ...DATABASE_ERRORS],
    handle: changeUser,
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/users/{id}',
    summary: 'Delete a user',
    description: 'Ends every sign-in and revokes every key of the user within a second. What was used stays in the usage.',
    tag: 'Users',
    scope: 'administer',
    params: UserParams,
    replies: [{ status: 204, description: 'Deleted.', type: 'application/json' }],
    errors: ['CONFLICT', ...DATABASE_ERRORS],
    handle: removeUser,
  }),
];
