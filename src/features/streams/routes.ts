import { StreamParams } from '../../contract/streams.ts';
import { DATABASE_ERRORS, type Route, route } from '../../http/route.ts';
import { cancel, readOn } from './streams.ts';

export const streamRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/streams/{id}',
    summary: 'Take up a stream',
    description:
      'A streamed request with `X-Stream-Resume: true` goes on when its connection drops; `X-Stream-Id` of its answer is the id. Asked with the `Last-Event-ID` that came last, this goes on behind it, on any process, until ten minutes after the end. The events are those of the surface that began it.',
    tag: 'Generate',
    scope: 'generate',
    params: StreamParams,
    replies: [{ status: 200, description: 'What is left of it.', type: 'text/event-stream' }],
    errors: DATABASE_ERRORS,
    handle: readOn,
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/streams/{id}',
    summary: 'Cancel a stream',
    description: 'What was said until then is charged, and its readers hear of it.',
    tag: 'Generate',
    scope: 'generate',
    params: StreamParams,
    replies: [{ status: 204, description: 'It is, or was, over.', type: 'text/plain' }],
    errors: DATABASE_ERRORS,
    handle: cancel,
  }),
];
