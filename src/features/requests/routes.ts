import { RequestList, RequestListQuery, RequestParams, RequestReply } from '../../contract/requests.ts';
import { DATABASE_ERRORS, type Route, route } from '../../http/route.ts';
import { listRequests } from './list.ts';
import { showRequest } from './show.ts';

export const requestRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/requests',
    summary: 'The requests that asked a model',
    description: 'Newest first. An administrator sees all projects, everybody else their own, and an API key its own requests.',
    tag: 'Usage',
    scope: 'usage:read',
    query: RequestListQuery,
    replies: [{ status: 200, description: 'One page of them.', type: 'application/json', schema: RequestList }],
    errors: DATABASE_ERRORS,
    handle: listRequests,
  }),
  route({
    method: 'GET',
    path: '/api/v1/requests/{id}',
    summary: 'One request, with each of its calls',
    tag: 'Usage',
    scope: 'usage:read',
    params: RequestParams,
    replies: [{ status: 200, description: 'What became of it, what it cost, and why.', type: 'application/json', schema: RequestReply }],
    errors: ['NOT_FOUND', ...DATABASE_ERRORS],
    handle: showRequest,
  }),
];
