import type { Ask, Slice } from './ask.ts';

const given = { route: 'POST /generate', query: '?stream=true', json: { prompt: 'hi' }, headers: { 'x-stream-resume': 'true' } } as const;
const using = (headers: Readonly<Record<string, unknown>>): Ask => ({ path: { id: String(headers['x-stream-id']) } });

export const streams: Slice = {
  suited: {},
  cases: [
    { route: 'GET /api/v1/streams/{id}', gives: '200 text/event-stream', given, using },
    {
      route: 'GET /api/v1/streams/{id}',
      gives: '422 INVALID_VALUE',
      given,
      using: (headers) => ({ ...using(headers), headers: { 'last-event-id': 'str_other:1' } }),
    },
    { route: 'GET /api/v1/streams/{id}', gives: '404 NOT_FOUND', path: { id: 'str_nothing' } },
    { route: 'DELETE /api/v1/streams/{id}', gives: '204', given, using },
    { route: 'DELETE /api/v1/streams/{id}', gives: '404 NOT_FOUND', path: { id: 'str_nothing' } },
  ],
};
