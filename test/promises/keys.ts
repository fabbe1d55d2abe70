import type { Slice } from './ask.ts';

/** A new key for each case, since some of them end it. */
const given = { route: 'POST /api/v1/keys', json: { name: 'shop' } } as const;
const using = ({ id }: Readonly<Record<string, unknown>>) => ({ path: { id: String(id) } });

export const keys: Slice = {
  suited: {},
  cases: [
    { route: 'GET /api/v1/keys/{id}', gives: '200 application/json', given, using },
    { route: 'PATCH /api/v1/keys/{id}', gives: '200 application/json', given, using },
    { route: 'PATCH /api/v1/keys/{id}', gives: '422 MISSING_REQUIRED_FIELD', json: { budget: { usd: 1 } } },
    { route: 'DELETE /api/v1/keys/{id}', gives: '204', given, using },
    { route: 'POST /api/v1/keys/{id}/rotate', gives: '200 application/json', given, using },
    { route: 'POST /api/v1/keys/{id}/rotate', gives: '409 CONFLICT', path: { id: 'key_expired' } },
  ],
};
